//! Rows that cannot be read: those that a newer version wrote before it was taken back, and those that the disk has
//! damaged.
//!
//! None of them stops the bridge. A job is set aside ([`super::unreadable_jobs`]), and a row that is only looked up
//! counts as absent.

use std::{
    collections::HashSet,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::store::keys;

/// How many unreadable rows are remembered, so that each is logged once and not at every access.
const REMEMBERED: usize = 10_000;

/// How many rows of this process's store could not be read.
static COUNT: AtomicU64 = AtomicU64::new(0);
static LOGGED: LazyLock<Mutex<HashSet<Vec<u8>>>> = LazyLock::new(Mutex::default);

/// How many rows could not be read since the process started. The same row counts once.
pub(super) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Counts and logs a row that cannot be read, unless that has been done.
pub(super) fn note(key: &[u8], why: &str) {
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    if logged.len() >= REMEMBERED {
        logged.clear();
    }
    if logged.insert(key.to_vec()) {
        COUNT.fetch_add(1, Ordering::Relaxed);
        tracing::error!(row = keys::shown(key), why, "a row of the store cannot be read, and is ignored");
    }
}

/// The error of a row without the row's content, which is between customers and managers.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let has_no_value = ["unknown variant", "missing field", "duplicate field", "data did not match"]
        .iter()
        .any(|beginning| text.starts_with(beginning));
    if has_no_value || !error.is_data() {
        return text;
    }
    format!("a value of another kind at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{job::Job, time::UnixMillis};

    #[test]
    fn the_reason_has_no_content_of_the_row() {
        let of = |text: &str| reason(&serde_json::from_str::<Job>(text).unwrap_err());
        assert!(of(r#"{"kind":"of tomorrow"}"#).contains("unknown variant `of tomorrow`"));
        assert!(of(r#"{"kind":"hook"}"#).contains("missing field `raw`"));
        assert!(of(r#"{"kind":"hook","ra"#).contains("EOF"));
        let text = reason(&serde_json::from_str::<UnixMillis>("\"a customer's words\"").unwrap_err());
        assert!(!text.contains("words") && text.contains("line 1"), "{text}");
    }
}
