//! The messages that failed last, for the operator. They contain no text of a customer.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::domain::time::UnixMillis;

/// How many are kept.
const MAX_FAILURES: usize = 50;

/// What became of a failed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is retried.
    Retried,
    /// It waits for a person.
    Parked,
    /// Its author has been informed.
    Reported,
}

/// A message that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedLately {
    pub at: UnixMillis,
    pub route: String,
    /// The lane on that route.
    pub thread: String,
    /// Its id at its origin.
    pub message_id: Option<String>,
    pub fate: Fate,
    /// How often it has failed.
    pub attempts: u32,
    /// Its id if it is parked.
    pub parked: Option<u64>,
    pub why: String,
}

/// The last failures, the oldest first. A message that fails again is listed once.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<FailedLately>>);

impl Recent {
    pub(super) fn add(&self, failed: FailedLately) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |other: &FailedLately| {
            (&other.route, &other.thread, &other.message_id) == (&failed.route, &failed.thread, &failed.message_id)
        };
        all.retain(|other| !is_same(other));
        if all.len() == MAX_FAILURES {
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
    fn the_last_failures_are_kept_each_once() {
        let recent = Recent::default();
        for message in 0..60 {
            recent.add(failed(message, 1));
        }
        recent.add(failed(30, 2));
        let all = recent.newest_first();
        assert_eq!(all.len(), MAX_FAILURES);
        assert_eq!((&all[0], &all[1]), (&failed(30, 2), &failed(59, 1)));
        assert_eq!(all.iter().filter(|it| it.message_id.as_deref() == Some("30")).count(), 1);
    }
}
