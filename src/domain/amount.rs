//! Numbers and times, in plain English.

use std::time::Duration;

use crate::domain::time::UnixMillis;

/// The units of time, in seconds, the largest first.
const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];

/// A number of things, with an "s" behind `one` unless the number is 1.
#[must_use]
pub fn counted(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A span of time in its two largest units: "1 day", "6 days 23 hours".
#[must_use]
pub fn duration_in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let largest = UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(UNITS.len() - 1);
    let (mut left, mut words) = (seconds, Vec::new());
    for (unit, name) in UNITS.iter().skip(largest).take(2) {
        let count = left / unit;
        left %= unit;
        if count > 0 || (words.is_empty() && *unit == 1) {
            words.push(counted(usize::try_from(count).unwrap_or(usize::MAX), name));
        }
    }
    words.join(" ")
}

/// When something will be, after a wait: "in 5 seconds".
#[must_use]
pub fn soon(wait: Duration) -> String {
    if wait.as_secs() == 0 { "at once".to_owned() } else { format!("in {}", duration_in_words(wait)) }
}

/// How long ago something was, in the largest unit.
#[must_use]
pub fn age(at: UnixMillis, now: UnixMillis) -> String {
    let seconds = at.until(now).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        86_400.. => format!("{}d", seconds / 86_400),
    }
}

/// The age with "ago": "3h ago".
#[must_use]
pub fn ago(at: UnixMillis, now: UnixMillis) -> String {
    format!("{} ago", age(at, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "message")), ["0 messages", "1 message", "2 messages"]);
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute 30 seconds"),
            (3600, "1 hour"),
            (3601, "1 hour"),
            (86_400, "1 day"),
            (90_000, "1 day 1 hour"),
            (601_200, "6 days 23 hours"),
            (604_799, "6 days 23 hours"),
        ] {
            assert_eq!(duration_in_words(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_wait_that_is_none_is_at_once() {
        assert_eq!([0, 834, 5400].map(|ms| soon(Duration::from_millis(ms))), ["at once", "at once", "in 5 seconds"]);
    }

    #[test]
    fn ages_have_the_largest_unit() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (86_399, "23h"), (8_640_000, "100d")]
        {
            assert_eq!(age(NOW.minus(Duration::from_secs(seconds)), NOW), text);
        }
        assert_eq!(age(NOW.plus(Duration::from_hours(1)), NOW), "0s", "a clock that was ahead");
        assert_eq!(ago(NOW.minus(Duration::from_mins(5)), NOW), "5m ago");
    }
}
