//! The state of alerts: conditions and the time in, events out. Pure.
//!
//! ```text
//!            wrong                wrong for `after`             well for `after`
//!  nothing ────────▶ pending ──────────────────────▶ firing ────────────────────▶ calm ──▶ nothing
//!     ▲                 │                           │    ▲                         │
//!     └──── well ───────┘                           └────┘ reminders               └─ wrong: pending again, and it
//!                                                                                     has to last twice as long
//! ```
//! A problem that is over before `after` never fires. One that returns soon has to last longer each time, so that
//! flapping does not cause a flood of messages. A problem that another one explains does not fire either; once that one
//! is over, this one has twice the time to end before it fires.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::domain::time::UnixMillis;

/// The longest interval between reminders.
const MAX_INTERVAL: Duration = Duration::from_hours(24 * 7);

/// The subject of an alert: the name of a watch, and what it concerns if there are several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    #[must_use]
    pub fn new(watch: &str, of: Option<&str>) -> Self {
        Self(of.map_or_else(|| watch.to_owned(), |of| format!("{watch}:{of}")))
    }

    #[must_use]
    pub fn watch(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |(watch, _)| watch)
    }

    #[must_use]
    pub fn of(&self) -> Option<&str> {
        self.0.split_once(':').map(|(_, of)| of)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The condition of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    Good,
    /// Not known.
    Unknown,
    /// There is a problem, and another problem explains it.
    Explained(Wrong),
    Bad(Wrong),
}

/// A problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub text: String,
    /// When it was first seen.
    pub since: UnixMillis,
}

/// The current time by two clocks. Waits are measured by the steady one.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The monotonic clock.
    pub steady: UnixMillis,
    /// The wall clock, for people.
    pub wall: UnixMillis,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub key: Key,
    pub level: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    #[serde(rename = "told")]
    Firing,
    Reminder,
    Resolved,
}

/// An event to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub key: Key,
    pub kind: EventKind,
    /// The problem and advice. For a resolved event: the past problem.
    pub text: String,
    /// When the problem was first seen.
    pub since: UnixMillis,
    pub at: UnixMillis,
}

/// When alerts fire.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long a problem must last, and then be over.
    pub after: Duration,
    /// The interval to the first reminder.
    pub remind_after: Duration,
}

impl Rules {
    /// How long a problem must last or be over that has returned so often.
    fn delay(&self, relapses: u32) -> Duration {
        let longest = self.remind_after.max(self.after);
        self.after.saturating_mul(1_u32.checked_shl(relapses).unwrap_or(u32::MAX)).min(longest)
    }

    /// The interval to the next reminder, after so many of them.
    fn interval(&self, reminders: u32) -> Duration {
        let longest = MAX_INTERVAL.max(self.remind_after);
        self.remind_after.saturating_mul(1_u32.checked_shl(reminders).unwrap_or(u32::MAX)).min(longest)
    }

    /// How long a past problem is remembered.
    fn calm(&self, relapses: u32) -> Duration {
        self.remind_after.saturating_add(self.delay(relapses))
    }
}

/// Open incidents by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(BTreeMap<Key, Incident>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Incident {
    since: UnixMillis,
    text: String,
    /// How often it has returned soon after it was over.
    relapses: u32,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Pending {
        from: UnixMillis,
    },
    #[serde(rename = "told")]
    Firing {
        reminders: u32,
        next_at: UnixMillis,
        well_since: Option<UnixMillis>,
    },
    Calm {
        until: UnixMillis,
    },
}

impl State {
    /// Processes readings, and returns the events to send. A key without a reading counts as good: it is not watched
    /// any more.
    pub fn step(&mut self, readings: &[Reading], now: Now, rules: &Rules) -> Vec<Event> {
        let mut events = Vec::new();
        let unread = self.0.keys().filter(|key| !readings.iter().any(|reading| reading.key == **key));
        let unread: Vec<_> = unread.map(|key| Reading { key: key.clone(), level: Level::Good }).collect();
        for Reading { key, level } in readings.iter().chain(&unread) {
            let before = self.0.remove(key).map(|incident| incident.at(now.steady, rules));
            let (after, kind) = step(before, level, now, rules);
            let Some(incident) = after else { continue };
            events.extend(kind.map(|kind| Event {
                key: key.clone(),
                kind,
                text: incident.text.clone(),
                since: incident.since.min(now.wall),
                at: now.wall,
            }));
            self.0.insert(key.clone(), incident);
        }
        events
    }

    /// Whether a key is firing.
    #[must_use]
    pub fn is_firing(&self, key: &Key) -> bool {
        self.0.get(key).is_some_and(|incident| matches!(incident.phase, Phase::Firing { .. }))
    }

    /// The keys that are firing.
    pub fn firing(&self) -> impl Iterator<Item = &Key> {
        self.0.keys().filter(|key| self.is_firing(key))
    }
}

