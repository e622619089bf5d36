//! A log of the exchanges between the bridge and a fake, for the page and the terminal.

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

/// How many exchanges a log keeps.
pub const MAX_EXCHANGES: usize = 500;

/// The number of the next exchange, over all logs of the process, so that two logs can be merged.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// One end of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The Bot API server.
    Telegram,
    /// The program under test.
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

/// A request and its response, without tokens, secrets and signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// A number that increases over the whole process.
    pub n: u64,
    /// When, by the fake's clock.
    pub at_ms: UnixMillis,
    pub from: Party,
    /// The recipient of the request.
    pub to: Party,
    /// A description for people: `sendMessage → chat 777`.
    pub what: String,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    pub ok: bool,
    /// Whether the call itself was kept.
    pub has_call: bool,
}

#[derive(Debug)]
struct Entry {
    exchange: Exchange,
    call: Option<Call>,
}

/// The last [`MAX_EXCHANGES`] exchanges of one fake.
#[derive(Debug)]
pub struct Traffic {
    ring: Shared<VecDeque<Entry>>,
    /// Whether the calls themselves are kept, which takes time and memory.
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

    /// Adds an exchange, with the call itself if calls are kept.
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
            ring.push_back(Entry { exchange, call });
            if ring.len() > MAX_EXCHANGES {
                ring.pop_front();
            }
        });
    }

    /// The kept exchanges, oldest first.
    pub fn all(&self) -> Vec<Exchange> {
        self.since(0)
    }

    /// The kept exchanges with a number above `n`, oldest first.
    pub fn since(&self, n: u64) -> Vec<Exchange> {
        let is_newer = |kept: &&Entry| kept.exchange.n > n;
        self.ring.read(|ring| ring.iter().filter(is_newer).map(|kept| kept.exchange.clone()).collect())
    }

    /// The call of the exchange with this number, if it was kept.
    pub(crate) fn call(&self, n: u64) -> Option<Call> {
        self.ring.read(|ring| ring.iter().find(|kept| kept.exchange.n == n)?.call.clone())
    }

    /// A version that increases with every exchange.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.ring.watch()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_exchanges_are_kept_with_increasing_numbers() {
        let traffic = Traffic::new();
        for i in 0..MAX_EXCHANGES + 3 {
            traffic.add(UnixMillis(0), (Party::Bridge, Party::Kommo), (i.to_string(), Some(200)), || None);
        }
        let all = traffic.all();
        assert_eq!((all.len(), all[0].what.as_str()), (MAX_EXCHANGES, "3"));
        assert!(all.windows(2).all(|pair| pair[0].n < pair[1].n));
        assert_eq!(traffic.since(all[MAX_EXCHANGES - 2].n), all[MAX_EXCHANGES - 1..]);
    }

    #[test]
    fn calls_are_kept_only_on_request() {
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
