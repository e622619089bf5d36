//! Metrics of messages.

use std::time::Duration;

use crate::{
    clock,
    domain::{
        address::{Conversation, SourceId},
        time::UnixMillis,
    },
    metrics::{FailedLately, Hour, Metrics, Totals, figures::labels},
};

/// Below this age the time of arrival is more precise than that of writing: Telegram sends whole seconds.
const COARSE: Duration = Duration::from_secs(2);
/// The label in place of a missing source.
const NO_SOURCE: &str = "none";

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To Kommo.
    Inbound,
    /// To a customer.
    Outbound,
}

/// When a delivered message was written, received, and delivered.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryTimes {
    /// By the clock of its origin.
    pub written_at: Option<UnixMillis>,
    pub came_at: UnixMillis,
    pub arrived_at: UnixMillis,
}

impl Direction {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

impl DeliveryTimes {
    /// The time from writing to delivery. A message written after it was received was dated by another clock.
    pub(super) fn took(self) -> Duration {
        let is_earlier = |at: &UnixMillis| at.until(self.came_at) >= COARSE;
        self.written_at.filter(is_earlier).unwrap_or(self.came_at).until(self.arrived_at)
    }
}

/// The name of a kind of message in metrics.
pub(super) fn kind_label(kind: &str) -> String {
    kind.replace(' ', "_")
}

impl Metrics {
    /// Counts a received message of a customer.
    pub fn customer_wrote(&self, conversation: &Conversation, kind: &str) {
        self.tally.received(conversation);
        self.hours.received(Direction::Inbound, clock::now());
        self.message(Some(&conversation.source), Direction::Inbound, kind, "received");
    }

    /// Counts a received message of a manager, for the bot of this source if it is known.
    pub fn manager_wrote(&self, source: Option<&SourceId>, kind: &str) {
        self.tally.asked_to_send();
        self.hours.received(Direction::Outbound, clock::now());
        self.message(source, Direction::Outbound, kind, "received");
    }

    /// Counts a message that Kommo has accepted.
    pub fn reached_kommo(&self, source: &SourceId, kind: &str, times: DeliveryTimes) {
        self.tally.taken();
        self.message(Some(source), Direction::Inbound, kind, "delivered");
        self.delivered(source, Direction::Inbound, times);
    }

    /// Counts an answer that was delivered to its customer.
    pub fn reached_customer(&self, conversation: &Conversation, kind: &str, times: DeliveryTimes) {
        let source = &conversation.source;
        if let Some(waited) = self.tally.answered(conversation) {
            let waits = self.figures.answer_seconds.get_or_create(&labels([("source", source.as_str())]));
            waits.observe(waited.as_secs_f64());
        }
        self.message(Some(source), Direction::Outbound, kind, "delivered");
        self.delivered(source, Direction::Outbound, times);
    }

    /// Counts messages that were given up: they need a person, or their author has been informed.
    pub fn given_up(&self, source: Option<&SourceId>, direction: Direction, messages: usize, needs_person: bool) {
        self.tally.failed(messages);
        self.hours.failed(direction, messages, clock::now());
        let outcome = if needs_person { "parked" } else { "reported" };
        let source = source.map_or(NO_SOURCE, SourceId::as_str);
        let of = labels([("source", source), ("direction", direction.name()), ("outcome", outcome)]);
        self.figures.failed_messages.get_or_create(&of).inc_by(messages as u64);
    }

    fn message(&self, source: Option<&SourceId>, direction: Direction, kind: &str, outcome: &str) {
        let (source, kind) = (source.map_or(NO_SOURCE, SourceId::as_str), kind_label(kind));
        let of = [("source", source), ("direction", direction.name()), ("kind", kind.as_str()), ("outcome", outcome)];
        self.figures.messages.get_or_create(&labels(of)).inc();
    }

    fn delivered(&self, source: &SourceId, direction: Direction, times: DeliveryTimes) {
        self.hours.delivered(direction, times);
        let of = labels([("source", source.as_str()), ("direction", direction.name())]);
        self.figures.delivery_seconds.get_or_create(&of).observe(times.took().as_secs_f64());
    }

    /// The messages of the last day by the hour, the oldest first, as far as this run has counted them.
    #[must_use]
    pub fn last_day(&self, now: UnixMillis) -> Vec<Hour> {
        self.hours.last_day(now)
    }

    /// Records a failed message.
    pub fn failed_lately(&self, failed: FailedLately) {
        self.recent.add(failed);
    }

    /// The messages that failed last, the newest first.
    #[must_use]
    pub fn recent_failures(&self) -> Vec<FailedLately> {
        self.recent.newest_first()
    }

    /// Totals since the start.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.tally.totals()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_begins_at_the_writing_unless_that_is_less_precise() {
        let times = |written_at: Option<i64>, came_at, arrived_at| DeliveryTimes {
            written_at: written_at.map(UnixMillis),
            came_at: UnixMillis(came_at),
            arrived_at: UnixMillis(arrived_at),
        };
        for (written_at, came_at, arrived_at, took) in [
            (None, 1000, 1300, 300),
            (Some(0), 1900, 2000, 100),
            (Some(0), 60_000, 61_000, 61_000),
            (Some(90_000), 60_000, 61_000, 1000),
            (Some(0), 60_000, 50_000, 50_000),
        ] {
            let times = times(written_at, came_at, arrived_at);
            assert_eq!(times.took(), Duration::from_millis(took), "{times:?}");
        }
    }
}
