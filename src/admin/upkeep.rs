//! Periodic work: dumps of the store, and removal of what has expired.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval, interval_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{
        forgetting::Forgetting,
        retention::{self, Retention},
    },
    clock,
    config::Config,
    domain::time::UnixMillis,
    kommo::time::KommoTime,
    metrics::{Cause, Metrics},
    store::{Bounds, Store, StoreError, data_dir, dumps, durable},
};

/// How often expired rows are removed.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// How often the index of expiries is compacted.
const PACK_EVERY: Duration = Duration::from_hours(24);

/// Held while a dump is written: periodic dumps and those for backups come from different tasks, and both number and
/// remove files.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Keeps the store in order.
pub struct Upkeep {
    store: Store,
    dumps: PathBuf,
    dump_every: Duration,
    kept: Kept,
    retention: Retention,
    /// How long updates are kept for programs.
    keep_updates: Duration,
    kommo: KommoTime,
    /// Where failed dumps are reported.
    metrics: Arc<Metrics>,
}

impl Upkeep {
    /// The upkeep of `store` as configured. Nothing is forgotten before its time has come by Kommo's clock too.
    #[must_use]
    pub fn new(store: &Store, config: &Config, kommo: KommoTime, metrics: Arc<Metrics>) -> Self {
        Self {
            store: store.clone(),
            dumps: dumps::dir(&config.data_dir),
            dump_every: config.store.dump_every,
            kept: Kept::of(config),
            retention: Retention::of(config),
            keep_updates: config.gateway.keep,
            kommo,
            metrics,
        }
    }

    /// Works until `stop`.
    ///
    /// # Errors
    /// If the store fails. A dump that cannot be written is logged and tried again at its next time.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        let work = async {
            let (mut sweep, mut forgetting) = (interval(SWEEP_EVERY), Forgetting::new(self.kommo.clone()));
            let mut pack = interval(PACK_EVERY);
            // Not at the start: a bridge that restarts again and again would replace every good dump.
            let mut dump = interval_at(Instant::now() + self.dump_every, self.dump_every);
            dump.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = sweep.tick() => {
                        let until = forgetting.until(&self.store, clock::now())?;
                        let removed = self.store.sweep(until).await?;
                        tracing::debug!(removed, "expired rows removed");
                        self.bound_kept(until).await?;
                    }
                    _ = pack.tick() => {
                        self.store.pack_expiries().await?;
                        self.tidy(forgetting.until(&self.store, clock::now())?).await;
                    }
                    _ = dump.tick() => self.dump().await,
                }
            }
        };
        stop.run_until_cancelled(work).await.unwrap_or(Ok(()))
    }

    /// Drops what programs have not confirmed in time, as Telegram would.
    async fn bound_kept(&self, now: UnixMillis) -> Result<(), StoreError> {
        let dropped =
            self.store.bound_kept(Bounds { before: now.minus(self.keep_updates), max_bytes: u64::MAX }).await?;
        if dropped > 0 {
            tracing::error!(dropped, "updates that programs have not confirmed were deleted: they are too old");
        }
        Ok(())
    }

    /// Removes files that nothing needs any more.
    async fn tidy(&self, now: UnixMillis) {
        let retention = self.retention.clone();
        match spawn_blocking(move || retention.sweep(now)).await {
            Ok(Ok(removed)) if removed.is_empty() => {}
            Ok(Ok(removed)) => tracing::info!(files = removed.len(), "removed old files"),
            Ok(Err(error)) => tracing::warn!(%error, "old files could not be removed"),
            Err(error) => tracing::warn!(%error, "old files could not be removed"),
        }
    }

    async fn dump(&self) {
        let (store, dumps, kept) = (self.store.clone(), self.dumps.clone(), self.kept);
        let why = match spawn_blocking(move || write(&store, &dumps, kept)).await {
            Ok(Ok(file)) => {
                tracing::debug!(file = %file.display(), "store dumped");
                None
            }
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(error) => Some(format!("the dump did not end: {error}")),
        };
        if let Some(why) = &why {
            tracing::error!(why, "the store could not be dumped");
        }
        let problem = why.map(|why| format!("the store could not be dumped: {why}. The last good dump grows older"));
        self.metrics.note(Cause::Dump, problem);
    }
}

/// How many dumps are kept, and how much room they may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) count: usize,
    pub(super) bytes: u64,
}

impl Kept {
    pub(super) fn of(config: &Config) -> Self {
        let count = usize::try_from(config.store.dump_keep.get()).unwrap_or(usize::MAX);
        Self { count, bytes: config.retention.dumps_bytes }
    }
}

/// Writes a dump and removes surplus ones. They are numbered, not dated: a clock that was wrong for a while must not
/// make an old dump look new.
pub(super) fn write(store: &Store, dumps: &Path, kept: Kept) -> anyhow::Result<PathBuf> {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if !dumps.try_exists()? {
        data_dir::create_private_dir(dumps)?;
        dumps.parent().map_or(Ok(()), durable::sync_folder)?;
    }
    let former = dumps::all(dumps)?;
    let size_bytes = match former.last() {
        Some((_, path)) => fs::metadata(path)?.len().saturating_mul(2),
        None => store.size_bytes()?,
    };
    if !store.has_room_for(size_bytes) {
        anyhow::bail!("the disk has too little room for a dump: free some space");
    }
    let number = former.last().map_or(1, |(number, _)| number + 1);
    let file = dumps.join(dumps::name(number));
    store.dump(&file, clock::now())?;
    for (_, old) in former.iter().rev().skip(kept.count.saturating_sub(1)) {
        fs::remove_file(old)?;
    }
    retention::limit_size(dumps, kept.bytes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Settings;

    fn store(dir: &Path) -> Store {
        Store::open(Settings {
            dir: dir.to_owned(),
            cache_bytes: 1 << 20,
            reserve_bytes: 0,
            dedupe_for: Duration::from_hours(1),
            links_for: Duration::from_hours(1),
            parked_for: Duration::from_hours(1),
        })
        .unwrap()
    }

    #[test]
    fn the_newest_dumps_are_kept_and_nothing_else_is_touched() {
        let home = tempfile::tempdir().unwrap();
        let (store, dumps) = (store(home.path()), dumps::dir(home.path()));
        fs::create_dir(&dumps).unwrap();
        for name in ["store-notes.txt", "store-x.jsonl", "letter.jsonl"] {
            fs::write(dumps.join(name), "").unwrap();
        }
        for _ in 0..5 {
            write(&store, &dumps, Kept { count: 2, bytes: u64::MAX }).unwrap();
        }
        assert_eq!(dumps::all(&dumps).unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(fs::read_dir(&dumps).unwrap().count(), 5, "the other files are still there");
        write(&store, &dumps, Kept { count: 2, bytes: 1 }).unwrap();
        assert_eq!(dumps::all(&dumps).unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn dumps_that_are_asked_for_at_once_are_written_one_after_the_other() {
        let home = tempfile::tempdir().unwrap();
        let (store, dumps) = (store(home.path()), dumps::dir(home.path()));
        let files: Vec<_> = std::thread::scope(|scope| {
            let write = || write(&store, &dumps, Kept { count: 2, bytes: u64::MAX });
            let writers: Vec<_> = (0..8).map(|_| scope.spawn(write)).collect();
            writers.into_iter().map(|writer| writer.join().unwrap().unwrap()).collect()
        });
        let named: std::collections::BTreeSet<_> = files.iter().collect();
        assert_eq!(named.len(), 8, "{files:?}");
        assert_eq!(dumps::all(&dumps).unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>(), [7, 8]);
    }
}
