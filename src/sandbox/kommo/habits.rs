//! What the documentation leaves open: what Kommo does there, as a test wants it.

/// What a second message with a known `msgid` gets. The documentation says only that it is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateAnswer {
    /// 200 with the ids of the first one.
    SameIds200,
    /// 200 with an empty body, as other addresses of the Chats API answer.
    Blank200,
    /// 400.
    BadRequest400,
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

/// What `file_name` and `file_size` of a hook are. The samples leave them blank even where there is a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileNames {
    /// `""` and 0.
    Blank,
    /// As they are.
    Told,
}

/// What Kommo does where the documentation leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// What a second message with a known `msgid` gets.
    pub duplicates: DuplicateAnswer,
    /// How a hook names the message that is reacted to.
    pub reactions: ReactionShape,
    /// What `file_name` and `file_size` of a hook are.
    pub file_names: FileNames,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            duplicates: DuplicateAnswer::BadRequest400,
            reactions: ReactionShape::Both,
            file_names: FileNames::Blank,
        }
    }
}
