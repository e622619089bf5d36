//! Presses of buttons.

use crate::{
    domain::{
        address::MessageId,
        message::{Author, ButtonPress, Content, Inbound, Skip},
    },
    telegram::wire::{CallbackQuery, Event, Message, User},
    translate::{
        buttons,
        from_telegram::{
            DecodeContext, Received,
            chats::{self, Chat},
        },
    },
    words::{Language, described},
};

impl Received<'_> {
    /// Telegram's id of a callback query, which has to be answered whether the press is relayed or not.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        match self.event()? {
            Event::Pressed(query) => query.id.as_deref(),
            Event::Message(_)
            | Event::Edited(_)
            | Event::Reacted(_)
            | Event::Member(_)
            | Event::Connected(_)
            | Event::Subscription(_)
            | Event::Deleted(_)
            | Event::Other => None,
        }
    }
}

/// The private chat of the person who has pressed a button below a message with only an `inline_message_id`, which
/// Telegram may also use for the bot's own messages. This holds for our buttons only, because any other message may be
/// in an unknown chat.
pub(super) fn private_chat(query: &CallbackQuery) -> Option<i64> {
    let is_ours = query.data.as_deref().is_some_and(is_ours);
    let has_no_message = query.message.is_none() && query.inline_message_id.is_some();
    query.from.as_ref()?.id.filter(|_| has_no_message && is_ours)
}

/// Whether the data are those of a button of a message from Kommo.
pub(super) fn is_ours(data: &str) -> bool {
    buttons::pressed(data, None).index.is_some()
}

/// The press of a button; `None` for one without data, such as that of a game.
pub(super) fn press(
    query: CallbackQuery,
    context: &DecodeContext<'_>,
    update: Option<i64>,
) -> Result<Option<ButtonPress>, Skip> {
    let private_chat_id = private_chat(&query);
    let from = query.from.unwrap_or_default();
    let (chat, message) = match (query.message, private_chat_id) {
        (Some(message), _) => (Chat::of(&message.fields, from, context)?, message),
        // Its id is unknown.
        (None, Some(private_chat_id)) => {
            (at(private_chat_id, from), Message { message_id: Some(0), ..Message::default() })
        }
        (None, None) => return Ok(None),
    };
    let (Some(id), Some(data), Some(number), Some(update)) = (query.id, query.data, message.message_id, update) else {
        return Ok(None);
    };
    let topic = chats::topic(&message.fields).filter(|_| private_chat_id.is_none());
    let is_ours = is_ours(&data);
    let pressed = buttons::pressed(&data, message.reply_markup);
    Ok(Some(ButtonPress {
        query: id,
        is_ours,
        button: pressed.index,
        choice: pressed.choice,
        inbound: Inbound {
            conversation: context.conversation(chat.id),
            id: MessageId { bot: context.bot, chat: chat.id, message: number, update: Some(update) },
            customer: chat.customer,
            author: Author::Customer,
            sent_at: context.now,
            // Also in a group the text is the label only, because Salesbot compares it.
            content: pressed.label.map_or_else(|| unknown_button(context.language), Content::Text),
            quote: None,
            edited: false,
            topic,
            unattended: false,
        },
    }))
}

fn at(private_chat_id: i64, from: User) -> Chat {
    Chat { id: private_chat_id.into(), customer: chats::customer(from, private_chat_id) }
}

/// The description of a button that is not ours.
pub(super) fn unknown_button(language: Language) -> Content {
    Content::Unknown { kind: described::button().say(language), caption: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            address::{BotId, SourceId},
            time::UnixMillis,
        },
        translate::from_telegram::Arrival,
    };

    fn source() -> SourceId {
        SourceId::parse("sales").unwrap()
    }

    fn read(raw: &str) -> Option<ButtonPress> {
        let (source, now) = (source(), UnixMillis(5));
        let context = DecodeContext {
            source: &source,
            bot: BotId(1),
            connection: None,
            program: None,
            groups: true,
            largest_file_bytes: 1,
            language: Language::En,
            now,
        };
        match Received::read(raw).decode(&context) {
            Ok(Arrival::ButtonPress(press)) => Some(*press),
            _ => None,
        }
    }

    fn press_json(update: i64, fields: &str) -> String {
        format!(
            r#"{{"update_id":{update},"callback_query":{{"id":"q1","from":{{"id":7,"first_name":"Ann"}},"chat_instance":"1",{fields}}}}}"#
        )
    }

    #[test]
    fn a_press_without_its_message_is_in_the_private_chat() {
        let raw = press_json(9, r#""inline_message_id":"AAbb","data":"b:1:Yes""#);
        let press = read(&raw).unwrap();
        assert_eq!(press.inbound.conversation.to_string(), "tg:sales:7");
        assert_eq!(press.inbound.content, Content::Text("Yes".to_owned()));
        assert_eq!((press.inbound.customer.name.as_str(), press.inbound.topic), ("Ann", None));
        assert_eq!(Received::read(&raw).lane(&source()).thread, "tg:sales:7");
        // The keyboard is unknown, so two presses are two messages.
        let again = read(&press_json(10, r#""inline_message_id":"AAcc","data":"b:1:Yes""#)).unwrap();
        let ids = [press, again].map(|press| press.once().inbound.id.to_string());
        assert_eq!(ids, ["tg:1:7:0:9", "tg:1:7:0:10"]);
    }

    #[test]
    fn a_press_that_is_not_relayed_is_answered_all_the_same() {
        let chat =
            r#""message":{"message_id":4,"chat":{"id":-5,"type":"supergroup"},"guest_query_id":"g1"},"data":"b:1:Yes""#;
        for fields in [
            r#""inline_message_id":"AAbb","data":"of another program""#,
            r#""inline_message_id":"AAbb","game_short_name":"chess""#,
            r#""data":"b:1:Yes""#,
            chat,
        ] {
            let raw = press_json(9, fields);
            assert_eq!(read(&raw), None, "{fields}");
            assert_eq!(Received::read(&raw).query(), Some("q1"), "{fields}");
            assert_eq!(Received::read(&raw).lane(&source()).thread, "source:sales", "{fields}");
        }
        assert_eq!(Received::read(r#"{"update_id":9,"message":{"message_id":4}}"#).query(), None);
    }
}
