//! What a manager, Salesbot or a template says in one message.

use serde_json::{Map, Value};

use crate::sandbox::kommo::{attachments::Attachment, world::uuid};

mod forms;
mod template;

pub use template::Template;

/// A message to the customer, before it is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    pub(super) kind: Option<String>,
    pub(super) text: String,
    pub(super) file: Option<Attachment>,
    pub(super) markup: Value,
    pub(super) reply_to: Option<String>,
    pub(super) forwards: Vec<String>,
    pub(super) group: Option<String>,
    pub(super) card: Option<String>,
    pub(super) more: Map<String, Value>,
}

/// Where the text of several files stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptionOn {
    /// With the first file.
    First,
    /// With the last one.
    Last,
    /// With each of them.
    Each,
}

/// How the hooks of several messages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each waits for the answer to the one before.
    InTurn,
    AtOnce,
}

impl From<&str> for Draft {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Attachment> for Draft {
    fn from(file: Attachment) -> Self {
        Self::file(file)
    }
}

impl Draft {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A file without a text.
    pub fn file(file: Attachment) -> Self {
        Self { file: Some(file), ..Self::default() }
    }

    /// Several files, each a message of its own, and one text.
    pub fn files(files: Vec<Attachment>, caption: &str, on: CaptionOn) -> Vec<Self> {
        let last = files.len().saturating_sub(1);
        let has_caption = |n| match on {
            CaptionOn::First => n == 0,
            CaptionOn::Last => n == last,
            CaptionOn::Each => true,
        };
        let of = |(n, file)| if has_caption(n) { Self::file(file).saying(caption) } else { Self::file(file) };
        files.into_iter().enumerate().map(of).collect()
    }

    /// The same as what is said at once: under one `media_group_id`.
    #[must_use]
    pub fn together(drafts: Vec<Self>) -> Vec<Self> {
        let group = Some(uuid());
        drafts.into_iter().map(|draft| Self { group: group.clone(), ..draft }).collect()
    }

    #[must_use]
    pub fn saying(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// With a keyboard, as Kommo writes it.
    #[must_use]
    pub fn markup(self, markup: Value) -> Self {
        Self { markup, ..self }
    }

    /// As the answer to the message of the chat with Kommo's id `quoted`.
    #[must_use]
    pub fn answering(self, quoted: impl Into<String>) -> Self {
        Self { reply_to: Some(quoted.into()), ..self }
    }

    /// Passing on these messages, by Kommo's ids, from any chat.
    #[must_use]
    pub fn forwarding<'m>(self, messages: impl IntoIterator<Item = &'m str>) -> Self {
        Self { forwards: messages.into_iter().map(str::to_owned).collect(), ..self }
    }

    /// Of this type, known or not.
    #[must_use]
    pub fn of_type(self, kind: &str) -> Self {
        Self { kind: Some(kind.to_owned()), ..self }
    }

    /// With one more field of the hook's `message.message`, whatever it is.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}
