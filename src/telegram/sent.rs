//! The result of a call that sends a message.

use serde_json::value::RawValue;

use crate::{
    domain::{
        address::{BotId, MessageId, TelegramChat},
        retry::Failure,
    },
    telegram::{failure::uncertain, wire::RawObject},
};

/// The fields of a `Message` that hold a file (Bot API, `Message`).
const FILES: [&str; 8] = ["photo", "video", "animation", "document", "audio", "voice", "video_note", "sticker"];

/// A message that Telegram has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub id: MessageId,
    /// Its topic.
    pub topic: Option<i64>,
}

/// The kind of content that a call sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Text,
    Location,
    Contact,
    File,
}

impl Content {
    /// Whether a message may be the result. Telegram decides the kind of a file.
    fn is_shown_by(self, message: &RawObject) -> bool {
        let (has_location, has_contact) = (message.is_set("location"), message.is_set("contact"));
        let has_file = FILES.iter().any(|name| message.is_set(name));
        match self {
            Self::Text => !(has_location || has_contact || has_file),
            Self::Location => has_location,
            // A contact that Telegram refuses is sent as a text.
            Self::Contact => !(has_location || has_file),
            Self::File => !(has_location || has_contact || message.is_set("text")),
        }
    }
}

impl Sent {
    /// Reads the `Message` that a call of `bot` to `chat` returns; `None` if it has no id yet.
    ///
    /// # Errors
    /// If the response belongs to another call. Then it is unknown whether this call was executed, so it is not
    /// repeated.
    pub(super) fn read(
        (bot, chat): (BotId, TelegramChat),
        content: Content,
        message: &RawValue,
    ) -> Result<Option<Self>, Failure> {
        let foreign = || Failure::Uncertain(uncertain());
        let message: RawObject = serde_json::from_str(message.get()).map_err(|_| foreign())?;
        let number = message.number("message_id").ok_or_else(foreign)?;
        let is_ours = is_by(bot, chat, &message);
        let answered = message.part("chat").number("id");
        if answered != Some(chat.id) || !is_ours || !content.is_shown_by(&message) {
            tracing::warn!(
                chat = chat.id,
                answered,
                number,
                is_ours,
                "Telegram's response has the message of another call"
            );
            return Err(foreign());
        }
        let topic = message.number("message_thread_id").filter(|_| message.flag("is_topic_message"));
        // A message that the server sends later has the id 0 until then.
        Ok((number > 0).then_some(Self { id: MessageId { bot, chat, message: number, update: None }, topic }))
    }
}

/// Whether `bot` may have sent a message to `chat`. All chats with one customer have the same id: those of other bots
/// and those of employees.
fn is_by(bot: BotId, chat: TelegramChat, message: &RawObject) -> bool {
    let is_on_behalf = message.is_set("business_connection_id");
    let Some(from) = message.part("from").number("id") else { return is_on_behalf == chat.owner.is_some() };
    let is_bot = Some(from) == i64::try_from(bot.0).ok();
    if let Some(owner) = chat.owner {
        // The sender is the business account, and the bot is in a field of its own (Bot API, `sender_business_bot`).
        return from == owner.0 || (is_on_behalf && is_bot);
    }
    // A message in the name of a chat has a placeholder as its sender (Bot API, `Message.from`).
    let is_of_chat = message.part("sender_chat").number("id").is_some();
    !is_on_behalf && (is_of_chat || is_bot)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::address::UserId;

    const CHAT: TelegramChat = TelegramChat { owner: None, id: 7 };

    fn read(content: Content, message: &Value) -> Result<Option<i64>, Failure> {
        let message = RawValue::from_string(message.to_string()).unwrap();
        Ok(Sent::read((BotId(1), CHAT), content, &message)?.map(|sent| sent.id.message))
    }

    #[test]
    fn the_response_to_another_call_is_recognised() {
        let bot = json!({"id": 1, "is_bot": true, "first_name": "Shop"});
        let message = |more: Value| {
            let mut message = json!({"message_id": 5, "date": 1, "chat": {"id": 7, "type": "private"}, "from": bot});
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            message
        };
        let place = json!({"location": {"latitude": 1.0, "longitude": 1.0}});
        let venue = json!({"location": {"latitude": 1.0, "longitude": 1.0}, "venue": {"title": "Here"}});
        let card = json!({"contact": {"phone_number": "1", "first_name": "A"}});
        for (content, more, is_own) in [
            (Content::Text, json!({"text": "Hi"}), true),
            (Content::Text, json!({}), true),
            (Content::Text, json!({"message_id": 0, "text": "Hi"}), true),
            (Content::Text, json!({"photo": [{}], "caption": "Hi"}), false),
            (Content::Text, place.clone(), false),
            (Content::Text, card.clone(), false),
            (Content::Text, json!({"text": "Hi", "chat": {"id": 8, "type": "private"}}), false),
            (Content::Text, json!({"text": "Hi", "chat": null}), false),
            (Content::Text, json!({"text": "Hi", "message_id": "5"}), false),
            (Content::Text, json!({"text": "Hi", "from": {"id": 2, "is_bot": true}}), false),
            // The account of a business, and not in the bot's own chat.
            (Content::Text, json!({"text": "Hi", "from": {"id": 2, "is_bot": false}}), false),
            (Content::Text, json!({"text": "Hi", "business_connection_id": "a"}), false),
            (Content::Text, json!({"text": "Hi", "from": null}), true),
            // A bot that is anonymous in a group.
            (
                Content::Text,
                json!({"text": "Hi", "from": {"id": 1_087_968_824, "is_bot": true}, "sender_chat": {"id": 7}}),
                true,
            ),
            (Content::Location, place.clone(), true),
            (Content::Location, venue, true),
            (Content::Location, json!({"text": "Hi"}), false),
            (Content::Contact, card.clone(), true),
            (Content::Contact, json!({"text": "Anna, +1"}), true),
            (Content::Contact, place, false),
            (Content::Contact, json!({"photo": [{}]}), false),
            (Content::File, json!({"animation": {}, "document": {}}), true),
            (Content::File, json!({"photo": [{}]}), true),
            (Content::File, json!({"paid_media": {}}), true),
            (Content::File, card, false),
            (Content::File, json!({"text": "Hi"}), false),
        ] {
            let number = more["message_id"].as_i64().unwrap_or(5);
            let sent = read(content, &message(more.clone()));
            assert_eq!(sent.is_ok(), is_own, "{content:?} {more}");
            assert!(sent.is_ok_and(|sent| sent == (number > 0).then_some(number)) == is_own, "{content:?} {more}");
        }
        let own_chat = TelegramChat { owner: Some(UserId(2)), id: 7 };
        for (more, is_own) in [
            (json!({"from": {"id": 2, "is_bot": false}, "business_connection_id": "a"}), true),
            (json!({"from": {"id": 2, "is_bot": false}}), true),
            (json!({"from": {"id": 3, "is_bot": false}, "business_connection_id": "b"}), false),
            (json!({"business_connection_id": "a"}), true),
            (json!({}), false),
            (json!({"from": null, "business_connection_id": "a"}), true),
        ] {
            let answer = RawValue::from_string(message(more.clone()).to_string()).unwrap();
            assert_eq!(Sent::read((BotId(1), own_chat), Content::Text, &answer).is_ok(), is_own, "{more}");
        }
        for other in [json!(true), json!([]), json!({}), json!({"id": 1, "is_bot": true}), json!([{"update_id": 1}])] {
            assert!(matches!(read(Content::Text, &other), Err(Failure::Uncertain(_))), "{other}");
        }
    }
}
