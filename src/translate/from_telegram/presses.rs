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
    /// Telegram's id of the press that an update tells of, which wants an answer whatever becomes of the press.
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

/// The private chat of whoever has pressed a button below a message that is only known by its `inline_message_id`:
/// Telegram may tell of the bot's own messages like that. Only what one of our buttons carries is taken for such a
/// press, since where else the message may be is not told.
pub(super) fn at_home(query: &CallbackQuery) -> Option<i64> {
    let is_ours = query.data.as_deref().is_some_and(is_ours);
    let is_apart = query.message.is_none() && query.inline_message_id.is_some();
    query.from.as_ref()?.id.filter(|_| is_apart && is_ours)
}

/// Whether a button carries what those of Kommo's messages do.
pub(super) fn is_ours(data: &str) -> bool {
    buttons::pressed(data, None).index.is_some()
}

/// The press of a button; `None` for one that says nothing, such as that of a game.
pub(super) fn press(
    query: CallbackQuery,
    place: &DecodeContext<'_>,
    update: Option<i64>,
) -> Result<Option<ButtonPress>, Skip> {
    let home = at_home(&query);
    let from = query.from.unwrap_or_default();
    let (chat, message) = match (query.message, home) {
        (Some(message), _) => (Chat::of(&message.fields, from, place)?, message),
        // It has no number that would be known.
        (None, Some(home)) => (at(home, from), Message { message_id: Some(0), ..Message::default() }),
        (None, None) => return Ok(None),
    };
    let (Some(id), Some(data), Some(number), Some(update)) = (query.id, query.data, message.message_id, update) else {
        return Ok(None);
    };
    let topic = chats::topic(&message.fields).filter(|_| home.is_none());
    let is_ours = is_ours(&data);
    let pressed = buttons::pressed(&data, message.reply_markup);
    Ok(Some(ButtonPress {
        query: id,
        is_ours,
        button: pressed.index,
        choice: pressed.choice,
        inbound: Inbound {
            conversation: place.conversation(chat.id),
            id: MessageId { bot: place.bot, chat: chat.id, message: number, update: Some(update) },
            customer: chat.customer,
            author: Author::Customer,
            sent_at: place.now,
            // Also in a group it is the label alone: Salesbot compares it.
            content: pressed.label.map_or_else(|| unknown_button(place.language), Content::Text),
            quote: None,
            edited: false,
            topic,
            unattended: false,
        },
    }))
}

fn at(home: i64, from: User) -> Chat {
    Chat { id: home.into(), customer: chats::customer(from, home) }
}

/// What is said of a button that carries nothing of ours.
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
        let place = DecodeContext {
            source: &source,
            bot: BotId(1),
            connection: None,
            program: None,
            groups: true,
            largest_file_bytes: 1,
            language: Language::En,
            now,
        };
        match Received::read(raw).decode(&place) {
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
    fn a_press_without_its_message_is_its_authors() {
        let raw = press_json(9, r#""inline_message_id":"AAbb","data":"b:1:Yes""#);
        let press = read(&raw).unwrap();
        assert_eq!(press.inbound.conversation.to_string(), "tg:sales:7");
        assert_eq!(press.inbound.content, Content::Text("Yes".to_owned()));
        assert_eq!((press.inbound.customer.name.as_str(), press.inbound.topic), ("Ann", None));
        assert_eq!(Received::read(&raw).lane(&source()).thread, "tg:sales:7");
        // Which keyboard it was is not known: two presses are two messages.
        let again = read(&press_json(10, r#""inline_message_id":"AAcc","data":"b:1:Yes""#)).unwrap();
        let ids = [press, again].map(|press| press.once().inbound.id.to_string());
        assert_eq!(ids, ["tg:1:7:0:9", "tg:1:7:0:10"]);
    }

    #[test]
    fn a_press_of_which_nothing_is_known_is_answered_all_the_same() {
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
