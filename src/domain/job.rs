//! The jobs that the queue keeps, and the lanes they wait in.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{BotId, Conversation, KommoMessageId, MessageId, SourceId},
    crm::{CrmUpdate, CustomerProfile, LinkTarget},
    delivery::{Report, ToldRefusal},
    keyboard::Keyboard,
    manager_initiated::ManagerInitiatedChat,
    message::MediaKind,
    time::UnixMillis,
};

mod key;
mod lane;

pub use key::IdempotencyKey;
pub use lane::{Lane, Route};

/// What one job is to do: one remote call, or the step that turns an arrival into calls.
///
/// This is a stored format: variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// A Telegram update as it came, to be relayed to Kommo.
    Update {
        /// The source that polled it.
        source: SourceId,
        /// The bot of that source at the time.
        bot: BotId,
        raw: String,
    },
    /// A message hook as it came, to be turned into calls.
    Hook { raw: String },
    /// A hook of a manager's reaction as it came.
    Reaction { raw: String },
    /// One Telegram call of an answer.
    Call(Call),
    /// Calls that send files, of one conversation, which Telegram takes together: one message group of 2 to 10.
    Album {
        /// The calls, in order.
        calls: Vec<Call>,
    },
    /// A delivery status for Kommo.
    #[serde(rename = "report")]
    DeliveryStatus(Report),
    /// A message with which a manager has begun a chat gets its id of ours in Kommo. A courtesy.
    #[serde(rename = "name")]
    AssignClientId {
        /// Kommo's id of the message.
        message: KommoMessageId,
        /// The Telegram message that it became.
        ours: MessageId,
        opening: ManagerInitiatedChat,
    },
    /// What a customer wrote to the owner of a chat of Telegram Business is to be marked as read. A courtesy, tried
    /// once.
    #[serde(rename = "seen")]
    MarkRead {
        conversation: Conversation,
        /// Telegram's number of the newest message.
        message: i64,
    },
    /// A manager is to be told that the time for an answer in a person's own chat is nearly over. A courtesy.
    Remind {
        conversation: Conversation,
        /// Telegram's number of the message that waits.
        message: i64,
    },
    /// A conversation's chat is to become that of a contact.
    Link {
        conversation: Conversation,
        #[serde(rename = "guest")]
        customer: CustomerProfile,
        /// Whose chat it is to be.
        whose: LinkTarget,
    },
    /// Something about a customer is to be written down.
    #[serde(rename = "enrich")]
    UpdateCrm {
        conversation: Conversation,
        #[serde(rename = "guest")]
        customer: CustomerProfile,
        note: CrmUpdate,
    },
    /// A held `/start` goes to Kommo after so long, if nothing has sent it there before.
    #[serde(rename = "hold")]
    ReleaseStartAt { conversation: Conversation },
    /// A held `/start` goes to Kommo now.
    #[serde(rename = "release")]
    ReleaseStart {
        conversation: Conversation,
        /// The customer's phone number, if they have shared it: digits alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phone: Option<String>,
    },
}

impl Job {
    /// The calls that this makes.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        match self {
            Self::Call(call) => std::slice::from_ref(call),
            Self::Album { calls } => calls,
            Self::Update { .. }
            | Self::Hook { .. }
            | Self::Reaction { .. }
            | Self::DeliveryStatus(_)
            | Self::AssignClientId { .. }
            | Self::MarkRead { .. }
            | Self::Link { .. }
            | Self::UpdateCrm { .. }
            | Self::ReleaseStartAt { .. }
            | Self::Remind { .. }
            | Self::ReleaseStart { .. } => &[],
        }
    }

    /// Whether it sends a file, which takes its time.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.calls().iter().any(|call| matches!(call.method, Method::SendFile { .. }))
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
    pub to: Conversation,
    /// Which part it is, from 1.
    pub part: u16,
    /// How many parts the answer has.
    pub parts: u16,
    pub method: Method,
    /// What of the answer is omitted already; its author reads so once the rest has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "lost")]
    pub omitted: Option<ToldRefusal>,
    /// Telegram's id of the chat with the message that it answers, where that is not the conversation's: its group has
    /// moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers_in: Option<i64>,
    /// The chat that this begins, told by the first part of an answer: Kommo does not know yet which conversation it
    /// is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<ManagerInitiatedChat>,
    /// When the answer was written, by Kommo's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<UnixMillis>,
}

impl Call {
    /// Telegram's number of the message that it answers, if that is in the chat `chat_id`: each chat has its own count.
    /// What has no number of its own (0) is answered without naming it.
    #[must_use]
    pub fn reply_to_in(&self, chat_id: i64) -> Option<i64> {
        let is_here = self.answers_in.unwrap_or(self.to.chat.id) == chat_id;
        self.method.reply_to().filter(|number| is_here && *number > 0)
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
        /// Further phone numbers of the same person.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        more: Vec<String>,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
    /// `sendPhoto`, `sendDocument` and so on, whichever takes the file.
    SendFile {
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
    /// What is sent, for the log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SendText { .. } => "text",
            Self::SendLocation { .. } => "location",
            Self::SendContact { .. } => "contact",
            Self::SendFile { file, .. } => file.kind.name(),
        }
    }

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
        for route in [Route::Inbound, Route::Undeliverable, Route::Status, Route::Crm, sales] {
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
            omitted: None,
            answers_in: None,
            opening: None,
            written_at: None,
        };
        let (a, b) = (Job::Call(call("a")), Job::Call(call("b")));
        let album = Job::Album { calls: vec![call("b"), call("c")] };
        let hook = Job::Hook { raw: String::new() };
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
