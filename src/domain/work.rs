//! The jobs that the queue keeps, and the lanes they wait in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{AddressError, BotId, Conversation, KommoMessageId, SourceId},
    delivery::{Refusal, Report},
    keyboard::Keyboard,
    message::MediaKind,
};

/// Where jobs of one kind go. Each route has its own workers and pauses alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// Customers' messages, to Kommo.
    Inbound,
    /// Answers, to the bot of one source.
    Outbound(SourceId),
    /// Answers whose conversation is not ours; they end as a failed delivery.
    Stray,
    /// Delivery statuses, to Kommo.
    Report,
}

impl fmt::Display for Route {
    /// The name in logs and metrics.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inbound => f.write_str("inbound"),
            Self::Outbound(source) => write!(f, "outbound:{source}"),
            Self::Stray => f.write_str("stray"),
            Self::Report => f.write_str("report"),
        }
    }
}

impl FromStr for Route {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match (text, text.strip_prefix("outbound:")) {
            ("inbound", _) => Ok(Self::Inbound),
            ("stray", _) => Ok(Self::Stray),
            ("report", _) => Ok(Self::Report),
            (_, source) => source.ok_or(AddressError::Source).and_then(SourceId::parse).map(Self::Outbound),
        }
    }
}

/// One conversation's queue on one route: jobs in it are done one at a time, in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Where its jobs go.
    pub route: Route,
    /// What keeps them in order: a conversation's id, or whatever else names the thread.
    pub thread: String,
}

impl Lane {
    /// The lane of a conversation's messages towards Kommo.
    #[must_use]
    pub fn inbound(conversation: &Conversation) -> Self {
        Self { route: Route::Inbound, thread: conversation.to_string() }
    }

    /// The lane of a chat that `source` is told of by a connection of Telegram Business, towards Kommo.
    #[must_use]
    pub fn connected(source: &SourceId, connection: &str, chat: i64) -> Self {
        Self { route: Route::Inbound, thread: format!("business:{source}:{connection}:{chat}") }
    }

    /// The lane of updates of one source that belong to no chat.
    #[must_use]
    pub fn chatless(source: &SourceId) -> Self {
        Self { route: Route::Inbound, thread: format!("source:{source}") }
    }

    /// The lane of answers to a conversation.
    #[must_use]
    pub fn outbound(conversation: &Conversation) -> Self {
        Self { route: Route::Outbound(conversation.source.clone()), thread: conversation.to_string() }
    }

    /// The lane of answers to a thread that is not ours. Its name may be anything; long ones that begin alike share a
    /// lane, which does no harm, as nothing in it is delivered.
    #[must_use]
    pub fn stray(thread: &str) -> Self {
        Self { route: Route::Stray, thread: thread[..thread.floor_char_boundary(200)].to_owned() }
    }

    /// The lane of a courtesy to a conversation, which holds up no answer.
    #[must_use]
    pub fn seen(conversation: &Conversation) -> Self {
        Self { route: Route::Outbound(conversation.source.clone()), thread: format!("seen:{conversation}") }
    }

    /// The lane of managers' reactions in a conversation, which hold up no answer.
    #[must_use]
    pub fn reactions(conversation: &Conversation) -> Self {
        Self { route: Route::Outbound(conversation.source.clone()), thread: format!("reactions:{conversation}") }
    }

    /// The lane of the delivery statuses of `self`'s answers.
    #[must_use]
    pub fn reports(&self) -> Self {
        Self { route: Route::Report, thread: self.thread.clone() }
    }
}

/// Recognises an arrival that was already taken. Unique across both directions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DedupeId(pub String);

impl DedupeId {
    /// An update, by the bot that received it and its exact id.
    #[must_use]
    pub fn update(bot: BotId, update_id: i64) -> Self {
        Self(format!("update:{bot}:{update_id}"))
    }

    /// A hook, by the message it carries.
    #[must_use]
    pub fn hook(message: &KommoMessageId) -> Self {
        Self(format!("hook:{message}"))
    }

    /// A manager's reaction. It has no id, so all of its hook, the second of it included, has to do: by its digest.
    #[must_use]
    pub fn reaction(digest: &str) -> Self {
        Self(format!("reaction:{digest}"))
    }
}

/// What one job is to do: one remote call, or the step that turns an arrival into calls.
///
/// This is a stored format: variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// A Telegram update as it came, to be relayed to Kommo.
    Update {
        /// The source that polled it.
        source: SourceId,
        /// The bot of that source at the time.
        bot: BotId,
        /// The update's JSON.
        raw: String,
    },
    /// A message hook as it came, to be turned into calls.
    Hook {
        /// The hook's JSON.
        raw: String,
    },
    /// A hook of a manager's reaction as it came.
    Reaction {
        /// The hook's JSON.
        raw: String,
    },
    /// One Telegram call of an answer.
    Call(Call),
    /// Calls that send files, of one conversation, which Telegram takes together: one message group of 2 to 10.
    Album {
        /// The calls, in order.
        calls: Vec<Call>,
    },
    /// A delivery status for Kommo.
    Report(Report),
    /// What a customer wrote to the owner of a chat of Telegram Business is to be marked as read. A courtesy, tried once.
    Seen {
        /// Where.
        conversation: Conversation,
        /// Telegram's number of the newest message.
        message: i64,
    },
}

