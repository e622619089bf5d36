//! How a place in Telegram is named in calls, where calls go that it does not take, and what those made that it took.

use serde::Serialize;
use serde_json::Value;

use crate::domain::{
    address::{BotId, MessageId, TelegramChat},
    work::Call,
};

/// How many detours a call takes at most: its group may have moved, and its topic may be no more.
const DETOURS: usize = 2;

/// A chat as the methods of the Bot API name it. Each that sends or changes something in a chat takes all of it, so that
/// what is for a person's own chat can never go to the bot's chat with the same customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Telegram's id of the chat.
    pub chat_id: i64,
    /// The connection of Telegram Business whose chat it is, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_connection_id: Option<String>,
    /// The topic of the chat, where it has topics; `None` for outside of them.
    #[serde(rename = "message_thread_id", skip_serializing_if = "Option::is_none")]
    pub topic: Option<i64>,
}

/// Where something goes that Telegram did not take for its place alone. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detour {
    /// To the supergroup with this id, which the group has become.
    Chat(i64),
    /// Outside of the topic, which was closed or deleted: neither into it nor as an answer to what is in it.
    Outside,
}

/// The way of one call, with the detours that it has taken.
#[derive(Clone, Debug)]
pub struct Trip {
    /// Where it goes now.
    pub to: Target,
    /// Whether it may answer a message.
    answers: bool,
    detours: usize,
}

impl Trip {
    /// The way to a place.
    #[must_use]
    pub const fn to(to: Target) -> Self {
        Self { to, answers: true, detours: 0 }
    }

    /// Goes on by a detour. `false` if it has taken too many.
    pub const fn goes_on(&mut self, detour: Detour) -> bool {
        self.to.topic = None;
        match detour {
            Detour::Chat(chat_id) => self.to.chat_id = chat_id,
            Detour::Outside => self.answers = false,
        }
        self.detours += 1;
        self.detours <= DETOURS
    }

    /// Telegram's number of the message that a call answers there.
    #[must_use]
    pub fn reply_to(&self, call: &Call) -> Option<i64> {
        call.reply_to_in(self.to.chat_id).filter(|_| self.answers)
    }
}

/// A message that Telegram has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which it is.
    pub id: MessageId,
    /// The topic that it is in.
    pub topic: Option<i64>,
}

impl Sent {
    /// Reads a `Message` that `bot` has sent to `chat`; `None` if it has no number.
    pub(super) fn read(bot: BotId, chat: TelegramChat, message: &Value) -> Option<Self> {
        let number = |field| message.get(field).and_then(Value::as_i64);
        let topic = number("message_thread_id").filter(|_| message.get("is_topic_message") == Some(&Value::Bool(true)));
        Some(Self { id: MessageId { bot, chat, message: number("message_id")?, update: None }, topic })
    }
}
