//! Files of a certificate and its key, and what is in force of them.

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

/// How often the files are looked at. They are read once they have stayed the same from one look to the next: whoever
/// renews a certificate writes two files, one after the other.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Keeps what is served in step with the files. Clones share it.
#[derive(Clone, Debug)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tls: PairFiles,
    served: Served,
    metrics: Arc<Metrics>,
    /// What was read last, be it good or not.
    read: Mutex<Stamp>,
    /// What was refused for its dates alone.
    early: Mutex<Option<Pair>>,
}

/// What tells that a file is another one: its device, number, size and times.
type Stamp = [Option<[i64; 6]>; 2];

impl Files {
    /// Reads the files at a start.
    ///
    /// # Errors
    /// A sentence that names the key of the configuration, the file and the remedy.
    pub fn open(tls: &PairFiles, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let read = stamp(tls);
        let pair = Pair::read(tls)?;
        tracing::info!(certificate = pair.told(), "the public listener speaks HTTPS");
        let (served, metrics) = (Served::new(Some(pair)), Arc::clone(metrics));
        Ok(Self(Arc::new(Inner { tls: tls.clone(), served, metrics, read: Mutex::new(read), early: Mutex::default() })))
    }

    /// What is in force of them.
    #[must_use]
    pub fn served(&self) -> &Served {
        &self.0.served
    }

    /// Looks at the files until `stop`, and puts what has changed in force.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let work = async {
            let mut before = Stamp::default();
            loop {
                sleep(LOOK_EVERY).await;
                let this = self.clone();
                before = spawn_blocking(move || this.look(before)).await.unwrap_or_default();
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    /// Reads the files if they are others than those that were read, and as they were `before`.
    fn look(&self, before: Stamp) -> Stamp {
        let now = stamp(&self.0.tls);
        let is_known = *self.0.read.lock().unwrap_or_else(PoisonError::into_inner) == now;
        if before == now && (!is_known || self.is_in_time()) {
            // The trouble and the log have what is wrong.
            drop(self.reread());
        }
        now
    }

    /// Whether what was refused for its dates is better than what is in force by now.
    fn is_in_time(&self) -> bool {
        let (now, early) = (clock::now(), self.0.early.lock().unwrap_or_else(PoisonError::into_inner));
        let is_better =
            |pair: &Pair| pair.is_current(now) || !self.0.served.pair().is_some_and(|it| it.is_current(now));
        early.as_ref().is_some_and(is_better)
    }

    /// Reads the files, and puts them in force. What cannot be used leaves the former in force.
    ///
    /// # Errors
    /// A sentence that names the key of the configuration, the file and the remedy.
    pub fn reread(&self) -> Result<(), String> {
        let Inner { tls, served, metrics, read, early } = &*self.0;
        let mut early = early.lock().unwrap_or_else(PoisonError::into_inner);
        *early = None;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        *read = stamp(tls);
        let former = served.pair().ok_or("there is no certificate")?;
        let (now, kept) = (clock::now(), format!("the one {} stays in force", former.told()));
        let pair = Pair::read(tls).and_then(|pair| {
            if pair.is_current(now) || !former.is_current(now) {
                return Ok(pair);
            }
            let why = format!(
                "server.tls.certificate: the certificate in {} is good from {} until {}, and not today: see to it that \
                 it is renewed",
                tls.certificate.display(),
                day(pair.begins_at()),
                day(pair.ends_at())
            );
            *early = Some(pair);
            Err(why)
        });
        match pair {
            Ok(pair) => {
                metrics.note(Cause::Tls, None);
                let is_another = pair.certified.cert != former.certified.cert;
                if is_another {
                    tracing::info!(certificate = pair.told(), "another certificate is in force");
                }
                served.put(pair);
                Ok(())
            }
            Err(why) => {
                tracing::warn!(why, kept, "the certificate cannot be exchanged");
                metrics.note(Cause::Tls, Some(format!("{why}. Until then {kept}")));
                Err(why)
            }
        }
    }
}

fn stamp(tls: &PairFiles) -> Stamp {
    let of = |path: &Path| {
        let it = fs::metadata(path).ok()?;
        let size = i64::try_from(it.len()).unwrap_or(i64::MAX);
        Some([it.dev().cast_signed(), it.ino().cast_signed(), size, it.mtime(), it.mtime_nsec(), it.ctime_nsec()])
    };
    [of(&tls.certificate), of(&tls.key)]
}
