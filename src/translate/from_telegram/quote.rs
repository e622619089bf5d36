//! Quotes.

use crate::{
    domain::{
        address::{BotId, MessageId, TelegramChat},
        message::Quote,
    },
    telegram::wire::{Message, RawObject},
    translate::{
        from_telegram::{content, people},
        text::is_visible,
    },
    words::{Language, described},
};

/// The quote of a message of `chat`. A quoted message of another chat, or a story, has a text only.
pub(super) fn of(message: &Message, (bot, chat): (BotId, TelegramChat), language: Language) -> Option<Quote> {
    let (fields, original) = (&message.fields, message.reply_to_message.as_deref());
    let quoted = message.quote.as_ref().and_then(|quote| quote.text.clone()).filter(|it| is_visible(it));
    let is_manual = message.quote.as_ref().is_some_and(|quote| quote.is_manual == Some(true));
    let item = || original.and_then(|original| item(fields, original)).filter(|words| is_visible(words));
    let part = quoted.clone().filter(|_| is_manual).or_else(item);
    let is_part = part.is_some();
    let elsewhere = fields.is_set("external_reply").then(|| fields.part("external_reply"));
    let elsewhere = elsewhere.and_then(|it| from_elsewhere(part.clone().or_else(|| quoted.clone()), &it, language));
    let quote = match (elsewhere, original) {
        (Some(words), _) => Quote { words, ..Quote::default() },
        (None, Some(original)) => {
            let original = self::original(original, (bot, chat), language);
            Quote { words: part.unwrap_or(original.words), ..original }
        }
        (None, None) => {
            let story = || fields.is_set("reply_to_story").then(|| story(&fields.part("reply_to_story"), language));
            Quote { words: quoted.or_else(story)?, ..Quote::default() }
        }
    };
    Some(Quote { words: sanitized(&quote.words), is_part, ..quote })
}

/// A text without characters that could reverse or imitate the text after it.
fn sanitized(words: &str) -> String {
    words.lines().map(people::one_line).collect::<Vec<_>>().join("\n")
}

fn original(message: &Message, (bot, chat): (BotId, TelegramChat), language: Language) -> Quote {
    let elsewhere = message.chat.as_ref().and_then(|chat| chat.id).is_some_and(|id| id != chat.id);
    // A message with the id 0 cannot be referred to.
    let number = message.message_id.filter(|number| !elsewhere && *number > 0);
    let ours = number.map(|message| MessageId { bot, chat, message, update: None });
    Quote { ours, words: content::words(message, language).unwrap_or_default(), ..Quote::default() }
}

/// The text of a message in another chat, after its author. The text of a text message is only in the quoted part.
fn from_elsewhere(part: Option<String>, message: &RawObject, language: Language) -> Option<String> {
    let words = part.or_else(|| content::words(&message.message_without("origin"), language));
    match (people::author(&message.part("origin")), words) {
        (Some(author), Some(words)) => Some(format!("{author}: {words}")),
        (Some(author), None) => Some(format!("{author}: [{}]", described::message().say(language))),
        (None, words) => words,
    }
}

fn story(story: &RawObject, language: Language) -> String {
    format!("[{}]", described::story_of(people::named(&story.part("chat"), language)).say(language))
}

/// The quoted task of a checklist or option of a poll (Bot API, `reply_to_checklist_task_id` and
/// `reply_to_poll_option_id`).
fn item(fields: &RawObject, original: &Message) -> Option<String> {
    let task = fields.number("reply_to_checklist_task_id");
    let tasks = original.fields.part("checklist").list::<RawObject>("tasks");
    let task = tasks.into_iter().find(|it| task.is_some() && it.number("id") == task);
    let option = fields.text("reply_to_poll_option_id");
    let options = original.fields.part("poll").list::<RawObject>("options");
    let option = options.into_iter().find(|it| option.is_some() && it.text("persistent_id") == option);
    task.or(option)?.text("text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Option<Quote> {
        let message: Message = serde_json::from_str(&format!(r#"{{"message_id":9,"text":"yes",{raw}}}"#)).unwrap();
        of(&message, (BotId(1), 5.into()), Language::En)
    }

    fn quoted(raw: &str) -> Option<(Option<i64>, String)> {
        read(raw).map(|quote| (quote.ours.map(|ours| ours.message), quote.words))
    }

    #[test]
    fn a_manually_quoted_part_is_kept_with_the_id_of_its_message() {
        let answered = r#""reply_to_message":{"message_id":4,"text":"one\ntwo\nthree"},"quote":{"text":"two\n\u202ethree","is_manual":true}"#;
        let part = read(answered).unwrap();
        assert_eq!((part.ours.unwrap().message, part.is_part), (4, true));
        assert_eq!(part.in_front(), "> two\n> three\n\n");
        // A part that Telegram has shortened says less than the whole message.
        let cut = read(&answered.replace("true", "false")).unwrap();
        assert_eq!((cut.ours.unwrap().message, cut.is_part, cut.words.as_str()), (4, false, "one\ntwo\nthree"));
        let elsewhere =
            r#""external_reply":{"origin":{"sender_user_name":"Ivan"}},"quote":{"text":"a\nb","is_manual":true}"#;
        assert_eq!(read(elsewhere).unwrap().in_front(), "> Ivan: a\n> b\n\n");
        assert_eq!(read(&elsewhere.replace("true", "false")).unwrap().in_front(), "> Ivan: a…\n\n");
        let hostile = r#""reply_to_message":{"message_id":4,"text":"\u202eab\u0007c"}"#;
        assert_eq!(read(hostile).unwrap().in_front(), "> ab c\n\n");
    }

    #[test]
    fn a_quote_from_another_chat_has_its_author_and_text() {
        let origin = r#""origin":{"type":"user","sender_user":{"first_name":"Ivan"}}"#;
        for (raw, words) in [
            (format!(r#""external_reply":{{{origin}}},"quote":{{"text":"there"}}"#), "Ivan: there"),
            (format!(r#""external_reply":{{{origin},"photo":[]}}"#), "Ivan: [photo]"),
            (format!(r#""external_reply":{{{origin},"dice":{{"emoji":"🎲","value":3}}}}"#), "Ivan: [dice] 🎲 3"),
            (format!(r#""external_reply":{{{origin}}}"#), "Ivan: [message]"),
            (r#""external_reply":{"origin":{}},"quote":{"text":"there"}"#.to_owned(), "there"),
            (r#""reply_to_story":{"chat":{"first_name":"Ann"},"id":3}"#.to_owned(), "[story of Ann]"),
        ] {
            assert_eq!(quoted(&raw), Some((None, words.to_owned())), "{raw}");
        }
    }

    #[test]
    fn a_reply_to_one_item_quotes_the_item() {
        let list = r#""reply_to_checklist_task_id":2,"reply_to_message":{"message_id":4,"checklist":{"title":"T","tasks":[{"id":1,"text":"one"},{"id":2,"text":"two"}]}}"#;
        assert_eq!(quoted(list), Some((Some(4), "two".to_owned())));
        assert!(read(list).unwrap().is_part);
        assert_eq!(quoted(&list.replace("task_id\":2", "task_id\":7")).unwrap().0, Some(4));
        let poll = r#""reply_to_poll_option_id":"b","reply_to_message":{"message_id":4,"poll":{"question":"Q","options":[{"persistent_id":"b","text":"two"}]}}"#;
        assert_eq!(quoted(poll), Some((Some(4), "two".to_owned())));
    }
}
