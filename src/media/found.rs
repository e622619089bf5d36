//! Where files are, for as long as Telegram need not be asked again.

use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use crate::{domain::address::SourceId, media::link::Linked, telegram::file::Found};

/// How long an answer of Telegram's is used. It is good for an hour; whoever reads a file in parts needs minutes.
const GOOD_FOR: Duration = Duration::from_mins(5);
/// How many answers are kept at most.
const MOST: usize = 1000;

/// Telegram's latest answers to where files are. They are shown to nobody: the path of a file can hold the bot's token.
#[derive(Default)]
pub(super) struct Places(DashMap<(SourceId, String), (Found, Instant)>);

impl Places {
    /// Where a file is, if that was asked lately.
    pub(super) fn of(&self, linked: &Linked) -> Option<Found> {
        let place = self.0.get(&key(linked))?;
        let (found, asked_at) = place.value();
        (asked_at.elapsed() < GOOD_FOR).then(|| found.clone())
    }

    pub(super) fn keep(&self, linked: &Linked, found: Found) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (_, asked_at)| asked_at.elapsed() < GOOD_FOR);
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(key(linked), (found, Instant::now()));
    }

    pub(super) fn forget(&self, linked: &Linked) {
        self.0.remove(&key(linked));
    }
}

fn key(linked: &Linked) -> (SourceId, String) {
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
        let places = Places::default();
        places.keep(&linked("a"), found());
        places.keep(&linked("b"), found());
        assert_eq!((places.of(&linked("a")), places.of(&linked("c"))), (Some(found()), None));
        places.forget(&linked("b"));
        assert_eq!(places.of(&linked("b")), None);
        tokio::time::advance(GOOD_FOR).await;
        assert_eq!(places.of(&linked("a")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_few() {
        let places = Places::default();
        for file in 0..3 * MOST {
            places.keep(&linked(&file.to_string()), found());
            assert!(places.0.len() <= MOST);
        }
        assert_eq!(places.of(&linked(&(3 * MOST - 1).to_string())), Some(found()));
    }
}
