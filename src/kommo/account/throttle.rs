//! Pauses of all calls: after a 429 for as long as it asks, and for minutes after a 403 that follows one.
//!
//! Kommo answers whoever asks too often with 429, and whoever goes on with 403 to everything (Error codes), from a
//! server in front of its API. A 403 of the API itself means a missing right. A 403 without any words may be either:
//! what came before it decides.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::StatusCode;
use tokio::time::Instant;

use crate::kommo::account::RestError;

/// The wait after a first 429 that names none. It doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait after a 429.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// The wait after being shut out. How long that lasts is not documented.
const SHUT_OUT: Duration = Duration::from_mins(5);

/// Holds back the calls of one bridge.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many 429 came since the last good answer to a call made after them, and when the last did.
    refusals: u32,
    refused_at: Option<Instant>,
    held: Option<Pause>,
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
    /// Whether a call may be made.
    pub(super) fn check(&self, now: Instant) -> Result<(), RestError> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.held.filter(|held| held.until > now).map_or(Ok(()), |held| Err(held.error(now)))
    }

    /// Takes note of an answer to a call that began at `started_at`, whether in the API's own shape or not, and says
    /// whether it was one too many.
    pub(super) fn note(
        &self,
        (status, is_of_the_api): (StatusCode, bool),
        asked: Option<Duration>,
        started_at: Instant,
        now: Instant,
    ) -> Result<(), RestError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (wait, shut_out) = match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let own = FIRST_WAIT * 2_u32.saturating_pow(state.refusals.min(16));
                state.refusals = state.refusals.saturating_add(1);
                state.refused_at = Some(now);
                (own.max(asked.unwrap_or_default()).min(LONGEST_WAIT), false)
            }
            StatusCode::FORBIDDEN if state.refusals > 0 && !is_of_the_api => {
                // That is atoned for by waiting. Another 403 after it may be about what is asked: it must not hold up
                // the rest.
                state.refusals = 0;
                (SHUT_OUT, true)
            }
            status => {
                if status.is_success() && state.refused_at.is_none_or(|at| at <= started_at) {
                    state.refusals = 0;
                }
                return Ok(());
            }
        };
        let until = state.held.map_or(now + wait, |held| held.until.max(now + wait));
        let held = Pause { until, shut_out };
        state.held = Some(held);
        Err(held.error(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: StatusCode = StatusCode::OK;
    const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

    /// An answer to a call that was made at once; gives the seconds to wait, and whether we are shut out.
    fn answered(throttle: &Throttle, status: StatusCode, asked: Option<u64>, now: Instant) -> Option<(u64, bool)> {
        match throttle.note((status, false), asked.map(Duration::from_secs), now, now) {
            Err(RestError::Throttled { after, shut_out }) => Some((after.as_secs(), shut_out)),
            Ok(()) | Err(_) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_429_nothing_is_asked_for_as_long_as_it_says() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        assert_eq!(answered(&throttle, TOO_MANY, Some(7), start), Some((7, false)));
        assert!(throttle.check(start + Duration::from_secs(6)).is_err());
        assert!(throttle.check(start + Duration::from_secs(7)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_wait_the_own_one_doubles_until_an_answer_is_good() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..10 {
            let wait = answered(&throttle, TOO_MANY, None, now).unwrap().0;
            waits.push(wait);
            now += Duration::from_secs(wait);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(answered(&throttle, OK, None, now), None);
        assert_eq!(answered(&throttle, TOO_MANY, None, now), Some((1, false)));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_403_that_follows_a_429_shuts_us_out() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        assert_eq!(answered(&throttle, FORBIDDEN, None, start), None);
        assert!(throttle.check(start).is_ok());
        answered(&throttle, TOO_MANY, None, start);
        let later = start + Duration::from_secs(2);
        assert_eq!(answered(&throttle, FORBIDDEN, None, later), Some((300, true)));
        assert!(throttle.check(later + Duration::from_secs(299)).is_err());
        let end = later + Duration::from_mins(5);
        assert!(throttle.check(end).is_ok());
        assert_eq!(answered(&throttle, FORBIDDEN, None, end), None, "it may be about what is asked");
        assert!(throttle.check(end).is_ok());
        answered(&throttle, TOO_MANY, None, end);
        assert_eq!(answered(&throttle, OK, None, end + Duration::from_secs(1)), None);
        assert_eq!(answered(&throttle, FORBIDDEN, None, end + Duration::from_secs(2)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_that_is_missing_shuts_nobody_out() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        answered(&throttle, TOO_MANY, None, start);
        assert!(throttle.note((FORBIDDEN, true), None, start, start).is_ok());
        assert_eq!(answered(&throttle, FORBIDDEN, None, start), Some((300, true)), "a server before the API speaks");
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_answer_to_an_earlier_call_proves_nothing() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let now = start + Duration::from_secs(1);
        answered(&throttle, TOO_MANY, None, now);
        assert!(throttle.note((OK, true), None, start, now).is_ok());
        assert_eq!(answered(&throttle, FORBIDDEN, None, now), Some((300, true)));
    }
}
