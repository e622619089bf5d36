//! Learns whether the account accepts edits of customers' messages. The changelog names outgoing messages, the
//! reference all messages. So telekommo tries, and stops for a day after refusals.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::address::MessageId;

/// After refused edits of this many messages in a row, the account counts as refusing all. Each message counts once,
/// because its edits may be refused for a reason of its own.
const REFUSALS_TO_STOP: usize = 3;
/// After this time, edits are tried again.
const RETRY_AFTER: Duration = Duration::from_hours(24);

/// What was learnt so far. A restart forgets it.
#[derive(Debug, Default)]
pub struct Edits(Mutex<EditRefusals>);

#[derive(Debug, Default)]
struct EditRefusals {
    /// The messages whose edits were refused since the last accepted edit; [`REFUSALS_TO_STOP`] at most.
    messages: Vec<MessageId>,
    /// When edits were stopped.
    stopped_at: Option<Instant>,
    /// The operator's assumption.
    assumed: Option<bool>,
}

impl EditRefusals {
    fn forget(&mut self) {
        *self = Self { assumed: self.assumed, ..Self::default() };
    }

    /// Whether edits are stopped. After a day the count starts anew.
    fn is_stopped(&self, now: Instant) -> bool {
        self.stopped_at.is_some_and(|at| now.duration_since(at) < RETRY_AFTER)
    }
}

impl Edits {
    /// Sets the operator's assumption; with `None` only what was learnt counts.
    pub(super) fn assume(&self, accepts: Option<bool>) {
        self.with(|refusals| refusals.assumed = accepts);
    }

    /// Whether to try an edit.
    #[must_use]
    pub fn may_try(&self, now: Instant) -> bool {
        self.with(|refusals| refusals.assumed.unwrap_or_else(|| !refusals.is_stopped(now)))
    }

    /// The account has accepted an edit.
    pub fn taken(&self) {
        self.with(EditRefusals::forget);
    }

    /// The account has refused an edit of the message `original`. Returns whether this stops edits.
    pub fn refused(&self, original: MessageId, now: Instant) -> bool {
        self.with(|refusals| {
            if refusals.is_stopped(now) {
                return false;
            }
            if refusals.stopped_at.is_some() {
                refusals.forget();
            }
            if !refusals.messages.contains(&original) {
                refusals.messages.push(original);
            }
            let stops = refusals.messages.len() >= REFUSALS_TO_STOP;
            refusals.stopped_at = stops.then_some(now);
            stops
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut EditRefusals) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
    fn edits_stop_after_three_refusals_and_are_tried_again_each_day() {
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
            assert!(!edits.refused(message(4), now), "it has stopped already");
        }
        edits.taken();
        assert!(edits.may_try(after(48)));
    }

    #[test]
    fn edits_of_one_message_do_not_affect_others() {
        let (edits, start) = (Edits::default(), Instant::now());
        for _ in 0..9 {
            assert!(!edits.refused(message(1), start) && !edits.refused(message(2), start) && edits.may_try(start));
        }
        assert!(edits.refused(message(3), start) && !edits.may_try(start));
        let tomorrow = start + RETRY_AFTER;
        for _ in 0..9 {
            assert!(!edits.refused(message(1), tomorrow) && edits.may_try(tomorrow), "nor at the next trial");
        }
    }

    #[test]
    fn the_operators_assumption_takes_precedence() {
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
    fn an_accepted_edit_resets_the_count() {
        let (edits, now) = (Edits::default(), Instant::now());
        for number in 0..9 {
            assert!(!edits.refused(message(number), now) && !edits.refused(message(-number), now));
            assert!(edits.may_try(now));
            edits.taken();
        }
    }
}
