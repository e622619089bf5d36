//! How a place in Telegram is named in calls, and where calls go that it does not take.

use serde::Serialize;

use crate::domain::job::Call;

/// How many redirects a call follows at most: its group may have moved, what it answers and its topic may be no more.
const REDIRECTS: usize = 3;

/// A chat as the methods of the Bot API name it. Each that sends or changes something in a chat takes all of it, so
/// that what is for a person's own chat can never go to the bot's chat with the same customer.
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
pub enum Redirect {
    /// To the supergroup with this id, which the group has become.
    Chat(i64),
    /// Elsewhere in the chat: the topic was closed or deleted, or what is answered was.
    Within,
}

/// The way of one call, with the redirects that it has followed.
#[derive(Clone, Debug)]
pub struct Routing {
    /// Where it goes now.
    pub to: Target,
    /// The topic that the talk is in.
    topic: Option<i64>,
    /// Whether it may answer a message.
    answers: bool,
    redirects: usize,
}

impl Routing {
    /// The way of a call to a place. What answers a message goes to the topic of that one, and not to that of the
    /// place.
    #[must_use]
    pub fn of(call: &Call, to: Target) -> Self {
        let topic = to.topic;
        let answers = call.reply_to_in(to.chat_id).is_some();
        Self { to: Target { topic: topic.filter(|_| !answers), ..to }, topic, answers, redirects: 0 }
    }

    /// Follows a redirect. `false` if there were too many.
    pub const fn goes_on(&mut self, redirect: Redirect) -> bool {
        match redirect {
            Redirect::Chat(chat_id) => {
                self.to.chat_id = chat_id;
                // Only what it has become can have topics, and those are not known yet.
                self.topic = None;
                self.to.topic = None;
            }
            Redirect::Within => {
                // What cannot be an answer goes to where the talk is, and what cannot go there outside of all topics.
                self.to.topic = if self.answers { self.topic } else { None };
                self.answers = false;
            }
        }
        self.redirects += 1;
        self.redirects <= REDIRECTS
    }

    /// The message that a call answers there. If the customer has deleted it, the answer goes without, unless that
    /// would take it out of its topic.
    #[must_use]
    pub fn reply_to(&self, call: &Call) -> Option<ReplyParameters> {
        let message_id = call.reply_to_in(self.to.chat_id).filter(|_| self.answers)?;
        Some(ReplyParameters { message_id, allow_sending_without_reply: self.topic.is_none() })
    }
}

/// Which message is answered (Bot API, `ReplyParameters`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReplyParameters {
    /// Its number.
    message_id: i64,
    /// Whether the answer goes without it if it is no more.
    allow_sending_without_reply: bool,
}
