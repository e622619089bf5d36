//! The target of a call (chat, connection, topic), and the redirects that it follows.

use serde::Serialize;

use crate::domain::job::Call;

/// A call may be redirected because its group has moved, its quoted message is deleted, or its topic is closed.
const MAX_REDIRECTS: usize = 3;

/// A chat as the methods of the Bot API name it. Calls always take it as a whole, so that a message for a person's own
/// chat can never go to the bot's chat with the same customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Telegram's id of the chat.
    pub chat_id: i64,
    /// The connection of Telegram Business that the chat belongs to, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_connection_id: Option<String>,
    /// The topic of the chat; `None` outside of topics.
    #[serde(rename = "message_thread_id", skip_serializing_if = "Option::is_none")]
    pub topic: Option<i64>,
}

/// Where to send a message that Telegram has refused only because of its chat or topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// To the supergroup with this id, which the group has become.
    Chat(i64),
    /// Elsewhere in the chat: the topic was closed or deleted, or the quoted message was deleted.
    Within,
}

/// The target of a call after the redirects that it has followed.
#[derive(Clone, Debug)]
pub struct Routing {
    /// The current target.
    pub to: Target,
    /// The topic of the conversation.
    topic: Option<i64>,
    /// Whether it may quote a message.
    is_reply: bool,
    redirects: usize,
}

impl Routing {
    /// The routing of a call. A reply goes to the topic of the message that it quotes, and not to that of `to`.
    #[must_use]
    pub fn of(call: &Call, to: Target) -> Self {
        let topic = to.topic;
        let is_reply = call.reply_to_in(to.chat_id).is_some();
        Self { to: Target { topic: topic.filter(|_| !is_reply), ..to }, topic, is_reply, redirects: 0 }
    }

    /// Follows a redirect. `false` if there were too many.
    pub const fn follow(&mut self, redirect: Redirect) -> bool {
        match redirect {
            Redirect::Chat(chat_id) => {
                self.to.chat_id = chat_id;
                // Only the supergroup can have topics, and they are not known yet.
                self.topic = None;
                self.to.topic = None;
            }
            Redirect::Within => {
                // First without the quote, to the topic of the conversation; then outside of all topics.
                self.to.topic = if self.is_reply { self.topic } else { None };
                self.is_reply = false;
            }
        }
        self.redirects += 1;
        self.redirects <= MAX_REDIRECTS
    }

    /// The message that a call quotes in the current chat. If it was deleted, Telegram sends the call without the
    /// quote, unless that would take it out of its topic.
    #[must_use]
    pub fn reply_to(&self, call: &Call) -> Option<ReplyParameters> {
        let message_id = call.reply_to_in(self.to.chat_id).filter(|_| self.is_reply)?;
        Some(ReplyParameters { message_id, allow_sending_without_reply: self.topic.is_none() })
    }
}

/// The quoted message (Bot API, `ReplyParameters`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReplyParameters {
    message_id: i64,
    allow_sending_without_reply: bool,
}
