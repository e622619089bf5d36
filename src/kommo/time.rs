//! Kommo's time, from the `Date` of its responses.
//!
//! This machine's clock may be wrong: a board without a battery boots with the time of its last stop, and a time server
//! corrects it later. Kommo's time shows that.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::DateTime;
use reqwest::header::{self, HeaderMap};
use tokio::time::Instant;

use crate::domain::{amount::duration_in_words, time::UnixMillis};

/// How far the clocks may differ. Kommo refuses signatures whose date is further from its own time.
pub const TOLERANCE: Duration = Duration::from_mins(15);

/// Kommo's time. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct KommoTime(Arc<Mutex<Option<(UnixMillis, Instant)>>>);

impl KommoTime {
    /// Records the date of a response that has just arrived.
    pub fn note_date(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        if let Some(date) = date {
            self.set(UnixMillis::from_seconds(date.timestamp()));
        }
    }

    fn set(&self, at: UnixMillis) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, Instant::now()));
    }

    /// Kommo's time, which may be too early after this machine was suspended. `None` before the first response.
    #[must_use]
    pub fn now(&self) -> Option<UnixMillis> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.map(|(at, noted_at)| at.plus(noted_at.elapsed()))
    }

    /// What is wrong with a clock that shows `now`, if it differs too much from Kommo's.
    #[must_use]
    pub fn objection(&self, now: UnixMillis) -> Option<String> {
        let theirs = self.now()?;
        let (difference, direction) = match (theirs.until(now), now.until(theirs)) {
            (ahead, _) if ahead > TOLERANCE => (ahead, "ahead of"),
            (_, behind) if behind > TOLERANCE => (behind, "behind"),
            _ => return None,
        };
        let difference = duration_in_words(Duration::from_secs((difference.as_secs() + 30) / 60 * 60));
        Some(format!("this machine's clock is {difference} {direction} Kommo's: set it, for instance by a time server"))
    }

    /// The earlier of both times. What is past by it is past by both clocks.
    #[must_use]
    pub fn confirmed(&self, now: UnixMillis) -> UnixMillis {
        self.now().map_or(now, |theirs| theirs.min(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[tokio::test(start_paused = true)]
    async fn time_continues_from_the_date_of_a_response() {
        let time = KommoTime::default();
        let mut headers = HeaderMap::new();
        for nonsense in ["", "yesterday"] {
            headers.insert(header::DATE, nonsense.parse().unwrap());
            time.note_date(&headers);
            assert_eq!((time.now(), time.objection(NOW)), (None, None), "{nonsense:?}");
        }
        headers.insert(header::DATE, "Fri, 15 Jan 2027 08:00:00 GMT".parse().unwrap());
        time.note_date(&headers);
        assert_eq!(time.now(), Some(NOW));
        tokio::time::advance(Duration::from_mins(5)).await;
        assert_eq!(time.now(), Some(NOW.plus(Duration::from_mins(5))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_may_differ_by_the_tolerance() {
        let time = KommoTime::default();
        time.set(NOW);
        let days = Duration::from_hours(24 * 3);
        for (ours, objection) in [
            (NOW.plus(TOLERANCE), None),
            (NOW.minus(TOLERANCE), None),
            (NOW.plus(days), Some("3 days ahead of Kommo's")),
            (NOW.minus(days), Some("3 days behind Kommo's")),
        ] {
            let text = time.objection(ours);
            assert_eq!(text.is_some(), objection.is_some(), "{text:?}");
            assert!(text.unwrap_or_default().contains(objection.unwrap_or_default()));
        }
        assert_eq!(time.confirmed(NOW.plus(days)), NOW);
        assert_eq!(time.confirmed(NOW.minus(days)), NOW.minus(days));
    }
}
