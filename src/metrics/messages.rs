//! What becomes of messages.

use std::time::Duration;

use crate::{
    clock,
    domain::{
        address::{Conversation, SourceId},
        time::UnixMillis,
    },
    metrics::{FailedLately, Hour, Metrics, Totals, figures::labels},
};

/// From when on the time when a message was written says more than when it came: Telegram tells whole seconds.
const COARSE: Duration = Duration::from_secs(2);
/// What stands in place of a source where there is none.
const NO_SOURCE: &str = "none";

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To Kommo.
    Inbound,
    /// To a customer.
    Outbound,
}

/// When a message that has arrived was written, came, and arrived.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryTimes {
    /// By the clock of the side that it came from.
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
    /// How long it took from the writing to the arrival. What was written after it came was written by another clock.
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
    /// Counts a message of a customer that has come.
    pub fn customer_wrote(&self, conversation: &Conversation, kind: &str) {
        self.tally.received(conversation);
        self.hours.received(Direction::Inbound, clock::now());
        self.message(Some(&conversation.source), Direction::Inbound, kind, "received");
    }

    /// Counts a message of a manager that has come, for the bot of this source if it is known.
    pub fn manager_wrote(&self, source: Option<&SourceId>, kind: &str) {
        self.tally.asked_to_send();
        self.hours.received(Direction::Outbound, clock::now());
        self.message(source, Direction::Outbound, kind, "received");
    }

    /// Counts a message that Kommo has.
    pub fn reached_kommo(&self, source: &SourceId, kind: &str, way: DeliveryTimes) {
        self.tally.taken();
        self.message(Some(source), Direction::Inbound, kind, "delivered");
        self.delivered(source, Direction::Inbound, way);
    }

    /// Counts an answer that its customer has.
    pub fn reached_customer(&self, conversation: &Conversation, kind: &str, way: DeliveryTimes) {
        let source = &conversation.source;
        if let Some(waited) = self.tally.answered(conversation) {
            let waits = self.figures.answer_seconds.get_or_create(&labels([("source", source.as_str())]));
            waits.observe(waited.as_secs_f64());
        }
        self.message(Some(source), Direction::Outbound, kind, "delivered");
        self.delivered(source, Direction::Outbound, way);
    }

    /// Counts messages that are given up: they need a person, or their author was told.
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

    fn delivered(&self, source: &SourceId, direction: Direction, way: DeliveryTimes) {
        self.hours.delivered(direction, way);
        let of = labels([("source", source.as_str()), ("direction", direction.name())]);
        self.figures.delivery_seconds.get_or_create(&of).observe(way.took().as_secs_f64());
    }

    /// What became of the messages of the last day by the hour, the oldest first, as far as this run has seen them.
    #[must_use]
    pub fn last_day(&self, now: UnixMillis) -> Vec<Hour> {
        self.hours.last_day(now)
    }

    /// Remembers a message that has failed.
    pub fn failed_lately(&self, failed: FailedLately) {
        self.recent.add(failed);
    }

    /// The messages that failed last, the newest first.
    #[must_use]
    pub fn recent_failures(&self) -> Vec<FailedLately> {
        self.recent.newest_first()
    }

    /// How many messages there were since the start.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.tally.totals()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_old_as_it_was_written_unless_that_says_less() {
        let way = |written_at: Option<i64>, came_at, arrived_at| DeliveryTimes {
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
            let way = way(written_at, came_at, arrived_at);
            assert_eq!(way.took(), Duration::from_millis(took), "{way:?}");
        }
    }
}
