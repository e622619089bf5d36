//! What has to be done from time to time: dumps of the store, and forgetting what is old.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::DateTime;
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    config::Config,
    domain::time::UnixMillis,
    store::{Store, StoreError},
};

/// How often expired rows are removed.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Keeps the store in order.
pub struct Upkeep {
    store: Store,
    dumps: PathBuf,
    dump_every: Duration,
    keep: usize,
}

/// The folder of the dumps.
#[must_use]
pub fn dumps_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("dumps")
}

impl Upkeep {
    /// The upkeep of `store` as configured.
    #[must_use]
    pub fn new(store: &Store, config: &Config) -> Self {
        Self {
            store: store.clone(),
            dumps: dumps_dir(&config.data_dir),
            dump_every: config.store.dump_every,
            keep: usize::try_from(config.store.dump_keep.get()).unwrap_or(usize::MAX),
        }
    }

    /// Works until `stop`.
    ///
    /// # Errors
    /// If the store fails. A dump that cannot be written is logged and tried again at its next time.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        let (mut sweep, mut dump) = (interval(SWEEP_EVERY), interval(self.dump_every));
        dump.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = sweep.tick() => {
                    let removed = self.store.sweep(clock::now()).await?;
                    tracing::debug!(removed, "expired rows removed");
                }
                _ = dump.tick() => self.dump().await,
            }
        }
    }

    async fn dump(&self) {
        let (store, dumps, keep) = (self.store.clone(), self.dumps.clone(), self.keep);
        match spawn_blocking(move || write(&store, &dumps, keep, clock::now())).await {
            Ok(Ok(file)) => tracing::debug!(file = %file.display(), "store dumped"),
            Ok(Err(error)) => tracing::error!(%error, "the store could not be dumped"),
            Err(error) => tracing::error!(%error, "the dump did not end"),
        }
    }
}

fn write(store: &Store, dumps: &Path, keep: usize, now: UnixMillis) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(dumps)?;
    let time = DateTime::from_timestamp_millis(now.0).unwrap_or_default();
    let file = dumps.join(format!("store-{}.jsonl", time.format("%Y%m%dT%H%M%S%3fZ")));
    store.dump(&file)?;
    for old in all(dumps)?.into_iter().rev().skip(keep) {
        fs::remove_file(old)?;
    }
    Ok(file)
}

/// The dumps in a folder, oldest first. Only files that a dump is called count: nothing else is ever removed.
///
/// # Errors
/// If the folder cannot be read.
pub fn all(dumps: &Path) -> io::Result<Vec<PathBuf>> {
    let is_dump = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("store-") && name.ends_with("Z.jsonl")
    };
    let paths = fs::read_dir(dumps)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let mut dumps: Vec<_> = paths.into_iter().filter(is_dump).collect();
    dumps.sort();
    Ok(dumps)
}
