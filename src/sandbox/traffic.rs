//! What went over the wire between the bridge and a fake, for the page and the console.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::Serialize;
use tokio::sync::watch;

use crate::{domain::time::UnixMillis, sandbox::shared::Shared};

/// How many exchanges a log remembers.
pub const REMEMBERED: usize = 500;

/// The number of the next exchange, counted over all logs of the process: two logs merge by it.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// One end of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The Bot API server.
    Telegram,
    /// The program under trial.
    Bridge,
    /// The Chats API server.
    Kommo,
}

impl Party {
    /// The name to show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Telegram => "Telegram",
            Self::Bridge => "bridge",
            Self::Kommo => "Kommo",
        }
    }
}

/// A request and how it was answered. Never holds a token, a secret or a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Counts up over the whole process.
    pub n: u64,
    /// When, by the fake's clock.
    pub at_ms: UnixMillis,
    pub from: Party,
    /// Who was given it.
    pub to: Party,
    /// What it was, for a person: `sendMessage → chat 777`.
    pub what: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    pub ok: bool,
}

/// The last [`REMEMBERED`] exchanges of one fake.
#[derive(Debug)]
pub struct Traffic {
    ring: Shared<VecDeque<Exchange>>,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self { ring: Shared::new(VecDeque::new()) }
    }

    /// Writes one exchange down.
    pub(crate) fn add(&self, at_ms: UnixMillis, (from, to): (Party, Party), what: String, status: Option<u16>) {
        let ok = status.is_some_and(|status| (200..300).contains(&status));
        self.ring.change(|ring| {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            ring.push_back(Exchange { n, at_ms, from, to, what, status, ok });
            if ring.len() > REMEMBERED {
                ring.pop_front();
            }
        });
    }

    /// The remembered exchanges, oldest first.
    pub fn all(&self) -> Vec<Exchange> {
        self.since(0)
    }

    /// The remembered exchanges whose number is above `n`, oldest first.
    pub fn since(&self, n: u64) -> Vec<Exchange> {
        self.ring.look(|ring| ring.iter().filter(|exchange| exchange.n > n).cloned().collect())
    }

    /// A version that counts up with every exchange.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.ring.watch()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_last_ones_and_numbers_them_upwards() {
        let traffic = Traffic::new();
        for i in 0..REMEMBERED + 3 {
            traffic.add(UnixMillis(0), (Party::Bridge, Party::Kommo), i.to_string(), Some(200));
        }
        let all = traffic.all();
        assert_eq!((all.len(), all[0].what.as_str()), (REMEMBERED, "3"));
        assert!(all.windows(2).all(|pair| pair[0].n < pair[1].n));
        assert_eq!(traffic.since(all[REMEMBERED - 2].n), all[REMEMBERED - 1..]);
    }

    #[test]
    fn no_answer_is_not_a_success() {
        let traffic = Traffic::new();
        for (status, ok) in [(Some(204), true), (Some(404), false), (None, false)] {
            traffic.add(UnixMillis(0), (Party::Kommo, Party::Bridge), String::new(), status);
            assert_eq!(traffic.all().last().map(|exchange| exchange.ok), Some(ok));
        }
    }
}
