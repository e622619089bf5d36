//! Kommo's time, from the `Date` of its answers.
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

/// How far two clocks may differ. Kommo takes no signature that is further from its own time.
pub const TOLERANCE: Duration = Duration::from_mins(15);

/// Kommo's time. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct KommoTime(Arc<Mutex<Option<(UnixMillis, Instant)>>>);

impl KommoTime {
    /// Takes note of an answer that has just come.
    pub fn hear(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        if let Some(date) = date {
            self.set(UnixMillis::from_seconds(date.timestamp()));
        }
    }

    fn set(&self, at: UnixMillis) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, Instant::now()));
    }

    /// What time it is there, or a little later: what a machine sleeps is not counted. `None` before the first answer.
    #[must_use]
    pub fn now(&self) -> Option<UnixMillis> {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.map(|(at, heard_at)| at.plus(heard_at.elapsed()))
    }

    /// What is wrong with a clock that says `now`, if it is too far from Kommo's.
    #[must_use]
    pub fn objection(&self, now: UnixMillis) -> Option<String> {
        let theirs = self.now()?;
        let (by, which) = match (theirs.until(now), now.until(theirs)) {
            (ahead, _) if ahead > TOLERANCE => (ahead, "ahead of"),
            (_, behind) if behind > TOLERANCE => (behind, "behind"),
            _ => return None,
        };
        let by = duration_in_words(Duration::from_secs((by.as_secs() + 30) / 60 * 60));
        Some(format!("this machine's clock is {by} {which} Kommo's: set it, for instance by a time server"))
    }

    /// The earlier of both times: what has passed by it has passed for both.
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
    async fn the_date_of_an_answer_goes_on_from_there() {
        let time = KommoTime::default();
        let mut headers = HeaderMap::new();
        for nonsense in ["", "yesterday"] {
            headers.insert(header::DATE, nonsense.parse().unwrap());
            time.hear(&headers);
            assert_eq!((time.now(), time.objection(NOW)), (None, None), "{nonsense:?}");
        }
        headers.insert(header::DATE, "Fri, 15 Jan 2027 08:00:00 GMT".parse().unwrap());
        time.hear(&headers);
        assert_eq!(time.now(), Some(NOW));
        tokio::time::advance(Duration::from_mins(5)).await;
        assert_eq!(time.now(), Some(NOW.plus(Duration::from_mins(5))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_may_differ_by_as_much_as_a_signature() {
        let time = KommoTime::default();
        time.set(NOW);
        let days = Duration::from_hours(24 * 3);
        for (ours, objection) in [
            (NOW.plus(TOLERANCE), None),
            (NOW.minus(TOLERANCE), None),
            (NOW.plus(days), Some("3 days ahead of Kommo's")),
            (NOW.minus(days), Some("3 days behind Kommo's")),
        ] {
            let told = time.objection(ours);
            assert_eq!(told.is_some(), objection.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(objection.unwrap_or_default()));
        }
        assert_eq!(time.confirmed(NOW.plus(days)), NOW);
        assert_eq!(time.confirmed(NOW.minus(days)), NOW.minus(days));
    }
}
