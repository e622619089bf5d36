//! Information about the author of a message: `/start`, phone number, language.

use crate::{
    domain::{
        address::{ContactId, Conversation, SourceId, UserId},
        crm::{CustomerProfile, StartContext, digits},
        time::UnixMillis,
    },
    telegram::wire::{Event, Message},
    translate::from_telegram::{
        Received,
        chats::{customer, is_guest_message},
    },
};

/// The command that starts a chat with a bot.
const START: &str = "/start";
/// The longest payload of a link (Telegram, deep linking).
const MAX_PAYLOAD_CHARS: usize = 64;
/// The length of an invitation's payload, which no campaign's name has.
const INVITATION_CHARS: usize = 48;

impl Received<'_> {
    /// The author of a new message to the bot of `source`; `None` if it is no new message of a person in their private
    /// chat with the bot.
    #[must_use]
    pub fn start_context(&self, source: &SourceId) -> Option<StartContext> {
        let update = self.update.as_ref()?;
        let Event::Message(message) = &update.event else { return None };
        if update.kind != "message" {
            return None;
        }
        let from = message.fields.part("from");
        let chat = message.chat.as_ref().filter(|chat| chat.r#type.as_deref() == Some("private"))?.id?;
        if from.is_set("is_bot") || is_guest_message(&message.fields) {
            return None;
        }
        let known = customer(message.from.clone().unwrap_or_default(), chat);
        let ContactId::Person(id) = known.id else { return None };
        let customer = CustomerProfile { id, name: known.name, username: known.username };
        Some(StartContext {
            update: update.update_id?,
            written_at: message.fields.read("date").map(UnixMillis::from_seconds),
            conversation: Conversation::new(source.clone(), chat),
            language: from.read("language_code"),
            phone: own_phone(message, customer.id.0),
            start: message.text.as_deref().and_then(payload).map(str::to_owned),
            customer,
        })
    }

    /// The customer who shares their own phone number, the number, and the time: in a chat with a bot or with a person
    /// for whom a bot answers.
    #[must_use]
    pub fn own_number(&self) -> Option<(UserId, String, UnixMillis)> {
        let update = self.update.as_ref()?;
        let Event::Message(message) = &update.event else { return None };
        let customer = message.chat.as_ref().filter(|chat| chat.r#type.as_deref() == Some("private"))?.id?;
        let is_new = matches!(update.kind.as_str(), "message" | "business_message");
        let is_theirs = message.fields.part("from").read::<i64>("id") == Some(customer);
        let phone = own_phone(message, customer).filter(|_| is_new && is_theirs)?;
        Some((UserId(customer), phone, UnixMillis::from_seconds(message.date.unwrap_or_default())))
    }
}

/// The number of a contact that is the sender's own, and was not forwarded. The button of a keyboard sends such a
/// contact, and so does a person who shares their own.
fn own_phone(message: &Message, sender: i64) -> Option<String> {
    let card = message.fields.part("contact");
    let is_own = card.read::<i64>("user_id") == Some(sender);
    let is_forwarded = message.fields.is_set("forward_origin") || message.fields.is_set("via_bot");
    let phone = card.read::<String>("phone_number").filter(|_| is_own && !is_forwarded)?;
    Some(digits(&phone)).filter(|digits| !digits.is_empty())
}

/// The payload of `/start`, which may be empty; `None` if the text is no such command.
pub(super) fn payload(text: &str) -> Option<&str> {
    let (command, payload) = text.split_once(' ').unwrap_or((text, ""));
    let is_start = command == START || command.strip_prefix(START).is_some_and(|rest| rest.starts_with('@'));
    let fits = payload.len() <= MAX_PAYLOAD_CHARS
        && payload.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (is_start && fits).then_some(payload)
}

/// The text without the payload of a link of ours. A payload that `is_ours` does not accept stays, because the customer
/// may have written it, or come from somebody else's link.
#[must_use]
pub fn without_payload(text: String, is_ours: impl Fn(&str) -> bool) -> String {
    if payload(&text).is_some_and(is_ours) { START.to_owned() } else { text }
}

/// Whether a payload has the format of an invitation. It is hidden, valid or not.
pub(super) fn is_invitation(payload: &str) -> bool {
    payload.len() == INVITATION_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &str) -> Option<StartContext> {
        let chat = r#""chat":{"id":7,"type":"private"},"from":{"id":7,"first_name":"Ann","language_code":"pt-br"}"#;
        let raw = format!(r#"{{"update_id":1,"message":{{"message_id":1,"date":1,{chat},{fields}}}}}"#);
        Received::read(&raw).start_context(&SourceId::parse("sales").unwrap())
    }

    #[test]
    fn a_start_has_its_payload_and_its_author() {
        let found = of(r#""text":"/start summer_1-A""#).unwrap();
        assert_eq!((found.start.as_deref(), found.language.as_deref()), (Some("summer_1-A"), Some("pt-br")));
        assert_eq!((found.customer.id.0, found.customer.name.as_str(), found.phone), (7, "Ann", None));
        assert_eq!(found.written_at, Some(UnixMillis(1000)));
        assert_eq!(of(r#""text":"/start""#).unwrap().start.as_deref(), Some(""));
        assert_eq!(of(r#""text":"/start@sales_bot x""#).unwrap().start.as_deref(), Some("x"));
        for other in ["start", "/starts", "/start two words", "/start привет", " /start", "/started x"] {
            assert_eq!(of(&format!(r#""text":"{other}""#)).unwrap().start, None, "{other}");
        }
    }

    #[test]
    fn only_the_senders_own_number_counts() {
        let phone = |rest: &str| of(&format!(r#""contact":{{"phone_number":"+49 151-23"{rest}"#)).unwrap().phone;
        assert_eq!(phone(r#","user_id":7}"#).as_deref(), Some("4915123"));
        assert_eq!(phone(r#","user_id":8}"#), None);
        assert_eq!(phone("}"), None);
        assert_eq!(phone(r#","user_id":7},"forward_origin":{"type":"user"}"#), None);
        assert_eq!(of(r#""contact":{"phone_number":"none","user_id":7}"#).unwrap().phone, None);
    }

    #[test]
    fn a_number_counts_in_the_customers_private_chats_only() {
        let of = |kind: &str, chat: &str, from: i64, user: i64| {
            let card = format!(r#"{{"phone_number":"+49 151","user_id":{user}}}"#);
            let raw = format!(
                r#"{{"update_id":1,"{kind}":{{"message_id":1,"date":1,"chat":{chat},"from":{{"id":{from}}},"contact":{card}}}}}"#
            );
            Received::read(&raw).own_number().map(|(customer, phone, at)| (customer.0, phone, at.0))
        };
        let private = r#"{"id":7,"type":"private"}"#;
        let own = Some((7, "49151".to_owned(), 1000));
        for (kind, chat, from, user, want) in [
            ("message", private, 7, 7, own.clone()),
            ("business_message", private, 7, 7, own),
            // The owner of the chat sends their own contact to the customer, or the customer's.
            ("business_message", private, 5, 5, None),
            ("business_message", private, 5, 7, None),
            ("message", private, 7, 8, None),
            ("edited_message", private, 7, 7, None),
            ("message", r#"{"id":-7,"type":"group"}"#, 7, 7, None),
        ] {
            assert_eq!(of(kind, chat, from, user), want, "{kind} {chat} {from} {user}");
        }
    }

    #[test]
    fn groups_bots_and_edits_have_no_start_context() {
        let source = SourceId::parse("sales").unwrap();
        for raw in [
            r#"{"update_id":1,"message":{"message_id":1,"chat":{"id":-5,"type":"group"},"text":"/start"}}"#,
            r#"{"update_id":1,"message":{"message_id":1,"chat":{"id":7,"type":"private"},"from":{"id":7,"is_bot":true}}}"#,
            r#"{"update_id":1,"business_message":{"message_id":1,"chat":{"id":7,"type":"private"},"text":"/start x"}}"#,
            r#"{"update_id":1,"edited_message":{"message_id":1,"chat":{"id":7,"type":"private"},"text":"/start x"}}"#,
            "{}",
            "",
        ] {
            assert_eq!(Received::read(raw).start_context(&source), None, "{raw}");
        }
    }

    #[test]
    fn our_payloads_are_hidden() {
        let without = |text: &str| without_payload(text.to_owned(), |payload| payload == "summer");
        for (text, want) in [("/start summer", "/start"), ("/start", "/start"), ("summer", "summer")] {
            assert_eq!(without(text), want);
        }
        for other in ["/start Price", "/start summer sale", "/start summer "] {
            assert_eq!(without(other), other);
        }
        let invitation = "A".repeat(INVITATION_CHARS);
        assert_eq!(invitation.len(), crate::invite::CHARS);
        assert_eq!(without_payload(format!("/start {invitation}"), is_invitation), "/start");
    }
}
