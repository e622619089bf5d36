//! Settings of the store and the trace, and opening the store.

use anyhow::Context as _;
use tokio::task::spawn_blocking;

use crate::{
    admin::socket,
    config::Config,
    store::{self, Store, StoreError},
    trace,
};

/// The store's settings.
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

/// The trace's settings.
#[must_use]
pub fn trace_settings(config: &Config) -> trace::Settings {
    trace::Settings { data_dir: config.data_dir.clone(), keep: config.trace.keep, max_bytes: config.trace.max_bytes }
}

/// How often to try to open a store that a command gives back. Each attempt waits a second.
const YIELD_ATTEMPTS: usize = 30;

/// Opens the store. A command that has it, such as an import, is asked to give it back.
pub(super) async fn open(config: &Config) -> anyhow::Result<Store> {
    let mut is_promised = false;
    for _ in 0..YIELD_ATTEMPTS {
        let settings = store_settings(config);
        let result = spawn_blocking(move || Store::open(settings)).await.context("opening the store")?;
        if !matches!(result, Err(StoreError::Locked(_))) {
            return Ok(result?);
        }
        // Once promised, the command may exit before its store is closed.
        is_promised |= socket::ask_for_store(&config.data_dir).await;
        if !is_promised {
            return Ok(result?);
        }
    }
    anyhow::bail!("a command has the store open, and does not give it back")
}
