//! Counts of messages in each hour of the last day. Kept in memory, in a few kilobytes at most. A restart begins anew.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    domain::time::UnixMillis,
    metrics::messages::{DeliveryTimes, Direction},
};

/// How many hours are kept, with the current one.
pub(super) const HOURS: i64 = 24;
const HOUR_SECONDS: i64 = 3600;

/// Upper bounds of the buckets of delays, in milliseconds: from 10 ms to a day, each a quarter above the previous one.
const ENDS: [u64; BUCKETS] = ends();
const BUCKETS: usize = 73;

const fn ends() -> [u64; BUCKETS] {
    let mut ends = [10; BUCKETS];
    let mut at = 1;
    while at < ends.len() {
        ends[at] = ends[at - 1] * 5 / 4 + 1;
        at += 1;
    }
    ends
}

/// Counts of messages in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    pub received: u64,
    pub delivered: u64,
    pub failed: u64,
    /// Counts by delay.
    delays: [u32; BUCKETS + 1],
}

impl Default for Passed {
    fn default() -> Self {
        Self { received: 0, delivered: 0, failed: 0, delays: [0; BUCKETS + 1] }
    }
}

impl Passed {
    fn add_delivered(&mut self, time: Duration) {
        self.delivered += 1;
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.delays[ENDS.partition_point(|end| *end < millis)] += 1;
    }

    /// Adds other counts.
    pub fn add(&mut self, more: &Self) {
        self.received += more.received;
        self.delivered += more.delivered;
        self.failed += more.failed;
        for (count, more) in self.delays.iter_mut().zip(more.delays) {
            *count += more;
        }
    }

    /// The time within which that share of the messages arrived, at most a quarter too long; `None` if none did.
    #[must_use]
    pub fn within(&self, percent: u64) -> Option<Duration> {
        let all: u64 = self.delays.iter().map(|count| u64::from(*count)).sum();
        let mut counted = 0;
        let bucket = self.delays.iter().position(|count| {
            counted += u64::from(*count);
            all > 0 && counted * 100 >= all * percent
        })?;
        Some(Duration::from_millis(ENDS.get(bucket).copied().unwrap_or(ENDS[ENDS.len() - 1])))
    }
}

/// Counts of messages in one hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// When it began.
    pub since: UnixMillis,
    pub inbound: Passed,
    pub outbound: Passed,
}

/// The hours by their number since 1970.
#[derive(Debug, Default)]
pub(super) struct Hours(Mutex<BTreeMap<i64, Hour>>);

impl Hours {
    pub(super) fn received(&self, direction: Direction, now: UnixMillis) {
        self.with(direction, now, |passed| passed.received += 1);
    }

    pub(super) fn delivered(&self, direction: Direction, times: DeliveryTimes) {
        self.with(direction, times.arrived_at, |passed| passed.add_delivered(times.took()));
    }

    pub(super) fn failed(&self, direction: Direction, messages: usize, now: UnixMillis) {
        self.with(direction, now, |passed| passed.failed += messages as u64);
    }

    /// The last day by the hour, the oldest first, with empty hours.
    pub(super) fn last_day(&self, now: UnixMillis) -> Vec<Hour> {
        let hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = |number: i64| {
            let since = UnixMillis::from_seconds(number * HOUR_SECONDS);
            Hour { since, ..hours.get(&number).cloned().unwrap_or_default() }
        };
        window(number_of(now)).map(hour).collect()
    }

    fn with(&self, direction: Direction, now: UnixMillis, act: impl FnOnce(&mut Passed)) {
        let (mut hours, number) = (self.0.lock().unwrap_or_else(PoisonError::into_inner), number_of(now));
        // This also drops hours that a wrong clock has added.
        hours.retain(|other, _| window(number).contains(other));
        let hour = hours.entry(number).or_default();
        act(match direction {
            Direction::Inbound => &mut hour.inbound,
            Direction::Outbound => &mut hour.outbound,
        });
    }
}

const fn number_of(now: UnixMillis) -> i64 {
    now.seconds() / HOUR_SECONDS
}

const fn window(number: i64) -> std::ops::RangeInclusive<i64> {
    number - HOURS + 1..=number
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

    #[test]
    fn only_the_last_day_is_kept() {
        let (hours, hour) = (Hours::default(), Duration::from_hours(1));
        for ago in 0..100 {
            hours.received(Direction::Inbound, NOW.plus(hour * 99).minus(hour * (99 - ago)));
        }
        let now = NOW.plus(hour * 99);
        hours.failed(Direction::Outbound, 3, now);
        hours.delivered(Direction::Outbound, DeliveryTimes { written_at: None, came_at: now, arrived_at: now });
        let day = hours.last_day(now);
        assert_eq!((day.len(), hours.0.lock().unwrap().len()), (24, 24));
        assert!(day.iter().all(|hour| hour.inbound.received == 1));
        assert_eq!((day[23].outbound.failed, day[22].outbound.failed), (3, 0));
        assert_eq!((day[23].outbound.delivered, day[23].inbound.delivered), (1, 0));
        assert_eq!(day[23].since.until(now), Duration::from_millis(u64::try_from(now.0 % 3_600_000).unwrap()));
        assert_eq!(day[0].since.until(day[23].since), hour * 23);
    }

    #[test]
    fn a_clock_that_is_set_back_leaves_nothing_in_the_future() {
        let hours = Hours::default();
        hours.received(Direction::Inbound, NOW.plus(Duration::from_hours(1000)));
        hours.received(Direction::Inbound, NOW);
        assert_eq!(hours.0.lock().unwrap().len(), 1);
        assert_eq!(hours.last_day(NOW)[23].inbound.received, 1);
    }

    #[test]
    fn percentiles_are_the_upper_bounds_of_their_buckets() {
        let mut passed = Passed::default();
        assert_eq!(passed.within(50), None);
        let millis = |passed: &Passed, percent| u64::try_from(passed.within(percent).unwrap().as_millis()).unwrap();
        for _ in 0..98 {
            passed.add_delivered(Duration::from_millis(400));
        }
        passed.add_delivered(Duration::from_secs(30));
        passed.add_delivered(Duration::from_hours(1000));
        assert!((400..500).contains(&millis(&passed, 50)), "{}", millis(&passed, 50));
        assert!((30_000..37_500).contains(&millis(&passed, 99)), "{}", millis(&passed, 99));
        assert!(passed.within(100).unwrap() > Duration::from_hours(24), "there is no end above that");
        let mut twice = passed.clone();
        twice.add(&passed);
        assert_eq!((twice.delivered, twice.within(50)), (200, passed.within(50)));
    }
}
