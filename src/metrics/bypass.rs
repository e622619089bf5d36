//! Answers that the comparison with Kommo's history found, although their hooks should have come.

use std::sync::{Mutex, PoisonError};

use crate::{domain::time::UnixMillis, metrics::Metrics};

/// From how many such answers on it is no accident.
const ENOUGH: usize = 2;

/// How many there were since hooks came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bypassed {
    /// When the first of them was written.
    pub since: UnixMillis,
    /// How many there are.
    pub answers: usize,
}

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Bypass(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    found: Option<Bypassed>,
    /// How many the operator knows of.
    told: usize,
}

impl Bypass {
    /// One more was found, which was written at that time.
    pub(super) fn found(&self, written_at: UnixMillis) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.found.unwrap_or(Bypassed { since: written_at, answers: 0 });
        state.found = Some(Bypassed { since: before.since.min(written_at), answers: before.answers + 1 });
    }

    /// What is to be told, if that is news.
    pub(super) fn news(&self) -> Option<Bypassed> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = state.found.filter(|found| found.answers >= ENOUGH && found.answers != state.told)?;
        state.told = found.answers;
        Some(found)
    }

    /// A hook has come. Returns whether somebody was told that none do.
    pub(super) fn hook_came(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was_told = state.told > 0;
        if was_told {
            *state = State::default();
        }
        was_told
    }
}

impl Metrics {
    /// Notes that a hook was refused because nothing could be stored.
    pub fn store_down(&self, now: UnixMillis) {
        *self.store_down_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// When a hook was last refused for that.
    #[must_use]
    pub fn store_down_at(&self) -> Option<UnixMillis> {
        *self.store_down_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_an_accident_and_more_are_told_once_and_when_there_are_more() {
        let bypass = Bypass::default();
        bypass.found(UnixMillis(20));
        assert_eq!(bypass.news(), None);
        // Hooks come between: if only some are refused, that is news, too.
        assert!(!bypass.hook_came());
        bypass.found(UnixMillis(10));
        assert_eq!(bypass.news(), Some(Bypassed { since: UnixMillis(10), answers: 2 }));
        assert_eq!(bypass.news(), None, "it is no news any more");
        bypass.found(UnixMillis(30));
        assert_eq!(bypass.news(), Some(Bypassed { since: UnixMillis(10), answers: 3 }));
        assert!(bypass.hook_came());
        assert!(!bypass.hook_came());
        bypass.found(UnixMillis(40));
        assert_eq!(bypass.news(), None, "it is counted anew");
    }
}
