//! What the documentation leaves open: what Kommo does there, as a test wants it.

mod recent;
mod unstated;

pub use recent::{ErrorShape, FileAddress, StatusNames, WaitIn};
pub use unstated::{Fetches, Texts};

/// What a second message with a known `msgid` gets. The documentation says only that it is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateAnswer {
    /// 200 with the ids of the first one.
    SameIds200,
    /// 200 with an empty body, as other addresses of the Chats API answer.
    Blank200,
    /// 400.
    BadRequest400,
    /// A second message, which the documentation denies.
    Doubled,
}

/// How a hook names the message that a manager reacts to. The sample has one, the table the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReactionShape {
    /// `msgid`: Kommo's id.
    Msgid,
    /// `message`, with both ids and its sender.
    Message,
    /// Both, as clients report.
    Both,
}

/// `file_name` and `file_size` of a hook. The samples leave them blank also for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileNames {
    /// `""` and 0.
    Blank,
    Present,
}

/// Fields that may be missing according to the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optional {
    Present,
    Missing,
}

/// How an input is treated whose validity is not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubtful {
    Taken,
    /// It is refused: 400.
    Refused,
}

/// Whether a message that does not say `silent` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It makes no lead.
    Silent,
    Loud,
}

/// Whether Kommo tells by a hook what was imported in a manager's name. It never does for the channel's bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imports {
    Quiet,
    /// A hook, as for what the manager writes in Kommo.
    Echoed,
}

/// Where `phone` and `email` are in the answer to a new chat: the reference and the walkthrough differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserShape {
    /// In `user`.
    Flat,
    /// In `user.profile`.
    Nested,
}

/// What becomes of a message that names two chats: by our id one that is there already, and by `conversation_ref_id`
/// one that a manager has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwoChats {
    /// It is refused: 400.
    Refused,
    /// It goes to the one that the manager has begun, which has our id from then on.
    Moved,
    /// It goes to the one that is there.
    Stayed,
}

/// How a list is told that has nothing in it. The documentation says 204, and clients have seen a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyLists {
    /// 204 without a body.
    NoContent,
    /// 200 with a list that is empty.
    Listed,
}

/// By what a chat's history is sorted. The documentation says only that the newest messages come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryOrder {
    /// By the instants that messages tell.
    Written,
    /// By those at which they came; imported ones tell of others.
    Arrived,
}

/// What Kommo does where the documentation leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// What a second message with a known `msgid` gets.
    pub duplicates: DuplicateAnswer,
    /// How a hook names the message that is reacted to.
    pub reactions: ReactionShape,
    /// What `file_name` and `file_size` are, in hooks and in the history.
    pub file_names: FileNames,
    /// The names of people in hooks.
    pub names: Optional,
    /// The channel's id of a quoted message, in hooks.
    pub quoted_msgids: Optional,
    /// Fields that are `""`, 0 or `null`, in hooks and in the history.
    pub blanks: Optional,
    /// A message that quotes or passes on one that Kommo does not have. It is taken without that.
    pub unknown_quotes: Doubtful,
    /// An edit that makes a message one of another type.
    pub type_edits: Doubtful,
    /// An edit of what was not the customer's.
    pub outgoing_edits: Doubtful,
    /// An edit of what was the customer's. The changelog speaks of outgoing messages, the reference of all.
    pub customer_edits: Doubtful,
    /// A new message that was sent elsewhere and tells its delivery status.
    pub new_statuses: Doubtful,
    /// By which names a delivery status tells its number.
    pub status_names: StatusNames,
    /// A channel that is connected without a title. It is taken with its own name.
    pub untitled: Doubtful,
    /// `user.ref_id` of a chat to make: an older reference has it, the newer one does not.
    pub user_refs: Doubtful,
    /// In which shape errors are told.
    pub errors: ErrorShape,
    /// The HTTP status of a request that is read and not liked: 400, or 422 as in the newer APIs.
    pub unfit_status: u16,
    /// Where a 429 tells how long to wait.
    pub waits: WaitIn,
    /// Where managers' files are.
    pub files: FileAddress,
    /// Whether a message that does not say `silent` is.
    pub silence: Silence,
    /// Whether imports come back as hooks.
    pub imports: Imports,
    /// The HTTP status of the error 453: an import whose sender Kommo does not know.
    pub unknown_sender_status: u16,
    /// What becomes of a message that names two chats.
    pub two_chats: TwoChats,
    /// Whether the answer to a new message tells Kommo's id of the chat. Older ones repeat the channel's.
    pub chat_ids: Optional,
    /// By what a chat's history is sorted.
    pub history: HistoryOrder,
    /// Where `phone` and `email` of a new chat's user are.
    pub users: UserShape,
    /// How a list is told that has nothing in it, here and in the REST API.
    pub empty_lists: EmptyLists,
    /// The channel's ids of messages and people, in the history.
    pub history_ids: Optional,
    /// What becomes of long texts.
    pub texts: Texts,
    /// The largest file that a message may tell of, in bytes.
    pub largest_file: Option<u64>,
    /// How files are fetched.
    pub fetches: Fetches,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            duplicates: DuplicateAnswer::BadRequest400,
            reactions: ReactionShape::Both,
            file_names: FileNames::Blank,
            names: Optional::Present,
            quoted_msgids: Optional::Present,
            blanks: Optional::Present,
            unknown_quotes: Doubtful::Refused,
            type_edits: Doubtful::Taken,
            outgoing_edits: Doubtful::Taken,
            customer_edits: Doubtful::Taken,
            new_statuses: Doubtful::Taken,
            status_names: StatusNames::Any,
            untitled: Doubtful::Taken,
            user_refs: Doubtful::Refused,
            errors: ErrorShape::Older,
            unfit_status: 400,
            waits: WaitIn::Header,
            files: FileAddress::Older,
            silence: Silence::Silent,
            imports: Imports::Quiet,
            unknown_sender_status: 400,
            two_chats: TwoChats::Refused,
            chat_ids: Optional::Present,
            history: HistoryOrder::Written,
            users: UserShape::Flat,
            empty_lists: EmptyLists::NoContent,
            history_ids: Optional::Present,
            texts: Texts::Whole,
            largest_file: None,
            fetches: Fetches::Once,
        }
    }
}