impl Incident {
    /// Limits deadlines in case an earlier run had another clock: no wait is longer than its rule.
    fn at(mut self, now: UnixMillis, rules: &Rules) -> Self {
        match &mut self.phase {
            Phase::Pending { from } => *from = (*from).min(now.plus(rules.after)),
            Phase::Firing { reminders, next_at, well_since } => {
                *next_at = (*next_at).min(now.plus(rules.interval(*reminders)));
                *well_since = well_since.map(|since| since.min(now));
            }
            Phase::Calm { until } => *until = (*until).min(now.plus(rules.calm(self.relapses))),
        }
        self
    }

    fn new(wrong: &Wrong, from: UnixMillis) -> Self {
        Self { since: wrong.since, text: wrong.text.clone(), relapses: 0, phase: Phase::Pending { from } }
    }

    /// The problem has returned.
    fn relapse(self, since: UnixMillis, now: UnixMillis) -> Self {
        let relapses = self.relapses.saturating_add(1);
        Self { since, relapses, phase: Phase::Pending { from: now }, ..self }
    }
}

fn step(before: Option<Incident>, level: &Level, now: Now, rules: &Rules) -> (Option<Incident>, Option<EventKind>) {
    let now = now.steady;
    match (before, level) {
        (None, Level::Bad(wrong)) => worse(Incident::new(wrong, now), now, rules),
        (None, Level::Explained(wrong)) => (Some(Incident::new(wrong, now.plus(rules.after))), None),
        (None, Level::Good | Level::Unknown) => (None, None),
        (Some(incident), Level::Bad(wrong)) => {
            let incident = Incident { text: wrong.text.clone(), ..incident };
            let has_returned = matches!(incident.phase, Phase::Calm { .. });
            worse(if has_returned { incident.relapse(wrong.since, now) } else { incident }, now, rules)
        }
        (Some(incident), Level::Explained(_)) => (Some(explained(incident, now, rules)), None),
        (Some(incident), Level::Good) => better(incident, now, rules),
        (Some(incident), Level::Unknown) => match incident.phase {
            Phase::Calm { until } if now >= until => (None, None),
            Phase::Calm { .. } | Phase::Pending { .. } | Phase::Firing { .. } => (Some(incident), None),
        },
    }
}

/// There is a problem, and another one explains it.
fn explained(mut incident: Incident, now: UnixMillis, rules: &Rules) -> Incident {
    incident.phase = match incident.phase {
        Phase::Pending { .. } => Phase::Pending { from: now.plus(rules.after) },
        Phase::Firing { reminders, next_at, .. } => Phase::Firing { reminders, next_at, well_since: None },
        Phase::Calm { until } => Phase::Calm { until },
    };
    incident
}

/// There is a problem.
fn worse(mut incident: Incident, now: UnixMillis, rules: &Rules) -> (Option<Incident>, Option<EventKind>) {
    let kind = match incident.phase {
        Phase::Pending { from } if from.until(now) >= rules.delay(incident.relapses) => {
            incident.phase = Phase::Firing { reminders: 0, next_at: now.plus(rules.interval(0)), well_since: None };
            Some(EventKind::Firing)
        }
        Phase::Firing { reminders, next_at, .. } if now >= next_at => {
            let reminders = reminders.saturating_add(1);
            let next_at = now.plus(rules.interval(reminders));
            incident.phase = Phase::Firing { reminders, next_at, well_since: None };
            Some(EventKind::Reminder)
        }
        Phase::Firing { reminders, next_at, .. } => {
            incident.phase = Phase::Firing { reminders, next_at, well_since: None };
            None
        }
        Phase::Pending { .. } | Phase::Calm { .. } => None,
    };
    (Some(incident), kind)
}

/// There is no problem.
fn better(mut incident: Incident, now: UnixMillis, rules: &Rules) -> (Option<Incident>, Option<EventKind>) {
    match incident.phase {
        Phase::Pending { .. } if incident.relapses == 0 => (None, None),
        // It has not fired this time, and is remembered for a while.
        Phase::Pending { .. } => {
            incident.phase = Phase::Calm { until: now.plus(rules.calm(incident.relapses)) };
            (Some(incident), None)
        }
        Phase::Firing { reminders, next_at, well_since } => {
            let since = well_since.unwrap_or(now);
            if since.until(now) >= rules.delay(incident.relapses) {
                incident.phase = Phase::Calm { until: now.plus(rules.calm(incident.relapses)) };
                return (Some(incident), Some(EventKind::Resolved));
            }
            incident.phase = Phase::Firing { reminders, next_at, well_since: Some(since) };
            (Some(incident), None)
        }
        Phase::Calm { until } if now >= until => (None, None),
        Phase::Calm { .. } => (Some(incident), None),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
