//! A cache of the paths of files at Telegram. Telegram responds the same for a deleted file and a temporary failure, so
//! Kommo gets 503, and 410 after an hour of refusals.

use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use crate::{domain::address::SourceId, media::link::Linked, telegram::file::Found};

/// How long a path is used. It is valid for an hour; reading a file in parts takes minutes.
const VALID_FOR: Duration = Duration::from_mins(5);
/// After refusals over this time, a file counts as deleted.
const REFUSED_FOR: Duration = Duration::from_hours(1);
const MAX_ENTRIES: usize = 1000;

/// The latest paths of files. They are never shown, because a path can contain the bot's token.
#[derive(Default)]
pub(super) struct PathCache {
    found: DashMap<Key, (Found, Instant)>,
    /// The time of the first of consecutive refusals.
    refused: DashMap<Key, Instant>,
}

/// A file: its source, and its id.
type Key = (SourceId, String);

impl PathCache {
    /// The path of a file, if it is cached.
    pub(super) fn of(&self, linked: &Linked) -> Option<Found> {
        let place = self.found.get(&key(linked))?;
        let (found, asked_at) = place.value();
        (asked_at.elapsed() < VALID_FOR).then(|| found.clone())
    }

    pub(super) fn keep(&self, linked: &Linked, found: Found) {
        self.refused.remove(&key(linked));
        if self.found.len() >= MAX_ENTRIES {
            self.found.retain(|_, (_, asked_at)| asked_at.elapsed() < VALID_FOR);
        }
        if self.found.len() >= MAX_ENTRIES {
            self.found.clear();
        }
        self.found.insert(key(linked), (found, Instant::now()));
    }

    pub(super) fn forget(&self, linked: &Linked) {
        self.found.remove(&key(linked));
    }

    /// Records a refusal of a file, and returns whether the file counts as deleted.
    pub(super) fn is_refused_for_long(&self, linked: &Linked) -> bool {
        if self.refused.len() >= MAX_ENTRIES {
            self.refused.clear();
        }
        self.refused.entry(key(linked)).or_insert_with(Instant::now).elapsed() >= REFUSED_FOR
    }
}

fn key(linked: &Linked) -> Key {
    (linked.source.clone(), linked.file_id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(file_id: &str) -> Linked {
        Linked {
            source: SourceId::parse("sales").unwrap(),
            file_id: file_id.to_owned(),
            file_name: "a".to_owned(),
            mime_type: None,
            size_bytes: None,
            expires_at_seconds: 0,
        }
    }

    fn found() -> Found {
        Found { path: "documents/a".to_owned(), size_bytes: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_path_is_cached_for_a_while_and_until_it_is_forgotten() {
        let path_cache = PathCache::default();
        path_cache.keep(&linked("a"), found());
        path_cache.keep(&linked("b"), found());
        assert_eq!((path_cache.of(&linked("a")), path_cache.of(&linked("c"))), (Some(found()), None));
        path_cache.forget(&linked("b"));
        assert_eq!(path_cache.of(&linked("b")), None);
        tokio::time::advance(VALID_FOR).await;
        assert_eq!(path_cache.of(&linked("a")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_refused_for_long_counts_as_deleted_unless_it_was_found_in_between() {
        let path_cache = PathCache::default();
        for (file, is_given) in [("a", false), ("b", true)] {
            assert!(!path_cache.is_refused_for_long(&linked(file)));
            if is_given {
                path_cache.keep(&linked(file), found());
            }
        }
        tokio::time::advance(REFUSED_FOR).await;
        assert!(path_cache.is_refused_for_long(&linked("a")));
        assert!(!path_cache.is_refused_for_long(&linked("b")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_cache_is_bounded() {
        let path_cache = PathCache::default();
        for file in 0..3 * MAX_ENTRIES {
            path_cache.keep(&linked(&file.to_string()), found());
            assert!(!path_cache.is_refused_for_long(&linked(&file.to_string())));
            assert!(path_cache.found.len() <= MAX_ENTRIES && path_cache.refused.len() <= MAX_ENTRIES);
        }
        assert_eq!(path_cache.of(&linked(&(3 * MAX_ENTRIES - 1).to_string())), Some(found()));
    }
}
