//! The messages that failed last, for the operator to look at. No customer's words.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::domain::time::UnixMillis;

/// How many are remembered.
const REMEMBERED: usize = 50;

/// What became of a message that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is tried again.
    Retried,
    /// It waits for a person.
    Parked,
    /// Its author was told.
    Reported,
}

/// A message that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedLately {
    pub at: UnixMillis,
    pub route: String,
    /// The lane of that route.
    pub thread: String,
    /// What its sender calls it.
    pub message_id: Option<String>,
    pub fate: Fate,
    /// How often it has failed.
    pub attempts: u32,
    /// Its number among the parked ones.
    pub parked: Option<u64>,
    pub why: String,
}

/// The last ones, the oldest first. A message that fails again is there once.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<FailedLately>>);

impl Recent {
    pub(super) fn add(&self, failed: FailedLately) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |other: &FailedLately| {
            (&other.route, &other.thread, &other.message_id) == (&failed.route, &failed.thread, &failed.message_id)
        };
        all.retain(|other| !is_same(other));
        if all.len() == REMEMBERED {
            all.pop_front();
        }
        all.push_back(failed);
    }

    /// The last ones, the newest first.
    pub(super) fn newest_first(&self) -> Vec<FailedLately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(message: usize, attempts: u32) -> FailedLately {
        FailedLately {
            at: UnixMillis(0),
            route: "inbound".to_owned(),
            thread: "tg:sales:7".to_owned(),
            message_id: Some(message.to_string()),
            fate: Fate::Retried,
            attempts,
            parked: None,
            why: "500".to_owned(),
        }
    }

    #[test]
    fn the_last_ones_are_remembered_each_once() {
        let recent = Recent::default();
        for message in 0..60 {
            recent.add(failed(message, 1));
        }
        recent.add(failed(30, 2));
        let all = recent.newest_first();
        assert_eq!(all.len(), REMEMBERED);
        assert_eq!((&all[0], &all[1]), (&failed(30, 2), &failed(59, 1)));
        assert_eq!(all.iter().filter(|it| it.message_id.as_deref() == Some("30")).count(), 1);
    }
}
