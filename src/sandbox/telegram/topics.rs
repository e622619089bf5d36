//! Topics of a chat, where it has some: each begins with a message, by whose number it is known.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage, FakeTelegram, Piece,
        arguments::Arguments,
        methods::Refusal,
        world::{Chat, World},
    },
};

const NO_TOPIC: &str = "bots, groups, their members and topics are added before anybody acts";

/// Whether each topic of a chat takes messages, by its number.
pub(super) type Topics = BTreeMap<i64, Standing>;

/// How a topic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Anybody may write there.
    Open,
    /// Nobody who is no administrator may.
    Closed,
}

/// The topic that a message of the bot's goes to: the one that is named, or else that of the message it answers.
pub(super) fn chosen(arguments: &Arguments, chat: &Chat, reply_to: Option<i64>) -> Result<Option<i64>, Refusal> {
    let topic = match arguments.text("message_thread_id") {
        Some(named) => {
            let number = named.parse().ok().filter(|number| chat.topics.contains_key(number));
            Some(number.ok_or(Refusal::new(400, "Bad Request: message thread not found"))?)
        }
        None => chat.messages.iter().find(|it| Some(it.message_id) == reply_to).and_then(|it| it.topic),
    };
    match topic.and_then(|topic| chat.topics.get(&topic)) {
        Some(Standing::Closed) => Err(Refusal::new(400, "Bad Request: TOPIC_CLOSED")),
        Some(Standing::Open) | None => Ok(topic),
    }
}

impl World {
    /// Somebody begins a topic. Returns its number.
    fn open_topic(&mut self, token: &str, chat: i64, by: i64, name: &str, now: UnixMillis) -> Option<i64> {
        if let Some(group) = self.bots.get_mut(token)?.groups.get_mut(&chat) {
            group.is_forum = true;
        }
        let mut spot = self.spot(token, chat)?;
        let topic = spot.chat.last_id + 1;
        spot.chat.topics.insert(topic, Standing::Open);
        let value = json!({ "name": name, "icon_color": 7_322_096 });
        let piece = Some(Piece { field: "forum_topic_created".to_owned(), value });
        let began = ChatMessage { sender: by, at_ms: now.0, piece, topic: Some(topic), ..ChatMessage::default() };
        let update = spot.add(began);
        spot.queue.push("message", &update, now);
        Some(topic)
    }
}

impl FakeTelegram {
    /// Somebody begins a topic in a chat that the bot knows. Returns its number.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn open_topic(&self, token: &str, chat: i64, by: i64, name: &str) -> i64 {
        let now = self.core.clock.now();
        self.core.world.change(|world| world.open_topic(token, chat, by, name, now)).expect(NO_TOPIC)
    }

    /// A member writes in a topic of a group. Returns the message's id.
    ///
    /// # Panics
    /// If there is no such group or no such member.
    pub fn write_in_topic(&self, token: &str, group: i64, member: i64, topic: i64, text: &str) -> i64 {
        let (text, now) = (text.to_owned(), self.core.clock.now());
        let message = ChatMessage { text, topic: Some(topic), ..ChatMessage::default() };
        self.core.world.change(|world| world.say_in_group(token, group, Some(member), message, now)).expect(NO_TOPIC)
    }

    /// A customer writes in a topic of their own chat with the bot. Returns the message's id.
    ///
    /// # Panics
    /// If the bot or the customer was never added.
    pub fn write_in_own_topic(&self, token: &str, customer: i64, topic: i64, text: &str) -> i64 {
        let (text, now) = (text.to_owned(), self.core.clock.now());
        let message = ChatMessage { text, topic: Some(topic), ..ChatMessage::default() };
        self.core.world.change(|world| world.say(token, customer, message, now)).expect(NO_TOPIC)
    }

    /// An administrator closes a topic: the bot cannot write there any more.
    pub fn close_topic(&self, token: &str, chat: i64, topic: i64) {
        self.with_topics(token, chat, |chat| {
            chat.topics.insert(topic, Standing::Closed);
        });
    }

    /// An administrator deletes a topic, and all that is in it.
    pub fn delete_topic(&self, token: &str, chat: i64, topic: i64) {
        self.with_topics(token, chat, |chat| {
            chat.topics.remove(&topic);
            chat.messages.retain(|message| message.topic != Some(topic));
        });
    }

    fn with_topics(&self, token: &str, chat: i64, act: impl FnOnce(&mut Chat)) {
        self.core.world.change(|world| {
            act(world.bots.get_mut(token).and_then(|bot| bot.chats.get_mut(&chat)).expect(NO_TOPIC));
        });
    }
}
