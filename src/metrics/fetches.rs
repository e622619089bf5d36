//! How the files of `telekommo check --live` are fetched. Of no other file is anything remembered.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::domain::time::UnixMillis;

/// How the name of such a file begins.
pub(crate) const TEST_FILE: &str = "telekommo-live-";
/// How many fetches are remembered.
const REMEMBERED: usize = 100;

/// One fetch of such a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fetch {
    pub(crate) at: UnixMillis,
    pub(crate) method: String,
    /// Whether a part was asked for.
    pub(crate) is_part: bool,
    /// The HTTP status of the answer.
    pub(crate) status: u16,
}

/// The last ones, the oldest first, each with the name of its file.
#[derive(Debug, Default)]
pub(super) struct Fetches(Mutex<VecDeque<(String, Fetch)>>);

impl Fetches {
    pub(super) fn add(&self, file_name: &str, fetch: Fetch) {
        if !file_name.starts_with(TEST_FILE) {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == REMEMBERED {
            all.pop_front();
        }
        all.push_back((file_name.to_owned(), fetch));
    }

    /// Those of one file.
    pub(super) fn of(&self, file_name: &str) -> Vec<Fetch> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(name, _)| name == file_name).map(|(_, fetch)| fetch.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_files_fetches_are_remembered_and_no_customers() {
        let fetches = Fetches::default();
        let fetch = |status| Fetch { at: UnixMillis(0), method: "GET".to_owned(), is_part: false, status };
        for status in 0..110 {
            fetches.add("telekommo-live-a.jpg", fetch(status));
        }
        fetches.add("passport.jpg", fetch(200));
        fetches.add("telekommo-live-b.jpg", fetch(206));
        assert_eq!(fetches.of("telekommo-live-a.jpg").len(), REMEMBERED - 1);
        assert_eq!(fetches.of("telekommo-live-b.jpg"), [fetch(206)]);
        assert_eq!(fetches.of("passport.jpg"), []);
    }
}
