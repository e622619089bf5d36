//! Names of people and chats.

use crate::{
    telegram::wire::RawObject,
    translate::text::is_visible,
    words::{Language, described},
};

/// A text on one line, without control characters and marks that reverse the direction of writing, by which a name
/// could imitate a line of ours.
pub(super) fn one_line(text: &str) -> String {
    let unfit = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let clean: String = text.chars().map(|c| if unfit(c) { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name on one line; `None` if it is not visible.
pub(super) fn visible(name: &str) -> Option<String> {
    Some(one_line(name)).filter(|name| is_visible(name))
}

/// The name of a person, or the title of a chat.
pub(super) fn full_name(who: &RawObject) -> Option<String> {
    full(["title", "first_name", "last_name"].map(|field| who.text(field)))
}

/// A name of several parts, without invisible ones.
pub(super) fn full(parts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().filter_map(|part| visible(&part)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A person or a chat by name and username; `None` if neither is known.
pub(super) fn known(who: &RawObject) -> Option<String> {
    let username = who.text("username").and_then(|name| visible(&name)).map(|name| format!("@{name}"));
    match (full_name(who), username) {
        (Some(name), Some(username)) => Some(format!("{name} ({username})")),
        (name, username) => name.or(username),
    }
}

/// A person or a chat by name, or else by id.
pub(super) fn named(who: &RawObject, language: Language) -> String {
    let number = || who.number("id").or_else(|| who.number("user_id")).or_else(|| who.number("chat_id"));
    known(who)
        .or_else(|| number().map(|id| format!("Telegram {id}")))
        .unwrap_or_else(|| described::somebody().say(language))
}

/// The names of several, separated by commas.
pub(super) fn all(of: &[RawObject], language: Language) -> String {
    let named: Vec<_> = of.iter().map(|who| named(who, language)).collect();
    if named.is_empty() { described::somebody().say(language) } else { named.join(", ") }
}

/// The original author of a forwarded message (Bot API, `MessageOrigin`).
pub(super) fn author(origin: &RawObject) -> Option<String> {
    let chat = ["chat", "sender_chat"].into_iter().find_map(|field| known(&origin.part(field)));
    let person = known(&origin.part("sender_user"));
    let person = person.or_else(|| visible(&origin.text("sender_user_name")?));
    let signature = origin.text("author_signature").and_then(|name| visible(&name));
    match (chat, signature) {
        (Some(chat), Some(signature)) => Some(format!("{chat}, {signature}")),
        (chat, signature) => chat.or(person).or(signature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(raw: &str) -> RawObject {
        serde_json::from_str(raw).unwrap()
    }

    #[test]
    fn a_name_is_on_one_line_that_cannot_imitate_another() {
        assert_eq!(one_line(" Ann\n[forwarded from\u{202e} Bob] "), "Ann [forwarded from Bob]");
        assert_eq!(known(&part(r#"{"first_name":" \n","username":"ann"}"#)).as_deref(), Some("@ann"));
        assert_eq!(known(&part(r#"{"first_name":7}"#)), None);
        assert_eq!(named(&part(r#"{"id":7,"title":"\u3164","username":"\u200e"}"#), Language::En), "Telegram 7");
        assert_eq!(full_name(&part(r#"{"first_name":"\u200e","last_name":"Lee"}"#)).as_deref(), Some("Lee"));
        assert_eq!(named(&part(r#"{"user_id":7}"#), Language::En), "Telegram 7");
        assert_eq!(all(&[part(r#"{"title":"Shop"}"#), part("{}")], Language::En), "Shop, somebody");
    }

    #[test]
    fn every_kind_of_origin_has_a_name() {
        for (origin, name) in [
            (
                r#"{"type":"user","sender_user":{"first_name":"Ivan","last_name":"Petrov","username":"ivan"}}"#,
                "Ivan Petrov (@ivan)",
            ),
            (r#"{"type":"hidden_user","sender_user_name":"Hidden One"}"#, "Hidden One"),
            (r#"{"type":"chat","sender_chat":{"title":"Team"},"author_signature":"boss"}"#, "Team, boss"),
            (r#"{"type":"channel","chat":{"title":"News","username":"news"},"message_id":5}"#, "News (@news)"),
            (r#"{"type":"from_the_future","author_signature":"Who"}"#, "Who"),
        ] {
            assert_eq!(author(&part(origin)).as_deref(), Some(name), "{origin}");
        }
        assert_eq!(author(&part("{}")), None);
    }
}
