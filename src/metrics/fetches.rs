//! How the test files of `telekommo check --live` are fetched. Fetches of other files are not recorded.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::domain::time::UnixMillis;

/// The prefix of a test file's name.
pub(crate) const TEST_FILE: &str = "telekommo-live-";
/// How many fetches are kept.
const MAX_FETCHES: usize = 100;

/// One fetch of a test file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fetch {
    pub(crate) at: UnixMillis,
    pub(crate) method: String,
    /// Whether a range was requested.
    pub(crate) is_part: bool,
    /// The HTTP status of the response.
    pub(crate) status: u16,
}

/// The last fetches, the oldest first, each with the name of its file.
#[derive(Debug, Default)]
pub(super) struct Fetches(Mutex<VecDeque<(String, Fetch)>>);

impl Fetches {
    pub(super) fn add(&self, file_name: &str, fetch: Fetch) {
        if !file_name.starts_with(TEST_FILE) {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == MAX_FETCHES {
            all.pop_front();
        }
        all.push_back((file_name.to_owned(), fetch));
    }

    /// The fetches of one file.
    pub(super) fn of(&self, file_name: &str) -> Vec<Fetch> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(name, _)| name == file_name).map(|(_, fetch)| fetch.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_of_test_files_are_recorded_and_no_others() {
        let fetches = Fetches::default();
        let fetch = |status| Fetch { at: UnixMillis(0), method: "GET".to_owned(), is_part: false, status };
        for status in 0..110 {
            fetches.add("telekommo-live-a.jpg", fetch(status));
        }
        fetches.add("passport.jpg", fetch(200));
        fetches.add("telekommo-live-b.jpg", fetch(206));
        assert_eq!(fetches.of("telekommo-live-a.jpg").len(), MAX_FETCHES - 1);
        assert_eq!(fetches.of("telekommo-live-b.jpg"), [fetch(206)]);
        assert_eq!(fetches.of("passport.jpg"), []);
    }
}
