//! Whether the account accepts edits of customers' messages. The changelog speaks of outgoing messages, the reference
//! of all messages. So telekommo tries, and stops for a day after refusals.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::address::MessageId;

/// Of how many messages in a row an edit is refused until the account is taken to refuse them all. One message may be
/// refused for its own sake, however often it is edited and each edit is tried.
const ENOUGH: usize = 3;
/// After what time it is tried again.
const AGAIN_AFTER: Duration = Duration::from_hours(24);

/// What the account has made of them so far. A restart forgets it.
#[derive(Debug, Default)]
pub struct Edits(Mutex<EditRefusals>);

#[derive(Debug, Default)]
struct EditRefusals {
    /// The messages since the last edit that was taken, each once; [`ENOUGH`] at most.
    of: Vec<MessageId>,
    /// When they became enough.
    enough_at: Option<Instant>,
    /// What the operator says of the account.
    assumed: Option<bool>,
}

impl EditRefusals {
    fn forget(&mut self) {
        *self = Self { assumed: self.assumed, ..Self::default() };
    }

    /// A day after the last trial a new one begins, which counts from nothing.
    fn hold_at(&self, now: Instant) -> bool {
        self.enough_at.is_some_and(|at| now.duration_since(at) < AGAIN_AFTER)
    }
}

impl Edits {
    /// Takes for granted whether the account accepts them; `None` leaves it to what is learnt.
    pub(super) fn assume(&self, accepts: Option<bool>) {
        self.with(|refusals| refusals.assumed = accepts);
    }

    /// Whether one is worth a call.
    #[must_use]
    pub fn may_try(&self, now: Instant) -> bool {
        self.with(|refusals| refusals.assumed.unwrap_or_else(|| !refusals.hold_at(now)))
    }

    /// The account has taken one.
    pub fn taken(&self) {
        self.with(EditRefusals::forget);
    }

    /// It has refused an edit of the message `original`. Returns whether it is taken to refuse all from now on.
    pub fn refused(&self, original: MessageId, now: Instant) -> bool {
        self.with(|refusals| {
            if refusals.hold_at(now) {
                return false;
            }
            if refusals.enough_at.is_some() {
                refusals.forget();
            }
            if !refusals.of.contains(&original) {
                refusals.of.push(original);
            }
            let is_enough = refusals.of.len() >= ENOUGH;
            refusals.enough_at = is_enough.then_some(now);
            is_enough
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut EditRefusals) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::BotId;

    fn message(number: i64) -> MessageId {
        MessageId { bot: BotId(1), chat: 7.into(), message: number, update: None }
    }

    #[test]
    fn it_is_tried_until_it_is_plainly_in_vain_and_again_on_each_day_from_then_on() {
        let (edits, start) = (Edits::default(), Instant::now());
        let after = |hours: u64| start + Duration::from_hours(hours);
        for day in [0, 24, 48] {
            let now = after(day);
            assert_eq!(
                [1, 2, 3].map(|number| (edits.may_try(now), edits.refused(message(number), now))),
                [(true, false), (true, false), (true, true)],
                "{day}"
            );
            assert!(!edits.may_try(now) && !edits.may_try(after(day + 23)) && edits.may_try(after(day + 24)));
            assert!(!edits.refused(message(4), now), "that is known");
        }
        edits.taken();
        assert!(edits.may_try(after(48)));
    }

    #[test]
    fn the_edits_of_one_message_say_nothing_of_others() {
        let (edits, start) = (Edits::default(), Instant::now());
        for _ in 0..9 {
            assert!(!edits.refused(message(1), start) && !edits.refused(message(2), start) && edits.may_try(start));
        }
        assert!(edits.refused(message(3), start) && !edits.may_try(start));
        let tomorrow = start + AGAIN_AFTER;
        for _ in 0..9 {
            assert!(!edits.refused(message(1), tomorrow) && edits.may_try(tomorrow), "nor at the next trial");
        }
    }

    #[test]
    fn what_the_operator_says_holds_whatever_is_learnt() {
        let (edits, now) = (Edits::default(), Instant::now());
        edits.assume(Some(false));
        edits.taken();
        assert!(!edits.may_try(now));
        edits.assume(Some(true));
        for number in 1..=3 {
            edits.refused(message(number), now);
        }
        assert!(edits.may_try(now));
        edits.assume(None);
        assert!(!edits.may_try(now), "three were refused");
    }

    #[test]
    fn one_that_is_taken_ends_the_row() {
        let (edits, now) = (Edits::default(), Instant::now());
        for number in 0..9 {
            assert!(!edits.refused(message(number), now) && !edits.refused(message(-number), now));
            assert!(edits.may_try(now));
            edits.taken();
        }
    }
}