impl Work {
    /// The calls that this makes.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        match self {
            Self::Call(call) => std::slice::from_ref(call),
            Self::Album { calls } => calls,
            Self::Update { .. } | Self::Hook { .. } | Self::Reaction { .. } | Self::Report(_) | Self::Seen { .. } => {
                &[]
            }
        }
    }

    /// Whether two works that stem from one job belong to the same answer, so that one is worth nothing without the
    /// other. Several files at once are several answers.
    #[must_use]
    pub fn shares_answer(&self, other: &Self) -> bool {
        let (ours, others) = (self.calls(), other.calls());
        let shared = |one: &Call| others.iter().any(|other| other.message == one.message);
        ours.is_empty() || others.is_empty() || ours.iter().any(shared)
    }
}

/// One Telegram call: one of the parts of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The answer that it belongs to.
    pub message: KommoMessageId,
    /// Where it goes.
    pub to: Conversation,
    /// Which part it is, from 1.
    pub part: u16,
    /// How many parts the answer has.
    pub parts: u16,
    /// What it says.
    pub method: Method,
    /// What of the answer is lost already; its author is told once the rest has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Refusal>,
    /// Telegram's id of the chat with the message that it answers, where that is not the conversation's: its group has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers_in: Option<i64>,
}

impl Call {
    /// Telegram's number of the message that it answers, if that is in the chat `chat_id`: each chat has its own count.
    #[must_use]
    pub fn reply_to_in(&self, chat_id: i64) -> Option<i64> {
        self.method.reply_to().filter(|_| self.answers_in.unwrap_or(self.to.chat.id) == chat_id)
    }

    /// Whether nothing of the answer comes after it.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.part == self.parts
    }
}

/// A method of the Bot API with its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Method {
    /// `sendMessage`; the text has 1 to 4096 UTF-16 units.
    SendText {
        /// The text.
        text: String,
        /// The buttons below it.
        #[serde(default, skip_serializing_if = "Keyboard::is_empty")]
        keyboard: Keyboard,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
    /// `sendLocation`.
    SendLocation {
        /// Millionths of a degree north.
        latitude_microdegrees: i64,
        /// Millionths of a degree east.
        longitude_microdegrees: i64,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
    /// `sendContact`.
    SendContact {
        /// The phone number; never empty.
        phone: String,
        /// The name; never empty.
        name: String,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
    /// `sendPhoto`, `sendDocument` and so on, whichever takes the file.
    SendFile {
        /// The file.
        file: RemoteFile,
        /// The text below it: up to 1024 UTF-16 units, empty for none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        caption: String,
        /// The buttons below it.
        #[serde(default, skip_serializing_if = "Keyboard::is_empty")]
        keyboard: Keyboard,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
}

/// A file that Kommo has and Telegram is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteFile {
    /// How it is to be shown, if Telegram can.
    pub kind: MediaKind,
    /// Where Kommo has it.
    pub url: String,
    /// What the customer reads as its name; never empty.
    pub name: String,
}

impl Method {
    /// Telegram's number of the message that it answers.
    #[must_use]
    pub const fn reply_to(&self) -> Option<i64> {
        match self {
            Self::SendText { reply_to, .. }
            | Self::SendFile { reply_to, .. }
            | Self::SendLocation { reply_to, .. }
            | Self::SendContact { reply_to, .. } => *reply_to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_reads_back_as_it_was_written() {
        let sales = Route::Outbound(SourceId::parse("sales: east").unwrap());
        for route in [Route::Inbound, Route::Stray, Route::Report, sales] {
            assert_eq!(route.to_string().parse(), Ok(route));
        }
        assert!(["", "outbound", "outbound:", "elsewhere"].iter().all(|text| text.parse::<Route>().is_err()));
    }

    #[test]
    fn works_share_an_answer_by_its_message() {
        let call = |message: &str| Call {
            message: KommoMessageId(message.to_owned()),
            to: Conversation::new(SourceId::parse("sales").unwrap(), 7),
            part: 1,
            parts: 1,
            method: Method::SendText { text: "x".to_owned(), keyboard: Keyboard::default(), reply_to: None },
            lost: None,
            answers_in: None,
        };
        let (a, b) = (Work::Call(call("a")), Work::Call(call("b")));
        let album = Work::Album { calls: vec![call("b"), call("c")] };
        let hook = Work::Hook { raw: String::new() };
        assert!(a.shares_answer(&a) && album.shares_answer(&b) && b.shares_answer(&album));
        assert!(!a.shares_answer(&b) && !a.shares_answer(&album));
        assert!(a.shares_answer(&hook) && hook.shares_answer(&a));
    }

    #[test]
    fn a_stray_thread_of_any_length_has_a_lane() {
        assert_eq!(Lane::stray("wa:1").thread, "wa:1");
        assert_eq!(Lane::stray(&"é".repeat(5000)).thread.len(), 200);
    }
}
