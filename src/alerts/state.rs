//! What has been told of what is wrong: conditions and the time in, messages out. Pure.
//!
//! ```text
//!            wrong                wrong for `after`             well for `after`
//!  nothing ────────▶ pending ──────────────────────▶ told ──────────────────────▶ calm ──▶ nothing
//!     ▲                 │                           │    ▲                         │
//!     └──── well ───────┘                           └────┘ reminders               └─ wrong: pending again, and it
//!                                                                                     has to last twice as long
//! ```
//!
//! What comes and goes faster than `after` is never told. What comes back soon after it was over has to last longer
//! each time, so that nobody gets a message whenever something flaps. What another problem explains is not told either;
//! once that one is over, this one has twice the time to end as well before it is told.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::domain::time::UnixMillis;

/// The longest distance between two reminders.
const RAREST: Duration = Duration::from_hours(24 * 7);

/// What can be told: the name of a watch, and what it is about if there are several.
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

/// How it stands with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    Good,
    /// Nobody can tell.
    Unknown,
    /// It is wrong, and something else that is wrong explains it.
    Explained(Wrong),
    Bad(Wrong),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub text: String,
    /// Since when, as far as is known.
    pub since: UnixMillis,
}

/// The present by two clocks. What is waited for is measured by the steady one.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// By the clock that nobody sets within a run.
    pub steady: UnixMillis,
    /// By the clock on the wall, for people.
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
    Told,
    Reminder,
    Resolved,
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub key: Key,
    pub kind: EventKind,
    /// What is wrong and what to do, or what was wrong.
    pub text: String,
    /// Since when it is, or was, wrong.
    pub since: UnixMillis,
    pub at: UnixMillis,
}

/// When something is told.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long something must be wrong, and then well.
    pub after: Duration,
    /// The distance of the first reminder.
    pub remind_after: Duration,
}

impl Rules {
    /// How long something must be wrong or well that has come back so often.
    fn patience(&self, relapses: u32) -> Duration {
        let longest = self.remind_after.max(self.after);
        self.after.saturating_mul(1_u32.checked_shl(relapses).unwrap_or(u32::MAX)).min(longest)
    }

    /// How long after the last message the next reminder comes, after so many of them.
    fn distance(&self, reminders: u32) -> Duration {
        let longest = RAREST.max(self.remind_after);
        self.remind_after.saturating_mul(1_u32.checked_shl(reminders).unwrap_or(u32::MAX)).min(longest)
    }

    /// How long something that is over is not forgotten.
    fn calm(&self, relapses: u32) -> Duration {
        self.remind_after.saturating_add(self.patience(relapses))
    }
}

/// What is open, by what it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(BTreeMap<Key, Incident>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Incident {
    since: UnixMillis,
    text: String,
    /// How often it has come back soon after it was over.
    relapses: u32,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Pending { from: UnixMillis },
    Told { reminders: u32, next_at: UnixMillis, well_since: Option<UnixMillis> },
    Calm { until: UnixMillis },
}

impl State {
    /// What is to be told now. A key without a reading counts as well: nobody watches it any more.
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

    /// Whether the operator was told of it, and not yet that it is over.
    #[must_use]
    pub fn is_told(&self, key: &Key) -> bool {
        self.0.get(key).is_some_and(|incident| matches!(incident.phase, Phase::Told { .. }))
    }

    /// The keys that were told and are not over.
    pub fn told(&self) -> impl Iterator<Item = &Key> {
        self.0.keys().filter(|key| self.is_told(key))
    }
}

impl Incident {
    /// The same by a clock that an earlier run may have had otherwise: nothing is waited for longer than it is due.
    fn at(mut self, now: UnixMillis, rules: &Rules) -> Self {
        match &mut self.phase {
            Phase::Pending { from } => *from = (*from).min(now.plus(rules.after)),
            Phase::Told { reminders, next_at, well_since } => {
                *next_at = (*next_at).min(now.plus(rules.distance(*reminders)));
                *well_since = well_since.map(|since| since.min(now));
            }
            Phase::Calm { until } => *until = (*until).min(now.plus(rules.calm(self.relapses))),
        }
        self
    }

    fn new(wrong: &Wrong, from: UnixMillis) -> Self {
        Self { since: wrong.since, text: wrong.text.clone(), relapses: 0, phase: Phase::Pending { from } }
    }

    /// The trouble came back.
    fn back(self, since: UnixMillis, now: UnixMillis) -> Self {
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
            let is_back = matches!(incident.phase, Phase::Calm { .. });
            worse(if is_back { incident.back(wrong.since, now) } else { incident }, now, rules)
        }
        (Some(incident), Level::Explained(_)) => (Some(explained(incident, now, rules)), None),
        (Some(incident), Level::Good) => better(incident, now, rules),
        (Some(incident), Level::Unknown) => match incident.phase {
            Phase::Calm { until } if now >= until => (None, None),
            Phase::Calm { .. } | Phase::Pending { .. } | Phase::Told { .. } => (Some(incident), None),
        },
    }
}

/// It is wrong, and what explains it is told.
fn explained(mut incident: Incident, now: UnixMillis, rules: &Rules) -> Incident {
    incident.phase = match incident.phase {
        Phase::Pending { .. } => Phase::Pending { from: now.plus(rules.after) },
        Phase::Told { reminders, next_at, .. } => Phase::Told { reminders, next_at, well_since: None },
        Phase::Calm { until } => Phase::Calm { until },
    };
    incident
}

/// It is wrong.
fn worse(mut incident: Incident, now: UnixMillis, rules: &Rules) -> (Option<Incident>, Option<EventKind>) {
    let kind = match incident.phase {
        Phase::Pending { from } if from.until(now) >= rules.patience(incident.relapses) => {
            incident.phase = Phase::Told { reminders: 0, next_at: now.plus(rules.distance(0)), well_since: None };
            Some(EventKind::Told)
        }
        Phase::Told { reminders, next_at, .. } if now >= next_at => {
            let reminders = reminders.saturating_add(1);
            let next_at = now.plus(rules.distance(reminders));
            incident.phase = Phase::Told { reminders, next_at, well_since: None };
            Some(EventKind::Reminder)
        }
        Phase::Told { reminders, next_at, .. } => {
            incident.phase = Phase::Told { reminders, next_at, well_since: None };
            None
        }
        Phase::Pending { .. } | Phase::Calm { .. } => None,
    };
    (Some(incident), kind)
}

/// It is well.
fn better(mut incident: Incident, now: UnixMillis, rules: &Rules) -> (Option<Incident>, Option<EventKind>) {
    match incident.phase {
        Phase::Pending { .. } if incident.relapses == 0 => (None, None),
        // It was not told this time, and is not forgotten yet.
        Phase::Pending { .. } => {
            incident.phase = Phase::Calm { until: now.plus(rules.calm(incident.relapses)) };
            (Some(incident), None)
        }
        Phase::Told { reminders, next_at, well_since } => {
            let since = well_since.unwrap_or(now);
            if since.until(now) >= rules.patience(incident.relapses) {
                incident.phase = Phase::Calm { until: now.plus(rules.calm(incident.relapses)) };
                return (Some(incident), Some(EventKind::Resolved));
            }
            incident.phase = Phase::Told { reminders, next_at, well_since: Some(since) };
            (Some(incident), None)
        }
        Phase::Calm { until } if now >= until => (None, None),
        Phase::Calm { .. } => (Some(incident), None),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
