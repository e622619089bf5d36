//! Kommo's hooks (the page "Chat webhooks").

use crate::lenient::lenient;

lenient! {
    /// The body of a hook.
    pub struct Hook {
        /// When Kommo sent it, in seconds since the epoch.
        pub time: i64,
        /// A manager or a bot wrote.
        pub message: HookMessage,
        /// Somebody types or reacts.
        pub action: HookAction,
    }

    /// An outgoing message with its metadata.
    pub struct HookMessage {
        /// The user or bot of the account that wrote it.
        pub sender: HookSender,
        pub conversation: HookConversation,
        pub receiver: HookReceiver,
        pub source: HookSource,
        /// When it was written, in seconds since the epoch.
        pub timestamp: i64,
        /// The same in milliseconds.
        pub msec_timestamp: i64,
        pub message: HookContent,
    }

    /// A conversation by both ids.
    pub struct HookConversation {
        pub id: String,
        /// Ours; absent if a manager writes first.
        pub client_id: String,
    }

    /// The recipient of a message.
    pub struct HookReceiver {
        pub id: String,
        /// The phone number; empty if Kommo knows none. If a manager writes first, the chosen one.
        pub phone: String,
        pub name: String,
    }

    /// The author of a message, a user or bot of the account.
    pub struct HookSender {
        pub id: String,
    }

    /// A source of the channel.
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
        /// The address of a file; empty for a text.
        pub media: String,
        /// The file's name; often empty.
        pub file_name: String,
        /// The id of a group of files that were sent at once.
        pub media_group_id: String,
        /// Its keyboard; `null` for none.
        pub markup: HookMarkup,
        /// The quoted message.
        pub reply_to: HookReply,
        /// The forwarded messages.
        pub forwards: HookForwards,
        /// A location. It is not documented for managers' messages, and read as that of customers' messages.
        pub location: HookLocation,
        /// A contact; as above.
        pub contact: HookCard,
    }

    /// Forwarded messages.
    pub struct HookForwards {
        pub messages: Vec<HookQuoted>,
    }

    /// A location.
    pub struct HookLocation {
        /// Degrees east.
        pub lon: f64,
        /// Degrees north.
        pub lat: f64,
    }

    pub struct HookCard {
        pub name: String,
        pub phone: String,
        }

        /// The author of a quoted or forwarded message.
    pub struct HookAuthor {
        /// The name; often left out.
        pub name: String,
    }

    /// A reference to a quoted message.
    pub struct HookReply {
        pub message: HookQuoted,
    }

    /// A quoted or forwarded message.
    pub struct HookQuoted {
        pub id: String,
        /// Our id, if it has one.
        pub msgid: String,
        /// `text`, `picture`, `file` and so on.
        pub r#type: String,
        pub text: String,
        /// The address of its file, if it has one.
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
        pub description: String,
        /// Kommo's id of the choice.
        pub callback_data: String,
    }

    pub struct HookButton {
        /// Its label.
        pub text: String,
        /// The target of a link; absent for a button that sends its label as an answer.
        pub url: String,
    }

    /// An event other than a message.
    pub struct HookAction {
        pub typing: HookTyping,
        /// Somebody reacts to a message.
        pub reaction: HookReaction,
    }

    /// A reaction to a message, or its removal. The documentation's sample names the message by `msgid`, and its table
    /// by `message`.
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

    /// The message of a reaction.
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
