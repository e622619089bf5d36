//! Totals of messages, for the daily message and the share of failures.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::domain::address::Conversation;

/// Upper bounds of the buckets of answer times, in seconds. The last bucket is unbounded.
const ENDS: [u64; 16] = [15, 30, 60, 120, 180, 300, 480, 720, 1200, 1800, 3600, 7200, 14_400, 28_800, 57_600, 86_400];
/// The most waiting customers that are tracked.
const MAX_WAITING: usize = 10_000;

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Received messages of customers.
    pub received: u64,
    /// Received messages of managers.
    pub answers: u64,
    /// Delivered messages, both directions.
    pub delivered: u64,
    /// Failed messages, both directions.
    pub failed: u64,
    /// Counts of answered customers by waiting time.
    pub answered: [u64; ENDS.len() + 1],
}

impl Totals {
    /// Adds other totals.
    pub fn add(&mut self, more: &Self) {
        self.received += more.received;
        self.answers += more.answers;
        self.delivered += more.delivered;
        self.failed += more.failed;
        for (count, more) in self.answered.iter_mut().zip(more.answered) {
            *count += more;
        }
    }

    /// The difference from earlier totals.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut answered = self.answered;
        for (count, before) in answered.iter_mut().zip(before.answered) {
            *count = count.saturating_sub(before);
        }
        Self {
            received: self.received.saturating_sub(before.received),
            answers: self.answers.saturating_sub(before.answers),
            delivered: self.delivered.saturating_sub(before.delivered),
            failed: self.failed.saturating_sub(before.failed),
            answered,
        }
    }

    /// A customer was answered after so long.
    pub fn answered_after(&mut self, time: Duration) {
        self.answered[ENDS.partition_point(|end| *end < time.as_secs())] += 1;
    }

    /// The median waiting time of answered customers: the middle of its bucket.
    #[must_use]
    pub fn median_answer_time(&self) -> Option<Duration> {
        let all: u64 = self.answered.iter().sum();
        let mut counted = 0;
        let median = self.answered.iter().position(|count| {
            counted += count;
            all > 0 && counted * 2 >= all
        })?;
        let below = if median == 0 { 0 } else { ENDS[median - 1] };
        let end = ENDS.get(median).copied().unwrap_or(below);
        Some(Duration::from_secs(below.midpoint(end)))
    }
}

/// The totals of one bridge, and which customers wait for an answer.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    totals: Totals,
    /// Since when customers wait, by conversation.
    waiting: HashMap<Conversation, Instant>,
}

impl Tally {
    pub(super) fn totals(&self) -> Totals {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).totals
    }

    /// Counts a message of a customer.
    pub(super) fn received(&self, conversation: &Conversation) {
        self.with(|state| {
            state.totals.received += 1;
            if state.waiting.len() < MAX_WAITING || state.waiting.contains_key(conversation) {
                state.waiting.entry(conversation.clone()).or_insert_with(Instant::now);
            }
        });
    }

    /// Counts a message of a manager.
    pub(super) fn asked_to_send(&self) {
        self.with(|state| state.totals.answers += 1);
    }

    /// Counts a customer's message that Kommo has accepted.
    pub(super) fn taken(&self) {
        self.with(|state| state.totals.delivered += 1);
    }

    /// Counts a delivered answer. Returns how long its customer has waited.
    pub(super) fn answered(&self, conversation: &Conversation) -> Option<Duration> {
        self.with(|state| {
            state.totals.delivered += 1;
            let waited = state.waiting.remove(conversation)?.elapsed();
            state.totals.answered_after(waited);
            Some(waited)
        })
    }

    /// Counts failed messages.
    pub(super) fn failed(&self, messages: usize) {
        self.with(|state| state.totals.failed += messages as u64);
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::SourceId;

    #[test]
    fn the_median_is_in_the_bucket_of_the_middle() {
        let mut totals = Totals::default();
        assert_eq!(totals.median_answer_time(), None);
        for seconds in [5, 100, 250, 250, 100_000] {
            totals.answered_after(Duration::from_secs(seconds));
        }
        assert_eq!(totals.median_answer_time(), Some(Duration::from_mins(4)), "between 3 and 5 minutes");
        let before = totals;
        totals.answered_after(Duration::from_secs(1_000_000));
        assert_eq!(totals.since(&before).median_answer_time(), Some(Duration::from_hours(24)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_customer_waits_from_their_first_message_on() {
        let tally = Tally::default();
        let customer = |id: i64| Conversation::new(SourceId::parse("sales").unwrap(), id);
        tally.received(&customer(1));
        tokio::time::advance(Duration::from_secs(150)).await;
        tally.received(&customer(1));
        tokio::time::advance(Duration::from_secs(100)).await;
        tally.answered(&customer(1));
        tally.answered(&customer(1));
        tally.answered(&customer(2));
        let totals = tally.totals();
        assert_eq!((totals.received, totals.delivered), (2, 3));
        assert_eq!(totals.median_answer_time(), Some(Duration::from_mins(4)), "250 seconds, once");
        assert_eq!(totals.answered.iter().sum::<u64>(), 1);
    }
}
