//! A certificate and its key in files that another program renews.

use std::{
    convert::Infallible,
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    config::PairFiles,
    metrics::{Cause, Metrics},
    tls::{
        pair::{Pair, day},
        served::Served,
    },
};

/// How often the files are checked. They are read once they have not changed between two checks: a renewal writes two
/// files, one after the other.
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// Keeps the served certificate in sync with the files. Clones share it.
#[derive(Clone, Debug)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tls: PairFiles,
    served: Served,
    metrics: Arc<Metrics>,
    /// The files that were read last, valid or not.
    read: Mutex<Stamp>,
    /// A pair that was refused only because it is not valid yet or any more.
    refused: Mutex<Option<Pair>>,
}

/// Identifies the versions of both files: device, inode, size and times.
type Stamp = [Option<[i64; 6]>; 2];

impl Files {
    /// Reads the files at a start.
    ///
    /// # Errors
    /// A sentence that names the key of the configuration, the file and the remedy.
    pub fn open(tls: &PairFiles, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let read = stamp(tls);
        let pair = Pair::read(tls)?;
        tracing::info!(certificate = pair.describe(), "the public listener speaks HTTPS");
        let (served, metrics) = (Served::new(Some(pair)), Arc::clone(metrics));
        Ok(Self(Arc::new(Inner {
            tls: tls.clone(),
            served,
            metrics,
            read: Mutex::new(read),
            refused: Mutex::default(),
        })))
    }

    /// The certificate in force.
    #[must_use]
    pub fn served(&self) -> &Served {
        &self.0.served
    }

    /// Checks the files until `stop`, and puts changed ones into force.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let work = async {
            let mut before = Stamp::default();
            loop {
                sleep(CHECK_EVERY).await;
                let this = self.clone();
                before = spawn_blocking(move || this.check(before)).await.unwrap_or_default();
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    /// Reads the files if they have changed since they were read, and not since `before`.
    fn check(&self, before: Stamp) -> Stamp {
        let now = stamp(&self.0.tls);
        let is_known = *self.0.read.lock().unwrap_or_else(PoisonError::into_inner) == now;
        if before == now && (!is_known || self.is_refused_better()) {
            // The error is logged, and reported as a problem.
            drop(self.reread());
        }
        now
    }

    /// Whether a pair that was refused for its dates is by now better than the one in force.
    fn is_refused_better(&self) -> bool {
        let (now, refused) = (clock::now(), self.0.refused.lock().unwrap_or_else(PoisonError::into_inner));
        let is_better =
            |pair: &Pair| pair.is_current(now) || !self.0.served.pair().is_some_and(|it| it.is_current(now));
        refused.as_ref().is_some_and(is_better)
    }

    /// Reads the files, and puts them into force. If they cannot be used, the previous pair stays in force.
    ///
    /// # Errors
    /// A sentence that names the key of the configuration, the file and the remedy.
    pub fn reread(&self) -> Result<(), String> {
        let Inner { tls, served, metrics, read, refused } = &*self.0;
        let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = None;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        *read = stamp(tls);
        let previous = served.pair().ok_or("there is no certificate")?;
        let (now, kept) = (clock::now(), format!("the one {} stays in force", previous.describe()));
        let pair = Pair::read(tls).and_then(|pair| {
            if pair.is_current(now) || !previous.is_current(now) {
                return Ok(pair);
            }
            let why = format!(
                "server.tls.certificate: the certificate in {} is valid from {} until {}, and not today: renew it",
                tls.certificate.display(),
                day(pair.begins_at()),
                day(pair.ends_at())
            );
            *refused = Some(pair);
            Err(why)
        });
        match pair {
            Ok(pair) => {
                metrics.note(Cause::Tls, None);
                let is_another = pair.certified.cert != previous.certified.cert;
                if is_another {
                    tracing::info!(certificate = pair.describe(), "another certificate is in force");
                }
                served.put(pair);
                Ok(())
            }
            Err(why) => {
                tracing::warn!(why, kept, "the certificate could not be replaced");
                metrics.note(Cause::Tls, Some(format!("{why}. Until then {kept}")));
                Err(why)
            }
        }
    }
}

fn stamp(tls: &PairFiles) -> Stamp {
    let of = |path: &Path| {
        let file = fs::metadata(path).ok()?;
        let size = i64::try_from(file.len()).unwrap_or(i64::MAX);
        let (mtime, ctime) = (file.mtime(), file.ctime_nsec());
        Some([file.dev().cast_signed(), file.ino().cast_signed(), size, mtime, file.mtime_nsec(), ctime])
    };
    [of(&tls.certificate), of(&tls.key)]
}
