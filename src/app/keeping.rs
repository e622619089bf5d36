//! What the configuration says about the store.

use crate::{config::Config, store};

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
