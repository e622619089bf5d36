//! What was said, and therefore has to arrive.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{CHANGED, History, Newcomer, Talk, programs::Programs};

/// What a message shows: the words from the conversation's tag on, and the name of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) words: String,
    /// As its bytes tell it, see [`super::samples`].
    pub(crate) file: Option<String>,
}

impl Item {
    pub(crate) fn text(words: impl Into<String>) -> Self {
        Self { words: words.into(), file: None }
    }

    /// The same before it was changed.
    pub(crate) fn unchanged(&self) -> Self {
        let words = self.words.strip_suffix(CHANGED).unwrap_or(&self.words);
        Self { words: words.to_owned(), file: self.file.clone() }
    }

    /// What a message with this text and file shows. What stands before the tag is the speaker's name, or a quote.
    pub(crate) fn shown(talk: &Talk, text: &str, file: Option<String>) -> Self {
        let tag = talk.tag();
        // A file in a group has its sender's name.
        let words = if file.is_some() && !text.contains(&tag) { "" } else { words(&tag, text) };
        Self { words: words.to_owned(), file }
    }
}

/// The words of a text in the conversation with this tag.
pub(crate) fn words<'t>(tag: &str, text: &'t str) -> &'t str {
    text.rfind(tag).map_or(text, |at| &text[at..])
}

/// What a customer said.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) shows: Item,
    /// What it answers.
    pub(crate) quotes: Option<Item>,
    /// Whether Telegram has forgotten it before the bridge has confirmed it, or a second one like it.
    pub(crate) is_forgotten: bool,
}

/// An answer, as Kommo sent it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Kommo's id.
    pub(crate) id: String,
    pub(crate) shows: Item,
    /// Where it stands among the answers of its conversation. Those whose hooks set off at once stand at the same
    /// place.
    pub(crate) place: usize,
    /// What it answers.
    pub(crate) quotes: Option<Item>,
    /// What stands on its buttons.
    pub(crate) buttons: Vec<String>,
    /// Whether one of them was pressed.
    pub(crate) is_pressed: bool,
    /// Whether the bridge has taken it, as far as that is known by the time the book is read.
    pub(crate) is_accepted: bool,
}

/// A reaction that was given; none for one that was taken back.
#[derive(Clone, Debug)]
pub(crate) struct Reaction {
    pub(crate) emoji: Option<String>,
    /// Whether it has to arrive. It is a courtesy: it may be let go where the way is bad.
    pub(crate) is_sure: bool,
}

/// What was said in one conversation, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) written: Vec<Written>,
    pub(crate) answers: Vec<Answer>,
    /// By the customer to an answer, and by the manager to a customer's text, each by the words.
    pub(crate) reactions: [BTreeMap<String, Vec<Reaction>>; 2],
    /// How many answers there were when the store became an older one: the bridge may not know where they are.
    pub(crate) before: usize,
}

impl Said {
    pub(crate) fn write(&mut self, shows: Item) {
        self.written.push(Written { shows, quotes: None, is_forgotten: false });
    }
}

/// What was said everywhere.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By the numbers of the conversations.
    pub(crate) said: BTreeMap<usize, Said>,
    /// In the order in which they came.
    pub(crate) newcomers: Vec<Newcomer>,
    /// What was written before there was a bridge.
    pub(crate) histories: Vec<History>,
    /// What the owner's programs got and sent.
    pub(crate) programs: Programs,
}

/// What was said in a conversation.
pub(crate) fn of<'b>(book: &'b Book, talk: &Talk) -> &'b Said {
    &book.said[&talk.number()]
}

/// The book while everybody writes in it.
#[derive(Debug, Default)]
pub(crate) struct Open(Mutex<Book>);

impl Open {
    /// Notes what is said while it is said, so that the order is one.
    pub(crate) fn note<R>(&self, talk: &Talk, act: impl FnOnce(&mut Said) -> R) -> R {
        self.with(|book| act(book.said.entry(talk.number()).or_default()))
    }

    /// Reads all of it, or adds what has become of what was said. Nobody says anything meanwhile.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Book) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
