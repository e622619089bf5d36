//! The hooks that the bridge itself has answered with a success, and must therefore not lose. Whoever stands before it
//! may say so without it: then the answer is found later, if ever.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

use crate::proxy::Message;

/// Kommo's ids of the messages, and how often the bridge itself has refused one.
#[derive(Debug, Default)]
pub(crate) struct Taken(Mutex<BTreeSet<String>>, AtomicUsize);

impl Taken {
    /// Notes a request of Kommo's and the bridge's answer.
    pub(crate) fn note(&self, request: &Message, answer: &Message) {
        let hook: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let Some(id) = hook["message"]["message"]["id"].as_str() else { return };
        if answer.is_success() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        } else {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many hooks were answered with anything but a success.
    pub(crate) fn refused(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }
}
