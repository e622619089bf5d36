//! Whether the account takes new wordings of what customers wrote. The changelog speaks of outgoing messages, the reference of
//! all: so it is tried, and not for ever in vain.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// After how many refusals in a row the account is taken to refuse them all. One may be about its message alone.
const ENOUGH: u32 = 3;
/// After what time it is tried again.
const AGAIN_AFTER: Duration = Duration::from_hours(24);

/// What the account has made of them so far. A restart forgets it.
#[derive(Debug, Default)]
pub struct Edits(Mutex<Refusals>);

#[derive(Clone, Copy, Debug, Default)]
struct Refusals {
    in_a_row: u32,
    last_at: Option<Instant>,
}

impl Edits {
    /// Whether one is worth a call.
    #[must_use]
    pub fn may_try(&self, now: Instant) -> bool {
        let Refusals { in_a_row, last_at } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        in_a_row < ENOUGH || last_at.is_none_or(|at| now.duration_since(at) >= AGAIN_AFTER)
    }

    /// The account has taken one.
    pub fn taken(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Refusals::default();
    }

    /// It has refused one. Tells whether it is now taken to refuse all.
    pub fn refused(&self, now: Instant) -> bool {
        let mut refusals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals = Refusals { in_a_row: refusals.in_a_row.saturating_add(1), last_at: Some(now) };
        refusals.in_a_row == ENOUGH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_until_it_is_plainly_in_vain_and_once_a_day_from_then_on() {
        let (edits, start) = (Edits::default(), Instant::now());
        let after = |hours: u64| start + Duration::from_hours(hours);
        assert_eq!(
            [1, 2, 3].map(|_| (edits.may_try(start), edits.refused(start))),
            [(true, false), (true, false), (true, true)]
        );
        assert!(!edits.may_try(start) && !edits.may_try(after(23)) && edits.may_try(after(24)));
        assert!(!edits.refused(after(24)), "that is known");
        assert!(!edits.may_try(after(47)) && edits.may_try(after(48)));
        edits.taken();
        assert!(edits.may_try(after(24)));
    }

    #[test]
    fn one_that_is_taken_ends_the_row() {
        let (edits, now) = (Edits::default(), Instant::now());
        for _ in 0..9 {
            assert!(!edits.refused(now) && !edits.refused(now) && edits.may_try(now));
            edits.taken();
        }
    }
}
