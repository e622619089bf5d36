//! A certificate by ACME (RFC 8555): asked for at a start without one, and again when a third of its time is left.
//!
//! The authority proves that the name leads here by a TLS handshake of its own with the public listener (TLS-ALPN-01,
//! RFC 8737), so no other port is needed. Everything that is kept is in the data directory: the account, the
//! certificate with its key, and when it was tried last, so that restarts ask no more often than the authority allows.

mod http;
mod order;
mod shelf;

use std::{
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::DateTime;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    config::Acme,
    domain::time::UnixMillis,
    metrics::{Cause, Metrics},
    tls::{
        acme::shelf::{Shelf, Tries},
        pair::Pair,
        served::Served,
    },
};

/// How long to wait after each failure, one after the other; the last one repeats. Let's Encrypt allows five failures
/// of a name within an hour.
const WAITS: [Duration; 8] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(8),
];
/// How long one order may take.
const ORDERED_WITHIN: Duration = Duration::from_mins(5);
/// How long a certificate is left in force at least, or for a tenth of its time.
const LEAST_BETWEEN: Duration = Duration::from_hours(24);
/// How long to sleep at most: somebody may set the clock.
const LONGEST_SLEEP: Duration = Duration::from_hours(1);

/// Keeps a certificate of an authority in force. Clones share it.
#[derive(Clone, Debug)]
pub struct Renewal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    acme: Acme,
    shelf: Shelf,
    served: Served,
    metrics: Arc<Metrics>,
    tries: Mutex<Tries>,
}

impl Renewal {
    /// Takes what is in the data directory, be it nothing.
    ///
    /// # Errors
    /// If the data directory cannot be used, or what is in it cannot be read; the sentence says what to do.
    pub fn open(acme: &Acme, data_dir: &Path, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let shelf = Shelf::open(data_dir, acme)?;
        let (pair, tries) = (shelf.pair()?, shelf.tries());
        let this = Self(Arc::new(Inner {
            acme: acme.clone(),
            shelf,
            served: Served::new(pair),
            metrics: Arc::clone(metrics),
            tries: Mutex::new(tries),
        }));
        this.log();
        this.note();
        Ok(this)
    }

    /// What is in force.
    #[must_use]
    pub fn served(&self) -> &Served {
        &self.0.served
    }

    /// Gets and renews the certificate until `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let work = async {
            loop {
                let (now, due) = (clock::now(), self.due());
                if due <= now {
                    self.renew().await;
                } else {
                    let next = self.worrying_at().filter(|at| *at > now).map_or(due, |at| at.min(due));
                    sleep(now.until(next).min(LONGEST_SLEEP)).await;
                    self.note();
                }
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    fn due(&self) -> UnixMillis {
        due(self.served().pair().as_deref(), &self.tries(), clock::now())
    }

    fn tries(&self) -> Tries {
        self.0.tries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, tries: Tries) -> Result<(), String> {
        let kept = self.0.shelf.keep_tries(&tries);
        *self.0.tries.lock().unwrap_or_else(PoisonError::into_inner) = tries;
        kept
    }

    async fn renew(&self) {
        let before = self.tries();
        let under_way = Tries { failures: before.failures.saturating_add(1), tried_at: Some(clock::now()), ..before };
        // Kept before it begins: a crash in the middle counts as a try.
        let outcome = match self.keep(under_way.clone()) {
            Ok(()) => timeout(ORDERED_WITHIN, self.order())
                .await
                .unwrap_or_else(|_| Err(format!("{} took too long", self.0.acme.directory))),
            Err(why) => Err(why),
        };
        let tries = match outcome {
            Ok(()) => Tries { tried_at: Some(clock::now()), ..Tries::default() },
            Err(why) => Tries { why: Some(why), ..under_way },
        };
        if let Err(why) = self.keep(tries) {
            tracing::warn!(why, "what was tried for the certificate is not kept");
        }
        self.log();
        self.note();
    }

    async fn order(&self) -> Result<(), String> {
        let Inner { acme, shelf, served, .. } = &*self.0;
        let text = order::certificate(acme, shelf, served).await?;
        let pair = shelf.keep_pair(&text)?;
        served.put(pair);
        Ok(())
    }

    /// From when on it is a worry that no certificate came in place of the one in force. Before that, an authority may
    /// be away for a while.
    fn worrying_at(&self) -> Option<UnixMillis> {
        self.served().pair().map(|pair| pair.ends_at().minus(lifetime(&pair) / 4))
    }

    /// What is wrong, if anything is.
    fn why(&self) -> Option<String> {
        let (pair, tries, host) = (self.served().pair(), self.tries(), &self.0.acme.host);
        match (&pair, &tries.why) {
            (None, None) => Some(format!(
                "there is no certificate for {host} yet, and the public listener refuses everybody: one is asked for at {}",
                self.0.acme.directory
            )),
            (_, Some(why)) => {
                let until = match &pair {
                    Some(pair) => format!("the one {} stays in force", pair.told()),
                    None => "the public listener refuses everybody".to_owned(),
                };
                let next = minute(self.due());
                Some(format!("no certificate for {host} came: {why}. The next try is at {next}; until then {until}"))
            }
            (Some(_), None) => None,
        }
    }

    fn log(&self) {
        match (self.served().pair(), self.why()) {
            (_, Some(why)) => tracing::warn!(why, "the public listener has not the certificate that it should have"),
            (Some(pair), None) => tracing::info!(certificate = pair.told(), "the public listener speaks HTTPS"),
            (None, None) => {}
        }
    }

    /// Shows how it stands.
    fn note(&self) {
        let is_early = self.worrying_at().is_some_and(|at| clock::now() < at);
        self.0.metrics.note(Cause::Tls, self.why().filter(|_| !is_early));
    }
}

/// What is there of a certificate by ACME, without a bridge: the certificate, and why the last try failed.
///
/// # Errors
/// If what is there cannot be read.
pub(super) fn kept(acme: &Acme, data_dir: &Path) -> Result<(Option<Pair>, Option<String>), String> {
    let shelf = Shelf::of(data_dir, acme);
    Ok((shelf.pair()?, shelf.tries().why))
}

/// When the next certificate is asked for. A try that is dated later than `now` was dated by a clock that was wrong,
/// and delays nothing.
fn due(pair: Option<&Pair>, tries: &Tries, now: UnixMillis) -> UnixMillis {
    let lifetime = pair.map_or(Duration::ZERO, lifetime);
    let renewed_at = pair.map_or(UnixMillis(0), |pair| pair.ends_at().minus(lifetime / 3));
    let Some(tried_at) = tries.tried_at.filter(|at| *at <= now) else { return renewed_at };
    let wait = match tries.failures.checked_sub(1) {
        Some(failed) => WAITS[usize::try_from(failed).unwrap_or(usize::MAX).min(WAITS.len() - 1)],
        // One that seems to be due at once, as by a wrong clock, is not asked for again and again.
        None => (lifetime / 10).min(LEAST_BETWEEN),
    };
    renewed_at.max(tried_at.plus(wait))
}

fn lifetime(pair: &Pair) -> Duration {
    pair.begins_at().until(pair.ends_at())
}

fn minute(at: UnixMillis) -> String {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
#[path = "acme_tests.rs"]
mod tests;
