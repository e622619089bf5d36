//! A cache of where Telegram keeps files. Telegram says the same of a deleted file and of a temporary failure, so Kommo
//! gets 503, and 410 after an hour of refusals.

use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use crate::{domain::address::SourceId, media::link::Linked, telegram::file::Found};

/// How long an answer of Telegram's is used. It is good for an hour; reading a file in parts takes minutes.
const GOOD_FOR: Duration = Duration::from_mins(5);
/// How long Telegram has to refuse a file, each time that it is asked, until the file is held for gone. It says the
/// same of one that it cannot give for a moment.
const LONG: Duration = Duration::from_hours(1);
/// How many answers are kept at most.
const MOST: usize = 1000;

/// Telegram's latest answers to where files are. They are shown to nobody: the path of a file can hold the bot's token.
#[derive(Default)]
pub(super) struct PathCache {
    found: DashMap<Key, (Found, Instant)>,
    /// Since when it has given no other answer than that it does not give a file.
    refused: DashMap<Key, Instant>,
}

/// A file: the source whose bot has it, and its id.
type Key = (SourceId, String);

impl PathCache {
    /// Where a file is, if that was asked lately.
    pub(super) fn of(&self, linked: &Linked) -> Option<Found> {
        let place = self.found.get(&key(linked))?;
        let (found, asked_at) = place.value();
        (asked_at.elapsed() < GOOD_FOR).then(|| found.clone())
    }

    pub(super) fn keep(&self, linked: &Linked, found: Found) {
        self.refused.remove(&key(linked));
        if self.found.len() >= MOST {
            self.found.retain(|_, (_, asked_at)| asked_at.elapsed() < GOOD_FOR);
        }
        if self.found.len() >= MOST {
            self.found.clear();
        }
        self.found.insert(key(linked), (found, Instant::now()));
    }

    pub(super) fn forget(&self, linked: &Linked) {
        self.found.remove(&key(linked));
    }

    /// Notes that Telegram does not give a file, and returns whether that has gone on for so long that it never will.
    pub(super) fn is_refused_for_long(&self, linked: &Linked) -> bool {
        if self.refused.len() >= MOST {
            self.refused.clear();
        }
        self.refused.entry(key(linked)).or_insert_with(Instant::now).elapsed() >= LONG
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
    async fn a_place_is_known_for_a_while_and_until_it_is_forgotten() {
        let path_cache = PathCache::default();
        path_cache.keep(&linked("a"), found());
        path_cache.keep(&linked("b"), found());
        assert_eq!((path_cache.of(&linked("a")), path_cache.of(&linked("c"))), (Some(found()), None));
        path_cache.forget(&linked("b"));
        assert_eq!(path_cache.of(&linked("b")), None);
        tokio::time::advance(GOOD_FOR).await;
        assert_eq!(path_cache.of(&linked("a")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_long_is_gone_unless_it_was_given_in_between() {
        let path_cache = PathCache::default();
        for (file, is_given) in [("a", false), ("b", true)] {
            assert!(!path_cache.is_refused_for_long(&linked(file)));
            if is_given {
                path_cache.keep(&linked(file), found());
            }
        }
        tokio::time::advance(LONG).await;
        assert!(path_cache.is_refused_for_long(&linked("a")));
        assert!(!path_cache.is_refused_for_long(&linked("b")));
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_few() {
        let path_cache = PathCache::default();
        for file in 0..3 * MOST {
            path_cache.keep(&linked(&file.to_string()), found());
            assert!(!path_cache.is_refused_for_long(&linked(&file.to_string())));
            assert!(path_cache.found.len() <= MOST && path_cache.refused.len() <= MOST);
        }
        assert_eq!(path_cache.of(&linked(&(3 * MOST - 1).to_string())), Some(found()));
    }
}
