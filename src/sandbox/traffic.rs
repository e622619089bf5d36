//! What went over the wire between the bridge and a fake, for the page and the console.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use serde::Serialize;
use tokio::sync::watch;

use crate::{
    domain::time::UnixMillis,
    sandbox::{calls::Call, shared::Shared},
};

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
    /// Whether the call itself can be looked at.
    pub has_call: bool,
}

#[derive(Debug)]
struct Kept {
    exchange: Exchange,
    call: Option<Call>,
}

/// The last [`REMEMBERED`] exchanges of one fake.
#[derive(Debug)]
pub struct Traffic {
    ring: Shared<VecDeque<Kept>>,
    /// Whether anybody looks at the calls themselves: they take time and memory.
    keeps_calls: AtomicBool,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self { ring: Shared::new(VecDeque::new()), keeps_calls: AtomicBool::new(false) }
    }

    /// Keeps the calls themselves from now on.
    pub(crate) fn keep_calls(&self) {
        self.keeps_calls.store(true, Ordering::Relaxed);
    }

    pub(crate) fn keeps_calls(&self) -> bool {
        self.keeps_calls.load(Ordering::Relaxed)
    }

    /// Writes one exchange down, with the call itself if calls are kept.
    pub(crate) fn add(
        &self,
        at_ms: UnixMillis,
        (from, to): (Party, Party),
        (what, status): (String, Option<u16>),
        call: impl FnOnce() -> Option<Call>,
    ) {
        let ok = status.is_some_and(|status| (200..300).contains(&status));
        let call = if self.keeps_calls() { call() } else { None };
        self.ring.change(|ring| {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let exchange = Exchange { n, at_ms, from, to, what, status, ok, has_call: call.is_some() };
            ring.push_back(Kept { exchange, call });
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
        let is_newer = |kept: &&Kept| kept.exchange.n > n;
        self.ring.look(|ring| ring.iter().filter(is_newer).map(|kept| kept.exchange.clone()).collect())
    }

    /// The call of the exchange with this number, if it is remembered.
    pub(crate) fn call(&self, n: u64) -> Option<Call> {
        self.ring.look(|ring| ring.iter().find(|kept| kept.exchange.n == n)?.call.clone())
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
            traffic.add(UnixMillis(0), (Party::Bridge, Party::Kommo), (i.to_string(), Some(200)), || None);
        }
        let all = traffic.all();
        assert_eq!((all.len(), all[0].what.as_str()), (REMEMBERED, "3"));
        assert!(all.windows(2).all(|pair| pair[0].n < pair[1].n));
        assert_eq!(traffic.since(all[REMEMBERED - 2].n), all[REMEMBERED - 1..]);
    }

    #[test]
    fn calls_are_kept_once_somebody_looks() {
        let traffic = Traffic::new();
        let add = || {
            let call = || Some(Call::new("GET /", "", None));
            traffic.add(UnixMillis(0), (Party::Bridge, Party::Kommo), (String::new(), Some(200)), call);
            traffic.all().pop().unwrap()
        };
        let before = add();
        assert!(!before.has_call && traffic.call(before.n).is_none());
        traffic.keep_calls();
        let after = add();
        assert!(after.has_call && traffic.call(after.n).is_some() && traffic.call(after.n + 1).is_none());
    }

    #[test]
    fn no_answer_is_not_a_success() {
        let traffic = Traffic::new();
        for (status, ok) in [(Some(204), true), (Some(404), false), (None, false)] {
            traffic.add(UnixMillis(0), (Party::Kommo, Party::Bridge), (String::new(), status), || None);
            assert_eq!(traffic.all().last().map(|exchange| exchange.ok), Some(ok));
        }
    }
}
