//! The daily line. Pure.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::{
    alerts::alert_message::shown,
    domain::{
        amount::{counted, duration_in_words},
        time::UnixMillis,
    },
    metrics::Totals,
};

/// Totals since the last line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Day {
    /// When counting began.
    since: Option<UnixMillis>,
    /// The day of the last line.
    last_on: Option<NaiveDate>,
    totals: Totals,
}

impl Day {
    /// Adds totals.
    pub fn add(&mut self, more: &Totals, now: UnixMillis) {
        self.since.get_or_insert(now);
        self.totals.add(more);
    }

    /// Whether the line is due by local time. The first one is not sent before its time has come once.
    pub fn is_due(&mut self, at: NaiveTime, now: NaiveDateTime) -> bool {
        let today = now.date();
        let is_time = now.time() >= at;
        let last_on =
            *self.last_on.get_or_insert_with(|| if is_time { today } else { today.pred_opt().unwrap_or(today) });
        // A clock that was set back must not suppress it for long.
        is_time && last_on < today || last_on > today.succ_opt().unwrap_or(today)
    }

    /// Takes the line, and starts counting again.
    pub fn line(&mut self, (waiting, parked): (usize, usize), today: NaiveDate, now: UnixMillis) -> String {
        let Totals { received, answers, delivered, failed, .. } = self.totals;
        let since = shown(self.since.unwrap_or(now));
        let messages = |number: u64| counted(usize::try_from(number).unwrap_or(usize::MAX), "message");
        let median = self.totals.median_answer_time().map_or_else(
            || "No customer who wrote was answered".to_owned(),
            |median| format!("The median time until a customer was answered is {}", approximate(median)),
        );
        let line = format!(
            "Since {since}: received {} of customers and {} of managers. Delivered {delivered}, failed {failed}, \
             waiting {waiting}, parked {parked}. {median}.",
            messages(received),
            messages(answers),
        );
        *self = Self { since: Some(now), last_on: Some(today), totals: Totals::default() };
        line
    }
}

/// A time that is known only by its bucket.
fn approximate(time: Duration) -> String {
    let seconds = time.as_secs();
    let rounded = if seconds < 120 { seconds } else { seconds / 60 * 60 };
    format!("about {}", duration_in_words(Duration::from_secs(rounded)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn nine() -> NaiveTime {
        NaiveTime::from_hms_opt(9, 0, 0).unwrap()
    }

    fn date(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 3, day).unwrap()
    }

    fn at(day: u32, hour: u32) -> NaiveDateTime {
        date(day).and_hms_opt(hour, 30, 0).unwrap()
    }

    #[test]
    fn the_line_is_due_once_a_day_from_its_time_on() {
        let mut day = Day::default();
        assert!(!day.is_due(nine(), at(1, 12)), "the first day has not been counted");
        assert!(!day.is_due(nine(), at(1, 23)) && !day.is_due(nine(), at(2, 8)));
        assert!(day.is_due(nine(), at(2, 9)));
        day.line((0, 0), date(2), NOW);
        assert!(!day.is_due(nine(), at(2, 9)) && !day.is_due(nine(), at(3, 8)));
        assert!(day.is_due(nine(), at(3, 17)), "the bridge was down at nine");
        let mut early = Day::default();
        assert!(!early.is_due(nine(), at(1, 7)) && early.is_due(nine(), at(1, 9)));
    }

    #[test]
    fn a_clock_that_was_far_ahead_does_not_suppress_it() {
        let mut day = Day::default();
        day.line((0, 0), date(20), NOW);
        assert!(day.is_due(nine(), at(2, 10)));
        day.line((0, 0), date(2), NOW);
        assert!(!day.is_due(nine(), at(2, 11)) && day.is_due(nine(), at(3, 11)));
    }

    #[test]
    fn the_line_has_the_totals_and_resets_them() {
        let mut day = Day::default();
        let mut totals = Totals { received: 2, answers: 1, delivered: 2, failed: 1, ..Totals::default() };
        totals.answered_after(Duration::from_mins(4));
        day.add(&totals, NOW);
        day.add(&Totals { received: 1, ..Totals::default() }, NOW);
        let line = day.line((3, 1), date(2), NOW);
        let want = format!(
            "Since {}: received 3 messages of customers and 1 message of managers. Delivered 2, failed 1, waiting 3, \
             parked 1. The median time until a customer was answered is about ",
            shown(NOW)
        );
        assert!(line.starts_with(&want), "{line}");
        assert!(day.line((0, 0), date(3), NOW).contains("0 messages of customers"));
    }
}
