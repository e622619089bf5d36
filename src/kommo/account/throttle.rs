//! Pauses all calls: after a 429 for its `Retry-After`, and for minutes after a 403 that follows one.
//!
//! Kommo responds to too many requests with 429, and if they go on, blocks the address with 403 to everything (Error
//! codes), from a server in front of its API. A 403 of the API itself means a missing right. A 403 without a body may
//! be either, so it counts as a block only after a 429.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::StatusCode;
use tokio::time::Instant;

use crate::kommo::account::RestError;

/// The wait after a first 429 without `Retry-After`. It doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait after a 429.
const MAX_WAIT: Duration = Duration::from_mins(5);
/// The wait after a block, whose duration is not documented.
const BLOCKED_WAIT: Duration = Duration::from_mins(5);

/// Pauses the calls of one bridge.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many 429 there were since the last success of a call that was made after them, and the time of the last.
    refusals: u32,
    refused_at: Option<Instant>,
    pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    shut_out: bool,
}

impl Pause {
    fn error(self, now: Instant) -> RestError {
        RestError::Throttled { after: self.until.saturating_duration_since(now), shut_out: self.shut_out }
    }
}

impl Throttle {
    /// Fails during a pause.
    pub(super) fn check(&self, now: Instant) -> Result<(), RestError> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.pause.filter(|pause| pause.until > now).map_or(Ok(()), |pause| Err(pause.error(now)))
    }

    /// Records the response to a call that began at `started_at`, and whether it is in the API's format. Fails if it
    /// starts a pause.
    pub(super) fn note(
        &self,
        (status, is_api): (StatusCode, bool),
        retry_after: Option<Duration>,
        started_at: Instant,
        now: Instant,
    ) -> Result<(), RestError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (wait, shut_out) = match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = FIRST_WAIT * 2_u32.saturating_pow(state.refusals.min(16));
                state.refusals = state.refusals.saturating_add(1);
                state.refused_at = Some(now);
                (wait.max(retry_after.unwrap_or_default()).min(MAX_WAIT), false)
            }
            StatusCode::FORBIDDEN if state.refusals > 0 && !is_api => {
                // Another 403 after the pause may be about the request, so it must not pause the other calls.
                state.refusals = 0;
                (BLOCKED_WAIT, true)
            }
            status => {
                if status.is_success() && state.refused_at.is_none_or(|at| at <= started_at) {
                    state.refusals = 0;
                }
                return Ok(());
            }
        };
        let until = state.pause.map_or(now + wait, |pause| pause.until.max(now + wait));
        let pause = Pause { until, shut_out };
        state.pause = Some(pause);
        Err(pause.error(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: StatusCode = StatusCode::OK;
    const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

    /// Records the response to a call that begins now. Returns the seconds to wait, and whether the address is blocked.
    fn note(throttle: &Throttle, status: StatusCode, retry_after: Option<u64>, now: Instant) -> Option<(u64, bool)> {
        match throttle.note((status, false), retry_after.map(Duration::from_secs), now, now) {
            Err(RestError::Throttled { after, shut_out }) => Some((after.as_secs(), shut_out)),
            Ok(()) | Err(_) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_pauses_calls_for_its_retry_after() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        assert_eq!(note(&throttle, TOO_MANY, Some(7), start), Some((7, false)));
        assert!(throttle.check(start + Duration::from_secs(6)).is_err());
        assert!(throttle.check(start + Duration::from_secs(7)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_retry_after_the_wait_doubles_until_a_success() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..10 {
            let wait = note(&throttle, TOO_MANY, None, now).unwrap().0;
            waits.push(wait);
            now += Duration::from_secs(wait);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(note(&throttle, OK, None, now), None);
        assert_eq!(note(&throttle, TOO_MANY, None, now), Some((1, false)));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_403_that_follows_a_429_is_a_block() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        assert_eq!(note(&throttle, FORBIDDEN, None, start), None);
        assert!(throttle.check(start).is_ok());
        note(&throttle, TOO_MANY, None, start);
        let later = start + Duration::from_secs(2);
        assert_eq!(note(&throttle, FORBIDDEN, None, later), Some((300, true)));
        assert!(throttle.check(later + Duration::from_secs(299)).is_err());
        let end = later + Duration::from_mins(5);
        assert!(throttle.check(end).is_ok());
        assert_eq!(note(&throttle, FORBIDDEN, None, end), None, "it may be about the request");
        assert!(throttle.check(end).is_ok());
        note(&throttle, TOO_MANY, None, end);
        assert_eq!(note(&throttle, OK, None, end + Duration::from_secs(1)), None);
        assert_eq!(note(&throttle, FORBIDDEN, None, end + Duration::from_secs(2)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_right_is_no_block() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        note(&throttle, TOO_MANY, None, start);
        assert!(throttle.note((FORBIDDEN, true), None, start, start).is_ok());
        assert_eq!(
            note(&throttle, FORBIDDEN, None, start),
            Some((300, true)),
            "it comes from a server in front of the API"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_of_an_earlier_call_does_not_count() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let now = start + Duration::from_secs(1);
        note(&throttle, TOO_MANY, None, now);
        assert!(throttle.note((OK, true), None, start, now).is_ok());
        assert_eq!(note(&throttle, FORBIDDEN, None, now), Some((300, true)));
    }
}
