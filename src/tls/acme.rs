//! A certificate by ACME (RFC 8555): ordered at a start without one, and again when a third of its lifetime is left.
//! The authority validates the name by a TLS handshake with the public listener (TLS-ALPN-01, RFC 8737), so no other
//! port is needed. The data directory stores the account, the certificate with its key, and the last attempt, so that
//! restarts do not exceed the authority's rate limits.

mod http;
mod order;
mod storage;

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
        acme::storage::{Attempts, Storage},
        pair::Pair,
        served::Served,
    },
};

/// The waits after consecutive failures; the last one repeats. Let's Encrypt allows five failures per name and hour.
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
/// Time limit of one order.
const ORDER_TIMEOUT: Duration = Duration::from_mins(5);
/// The least time between orders, or a tenth of the certificate's lifetime if that is shorter.
const MIN_INTERVAL: Duration = Duration::from_hours(24);
/// The longest sleep: somebody may set the clock.
const MAX_SLEEP: Duration = Duration::from_hours(1);

/// Keeps a certificate of an authority current. Clones share it.
#[derive(Clone, Debug)]
pub struct Renewal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    acme: Acme,
    storage: Storage,
    served: Served,
    metrics: Arc<Metrics>,
    attempts: Mutex<Attempts>,
}

impl Renewal {
    /// Loads the certificate from the data directory, if there is one.
    ///
    /// # Errors
    /// If the data directory cannot be used, or its files cannot be read; the sentence says what to do.
    pub fn open(acme: &Acme, data_dir: &Path, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let storage = Storage::open(data_dir, acme)?;
        let (pair, attempts) = (storage.pair()?, storage.attempts());
        let this = Self(Arc::new(Inner {
            acme: acme.clone(),
            storage,
            served: Served::new(pair),
            metrics: Arc::clone(metrics),
            attempts: Mutex::new(attempts),
        }));
        this.log();
        this.report();
        Ok(this)
    }

    /// The certificate in force.
    #[must_use]
    pub fn served(&self) -> &Served {
        &self.0.served
    }

    /// Obtains and renews the certificate until `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let work = async {
            loop {
                let (now, due) = (clock::now(), self.due());
                if due <= now {
                    self.renew().await;
                } else {
                    let next = self.overdue_at().filter(|at| *at > now).map_or(due, |at| at.min(due));
                    sleep(now.until(next).min(MAX_SLEEP)).await;
                    self.report();
                }
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    fn due(&self) -> UnixMillis {
        due(self.served().pair().as_deref(), &self.attempts(), clock::now())
    }

    fn attempts(&self) -> Attempts {
        self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn save(&self, attempts: Attempts) -> Result<(), String> {
        let saved = self.0.storage.save_attempts(&attempts);
        *self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner) = attempts;
        saved
    }

    async fn renew(&self) {
        let before = self.attempts();
        let started = Attempts { failures: before.failures.saturating_add(1), last_at: Some(clock::now()), ..before };
        // Saved before it begins: a crash in the middle counts as an attempt.
        let outcome = match self.save(started.clone()) {
            Ok(()) => timeout(ORDER_TIMEOUT, self.order())
                .await
                .unwrap_or_else(|_| Err(format!("{} took too long", self.0.acme.directory))),
            Err(why) => Err(why),
        };
        let attempts = match outcome {
            Ok(()) => Attempts { last_at: Some(clock::now()), ..Attempts::default() },
            Err(why) => Attempts { why: Some(why), ..started },
        };
        if let Err(why) = self.save(attempts) {
            tracing::warn!(why, "the attempt for a certificate could not be recorded");
        }
        self.log();
        self.report();
    }

    async fn order(&self) -> Result<(), String> {
        let Inner { acme, storage, served, .. } = &*self.0;
        let text = order::certificate(acme, storage, served).await?;
        let pair = storage.save_pair(&text)?;
        served.put(pair);
        Ok(())
    }

    /// When a failed renewal becomes a problem. Before that, the authority may be down for a while.
    fn overdue_at(&self) -> Option<UnixMillis> {
        self.served().pair().map(|pair| pair.ends_at().minus(lifetime(&pair) / 4))
    }

    /// The problem, if there is one.
    fn problem(&self) -> Option<String> {
        let (pair, attempts, host) = (self.served().pair(), self.attempts(), &self.0.acme.host);
        match (&pair, &attempts.why) {
            (None, None) => Some(format!(
                "there is no certificate for {host} yet, and the public listener refuses all connections: one is being \
                 ordered at {}",
                self.0.acme.directory
            )),
            (_, Some(why)) => {
                let until = match &pair {
                    Some(pair) => format!("the one {} stays in force", pair.describe()),
                    None => "the public listener refuses all connections".to_owned(),
                };
                let next = minute(self.due());
                Some(format!(
                    "no certificate could be obtained for {host}: {why}. The next attempt is at {next}; until \
                        then {until}"
                ))
            }
            (Some(_), None) => None,
        }
    }

    fn log(&self) {
        match (self.served().pair(), self.problem()) {
            (_, Some(why)) => tracing::warn!(why, "no new certificate could be obtained for the public listener"),
            (Some(pair), None) => tracing::info!(certificate = pair.describe(), "the public listener speaks HTTPS"),
            (None, None) => {}
        }
    }

    fn report(&self) {
        let is_early = self.overdue_at().is_some_and(|at| clock::now() < at);
        self.0.metrics.note(Cause::Tls, self.problem().filter(|_| !is_early));
    }
}

/// The stored certificate, and why the last attempt failed, read without a running bridge.
///
/// # Errors
/// If the certificate cannot be read.
pub(super) fn inspect_stored(acme: &Acme, data_dir: &Path) -> Result<(Option<Pair>, Option<String>), String> {
    let storage = Storage::of(data_dir, acme);
    Ok((storage.pair()?, storage.attempts().why))
}

/// When the next certificate is due. An attempt dated later than `now` was dated by a wrong clock, and delays nothing.
fn due(pair: Option<&Pair>, attempts: &Attempts, now: UnixMillis) -> UnixMillis {
    let lifetime = pair.map_or(Duration::ZERO, lifetime);
    let renewed_at = pair.map_or(UnixMillis(0), |pair| pair.ends_at().minus(lifetime / 3));
    let Some(last_at) = attempts.last_at.filter(|at| *at <= now) else { return renewed_at };
    let wait = match attempts.failures.checked_sub(1) {
        Some(failed) => WAITS[usize::try_from(failed).unwrap_or(usize::MAX).min(WAITS.len() - 1)],
        // A certificate that seems due again at once, for instance by a wrong clock, is not ordered again and again.
        None => (lifetime / 10).min(MIN_INTERVAL),
    };
    renewed_at.max(last_at.plus(wait))
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
