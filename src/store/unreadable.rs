//! Rows that cannot be read: what a newer version has written before it was taken back, and what the disk has damaged.
//!
//! None of them stops anything. A job is set aside ([`super::unreadable_jobs`]), and a row that is only looked up
//! counts as absent.

use std::{
    collections::HashSet,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::store::keys;

/// So many rows are known as unreadable before it is forgotten which: each is told of once, not at every look.
const REMEMBERED: usize = 10_000;

/// How many rows of this process's store could not be read.
static COUNT: AtomicU64 = AtomicU64::new(0);
static KNOWN: LazyLock<Mutex<HashSet<Vec<u8>>>> = LazyLock::new(Mutex::default);

/// How many rows could not be read since the process began. The same row counts once.
pub(super) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Counts a row that cannot be read, and tells of it, if that is news.
pub(super) fn note(key: &[u8], why: &str) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= REMEMBERED {
        known.clear();
    }
    if known.insert(key.to_vec()) {
        COUNT.fetch_add(1, Ordering::Relaxed);
        tracing::error!(row = keys::shown(key), why, "a row of the store cannot be read, and is ignored");
    }
}

/// What is wrong with a row, without what it says: that is between customers and managers.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let tells_no_value = ["unknown variant", "missing field", "duplicate field", "data did not match"]
        .iter()
        .any(|beginning| text.starts_with(beginning));
    if tells_no_value || !error.is_data() {
        return text;
    }
    format!("a value of another kind at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{job::Job, time::UnixMillis};

    #[test]
    fn what_a_row_says_is_not_told() {
        let of = |text: &str| reason(&serde_json::from_str::<Job>(text).unwrap_err());
        assert!(of(r#"{"kind":"of tomorrow"}"#).contains("unknown variant `of tomorrow`"));
        assert!(of(r#"{"kind":"hook"}"#).contains("missing field `raw`"));
        assert!(of(r#"{"kind":"hook","ra"#).contains("EOF"));
        let told = reason(&serde_json::from_str::<UnixMillis>("\"a customer's words\"").unwrap_err());
        assert!(!told.contains("words") && told.contains("line 1"), "{told}");
    }
}
