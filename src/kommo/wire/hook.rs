//! What Kommo's hooks hold (the page "Chat webhooks").

use crate::lenient::lenient;

lenient! {
    /// A hook: something happened in Kommo.
    pub struct Hook {
        /// When Kommo sent it, in seconds since the epoch.
        pub time: i64,
        /// A manager or a bot wrote.
        pub message: HookMessage,
        /// Somebody types or reacts.
        pub action: HookAction,
    }

    /// An outgoing message with its surroundings.
    pub struct HookMessage {
        /// The user or bot of the account that wrote it.
        pub sender: HookSender,
        pub conversation: HookConversation,
        pub receiver: HookReceiver,
        /// The line of the channel.
        pub source: HookSource,
        /// When it was written, in seconds since the epoch.
        pub timestamp: i64,
        /// The same in milliseconds.
        pub msec_timestamp: i64,
        pub message: HookContent,
    }

    /// A thread by both ids.
    pub struct HookConversation {
        pub id: String,
        /// Ours; absent where a manager writes first.
        pub client_id: String,
    }

    /// The customer whom a message is for.
    pub struct HookReceiver {
        pub id: String,
        /// The phone number; empty if Kommo knows none. Where a manager writes first, the one that was chosen.
        pub phone: String,
        pub name: String,
    }

    /// Who of the account wrote a message.
    pub struct HookSender {
        pub id: String,
    }

    /// A line of the channel.
    pub struct HookSource {
        pub external_id: String,
    }

    /// The content of an outgoing message.
    pub struct HookContent {
        /// Kommo's id of the message.
        pub id: String,
        /// `text`, `picture`, `file` and so on.
        pub r#type: String,
        /// The text, or a caption.
        pub text: String,
        /// Where a file is to be fetched; empty for a text.
        pub media: String,
        /// The file's name; often empty where there is one.
        pub file_name: String,
        /// What several files that were sent at once have in common.
        pub media_group_id: String,
        /// Its keyboard; `null` for none.
        pub markup: HookMarkup,
        /// The message that it answers.
        pub reply_to: HookReply,
        /// The messages that it passes on.
        pub forwards: HookForwards,
        /// A place. Not documented for what managers send; read as what they are sent.
        pub location: HookLocation,
        /// Somebody's card; as above.
        pub contact: HookCard,
    }

    /// The messages that are passed on.
    pub struct HookForwards {
        /// Each in full.
        pub messages: Vec<HookQuoted>,
    }

    /// A place on the map.
    pub struct HookLocation {
        /// Degrees east.
        pub lon: f64,
        /// Degrees north.
        pub lat: f64,
    }

    pub struct HookCard {
        pub name: String,
        /// The phone number.
        pub phone: String,
    }

    /// Who wrote a message.
    pub struct HookAuthor {
        /// The name; often left out.
        pub name: String,
    }

    /// What a message answers.
    pub struct HookReply {
        /// The message that is answered.
        pub message: HookQuoted,
    }

    /// A message that is answered or passed on.
    pub struct HookQuoted {
        pub id: String,
        /// Our id, if it has one.
        pub msgid: String,
        /// `text`, `picture`, `file` and so on.
        pub r#type: String,
        pub text: String,
        /// Where its file is, if it has one.
        pub media: String,
        /// The name of its file, if it has one.
        pub file_name: String,
        pub sender: HookAuthor,
    }

    pub struct HookMarkup {
        pub buttons: Vec<Vec<HookButton>>,
        /// A list to choose from, instead of rows.
        pub list_message: HookList,
    }

    /// A list to choose from.
    pub struct HookList {
        pub header: String,
        pub body: String,
        /// The line below it.
        pub footer: String,
        /// The choices by section.
        pub sections: Vec<HookSection>,
    }

    /// A part of a list.
    pub struct HookSection {
        pub title: String,
        pub rows: Vec<HookRow>,
    }

    /// A choice of a list.
    pub struct HookRow {
        pub title: String,
        /// What more there is to say of it.
        pub description: String,
        /// What Kommo knows it by.
        pub callback_data: String,
    }

    pub struct HookButton {
        /// What stands on it.
        pub text: String,
        /// Where it leads; absent for one that answers with its text.
        pub url: String,
    }

    /// What is no message.
    pub struct HookAction {
        pub typing: HookTyping,
        /// Somebody reacts to a message.
        pub reaction: HookReaction,
    }

    /// Somebody reacts to a message, or takes that back. The sample names the message by `msgid` and the table by
    /// `message`.
    pub struct HookReaction {
        /// An id of the message: Kommo's in the sample.
        pub msgid: String,
        pub message: HookReacted,
        pub conversation: HookConversation,
        /// `react` or `unreact`.
        pub r#type: String,
        /// The emoji; absent with `unreact`.
        pub emoji: String,
    }

    /// A message that is reacted to.
    pub struct HookReacted {
        pub id: String,
        /// Ours, if it has one.
        pub client_id: String,
    }

    pub struct HookTyping {
        pub conversation: HookConversation,
        /// Seconds since the epoch; about 5 s after the start.
        pub expired_at: i64,
    }
}
