//! What somebody has to look at although the bridge is ready.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::domain::address::SourceId;

/// What a note is about. There is one of each, and it stands until it is taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// Kommo's history cannot be read.
    Unread,
    /// The data directory has gone back in time.
    Rewound,
    /// No file of this source's customers reaches Kommo.
    Files(SourceId),
    /// Managers' answers come by the comparison instead of by their hooks.
    Hooks,
}

/// The notes of one bridge.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<BTreeMap<Note, String>>);

impl Notes {
    /// Puts a note in the place of the one that is there, or takes that away. Gives the one that was there.
    pub(super) fn put(&self, note: Note, text: Option<String>) -> Option<String> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => notes.insert(note, text),
            None => notes.remove(&note),
        }
    }

    pub(super) fn of(&self, note: &Note) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(note).cloned()
    }

    /// Those that need somebody's deed.
    pub(super) fn advice(&self) -> Vec<String> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_advice = |note: &Note| match note {
            // It is shown with what is held because of it.
            Note::Unread => false,
            Note::Rewound | Note::Files(_) | Note::Hooks => true,
        };
        notes.iter().filter(|(note, _)| is_advice(note)).map(|(_, text)| text.clone()).collect()
    }
}
