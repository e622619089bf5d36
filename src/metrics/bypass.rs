//! Answers that the comparison with Kommo's history found although their hooks should have arrived.

use std::sync::{Mutex, PoisonError};

use crate::{domain::time::UnixMillis, metrics::Metrics};

/// The number of such answers that is no accident any more.
const THRESHOLD: usize = 2;

/// Such answers since the last hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bypassed {
    /// When the first of them was written.
    pub since: UnixMillis,
    /// How many there are.
    pub answers: usize,
}

/// Counts such answers.
#[derive(Debug, Default)]
pub(super) struct Bypass(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    found: Option<Bypassed>,
    /// How many were reported to the operator.
    reported: usize,
}

impl Bypass {
    /// Adds an answer that was written at that time.
    pub(super) fn found(&self, written_at: UnixMillis) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.found.unwrap_or(Bypassed { since: written_at, answers: 0 });
        state.found = Some(Bypassed { since: before.since.min(written_at), answers: before.answers + 1 });
    }

    /// Such answers, if there are enough, and more than were reported. Counts them as reported.
    pub(super) fn take_news(&self) -> Option<Bypassed> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = state.found.filter(|found| found.answers >= THRESHOLD && found.answers != state.reported)?;
        state.reported = found.answers;
        Some(found)
    }

    /// A hook has arrived. Returns whether missing hooks had been reported.
    pub(super) fn hook_came(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was_reported = state.reported > 0;
        if was_reported {
            *state = State::default();
        }
        was_reported
    }
}

impl Metrics {
    /// A hook was refused because nothing could be stored.
    pub fn store_down(&self, now: UnixMillis) {
        *self.store_down_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// When a hook was last refused for that reason.
    #[must_use]
    pub fn store_down_at(&self) -> Option<UnixMillis> {
        *self.store_down_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_an_accident_and_more_are_reported_once_per_increase() {
        let bypass = Bypass::default();
        bypass.found(UnixMillis(20));
        assert_eq!(bypass.take_news(), None);
        // Hooks arrive in between: if only some are refused, that is reported, too.
        assert!(!bypass.hook_came());
        bypass.found(UnixMillis(10));
        assert_eq!(bypass.take_news(), Some(Bypassed { since: UnixMillis(10), answers: 2 }));
        assert_eq!(bypass.take_news(), None, "it was reported already");
        bypass.found(UnixMillis(30));
        assert_eq!(bypass.take_news(), Some(Bypassed { since: UnixMillis(10), answers: 3 }));
        assert!(bypass.hook_came());
        assert!(!bypass.hook_came());
        bypass.found(UnixMillis(40));
        assert_eq!(bypass.take_news(), None, "the count starts again");
    }
}
