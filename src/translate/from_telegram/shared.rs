//! Properties of an update for programs that share a bot.

use crate::{
    domain::{
        address::{ContactId, Conversation, SourceId, UserId},
        program::PatternInput,
    },
    telegram::wire::{Event, Update},
    translate::from_telegram::{Received, chats, presses, start},
};

impl Received<'_> {
    /// The thread within which updates stay in order: that of the chat, or else of the author.
    #[must_use]
    pub fn thread(&self, source: &SourceId) -> String {
        match (self.chat(), self.author()) {
            (None, Some(author)) => format!("from:{author}"),
            (Some(_), _) | (None, None) => self.lane(source).thread,
        }
    }

    /// The contact of an update: the person or the group of its chat, or else its author.
    #[must_use]
    pub fn contact(&self, source: &SourceId) -> Option<ContactId> {
        let of_chat = self.chat().map(|chat| Conversation::new(source.clone(), chat).contact());
        of_chat.or_else(|| self.author().map(|author| ContactId::Person(UserId(author))))
    }

    /// Whether an update belongs to telekommo: a press of a button from Kommo, or a start by a link that no other
    /// program can read.
    #[must_use]
    pub fn is_answer_to_us(&self, is_campaign: impl Fn(&str) -> bool) -> bool {
        match self.event() {
            Some(Event::Pressed(query)) => query.data.as_deref().is_some_and(presses::is_ours),
            Some(Event::Message(message)) => {
                let payload = message.text.as_deref().and_then(start::payload);
                payload.is_some_and(|payload| start::is_invitation(payload) || is_campaign(payload))
            }
            _ => false,
        }
    }

    /// Whether an update is a message or an edit with content of a person, as opposed to presses of buttons, payments,
    /// and service messages.
    #[must_use]
    pub fn is_user_content(&self) -> bool {
        match self.event() {
            Some(Event::Message(message) | Event::Edited(message)) => chats::is_user_content(&message.fields),
            _ => false,
        }
    }

    /// The parts of an update that patterns of programs are matched against.
    #[must_use]
    pub fn pattern_input(&self) -> PatternInput<'_> {
        match self.event() {
            Some(Event::Pressed(query)) => PatternInput { text: None, pressed: query.data.as_deref() },
            Some(Event::Message(message) | Event::Edited(message)) => {
                PatternInput { text: message.text.as_deref(), pressed: None }
            }
            _ => PatternInput::default(),
        }
    }

    /// The author of an update without a chat.
    fn author(&self) -> Option<i64> {
        let Update { kind, .. } = self.update.as_ref()?;
        let update: serde_json::Value = serde_json::from_str(self.raw).ok()?;
        let content = update.get(kind.as_str())?;
        ["from", "user"].iter().find_map(|name| content.get(name)?.get("id")?.as_i64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> SourceId {
        SourceId::parse("sales").unwrap()
    }

    #[test]
    fn an_update_without_a_chat_is_in_the_thread_of_its_author() {
        for (raw, thread, contact) in [
            (r#"{"update_id":1,"message":{"chat":{"id":7},"text":"x"}}"#, "tg:sales:7", Some("tg-user:7")),
            (r#"{"update_id":1,"message":{"chat":{"id":-7},"text":"x"}}"#, "tg:sales:-7", Some("tg-chat:-7")),
            (r#"{"update_id":1,"inline_query":{"from":{"id":7},"query":"x"}}"#, "from:7", Some("tg-user:7")),
            (r#"{"update_id":1,"pre_checkout_query":{"from":{"id":7}}}"#, "from:7", Some("tg-user:7")),
            (r#"{"update_id":1,"poll_answer":{"user":{"id":7}}}"#, "from:7", Some("tg-user:7")),
            (r#"{"update_id":1,"poll":{"id":"5"}}"#, "source:sales", None),
            ("{", "source:sales", None),
        ] {
            let received = Received::read(raw);
            let found = received.contact(&source()).map(|contact| contact.to_string());
            assert_eq!((received.thread(&source()).as_str(), found.as_deref()), (thread, contact), "{raw}");
        }
    }

    #[test]
    fn patterns_are_matched_against_edits_too() {
        for kind in ["message", "edited_message", "edited_business_message"] {
            let raw = format!(r#"{{"update_id":1,"{kind}":{{"chat":{{"id":7}},"text":"/order 18"}}}}"#);
            assert_eq!(Received::read(&raw).pattern_input().text, Some("/order 18"), "{kind}");
        }
    }

    #[test]
    fn payments_presses_and_service_messages_are_no_user_content() {
        let message = |kind: &str, field: &str| format!(r#"{{"update_id":1,"{kind}":{{"chat":{{"id":7}},{field}}}}}"#);
        for (raw, want) in [
            (message("message", r#""text":"Hello""#), true),
            (message("edited_message", r#""text":"Hello""#), true),
            (message("business_message", r#""photo":[]"#), true),
            (message("message", r#""contact":{"phone_number":"1"}"#), true),
            (message("message", r#""successful_payment":{"currency":"XTR"}"#), false),
            (message("message", r#""refunded_payment":{"currency":"XTR"}"#), false),
            (message("message", r#""web_app_data":{"data":"1"}"#), false),
            (message("message", r#""users_shared":{"request_id":1}"#), false),
            (r#"{"update_id":1,"callback_query":{"id":"q","data":"cart:1"}}"#.to_owned(), false),
            (r#"{"update_id":1,"pre_checkout_query":{"from":{"id":7}}}"#.to_owned(), false),
            (r#"{"update_id":1,"shipping_query":{"from":{"id":7}}}"#.to_owned(), false),
        ] {
            assert_eq!(Received::read(&raw).is_user_content(), want, "{raw}");
        }
    }

    #[test]
    fn updates_that_belong_to_telekommo_are_recognised() {
        let invitation = "A".repeat(48);
        let press = |data: &str| format!(r#"{{"update_id":1,"callback_query":{{"id":"q","data":"{data}"}}}}"#);
        let text = |text: &str| format!(r#"{{"update_id":1,"message":{{"chat":{{"id":7}},"text":"{text}"}}}}"#);
        for (raw, want) in [
            (press("b:0:Yes"), true),
            (press("cart:1"), false),
            (text(&format!("/start {invitation}")), true),
            (text("/start summer"), true),
            (text("/start winter"), false),
            (text("/start"), false),
            (text("summer"), false),
        ] {
            assert_eq!(Received::read(&raw).is_answer_to_us(|payload| payload == "summer"), want, "{raw}");
        }
    }
}
