//! The store and the trace: what the configuration says about them, and how the store is opened.

use anyhow::Context as _;
use tokio::task::spawn_blocking;

use crate::{
    admin::socket,
    config::Config,
    store::{self, Store, StoreError},
    trace,
};

/// Where a bridge with this configuration keeps its store.
#[must_use]
pub fn store_settings(config: &Config) -> store::Settings {
    store::Settings {
        dir: config.data_dir.clone(),
        cache_bytes: config.store.cache_bytes,
        reserve_bytes: config.store.reserve_bytes,
        dedupe_for: config.store.dedupe_for,
        links_for: config.store.links_for,
        parked_for: config.store.parked_for,
    }
}

/// Where a bridge with this configuration keeps its trace.
#[must_use]
pub fn trace_settings(config: &Config) -> trace::Settings {
    trace::Settings { data_dir: config.data_dir.clone(), keep: config.trace.keep, max_bytes: config.trace.max_bytes }
}

/// How often the store is tried that a command gives back; each time waits a second.
const YIELDED_TRIES: usize = 30;

/// Opens the store. A command that has it, such as an import, is asked to give it back.
pub(super) async fn opened(config: &Config) -> anyhow::Result<Store> {
    let mut is_promised = false;
    for _ in 0..YIELDED_TRIES {
        let settings = store_settings(config);
        let opened = spawn_blocking(move || Store::open(settings)).await.context("opening the store")?;
        if !matches!(opened, Err(StoreError::Locked(_))) {
            return Ok(opened?);
        }
        // Once it is promised, the command may be gone before its store is closed.
        is_promised |= socket::ask_for_store(&config.data_dir).await;
        if !is_promised {
            return Ok(opened?);
        }
    }
    anyhow::bail!("a command has the store, and does not give it back")
}
