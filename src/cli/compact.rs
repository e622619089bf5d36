//! `telekommo compact`: a store that has grown becomes as small as what lives in it.

use std::path::Path;

use crate::store::{self, Compaction, Store};

/// Compacts the store in `data_dir`. It wants no configuration, so that it works without the secrets that only the
/// service can read.
///
/// # Errors
/// If there is no store, it is in use or cannot be read, or there is too little room.
pub fn run(data_dir: &Path) -> anyhow::Result<Compaction> {
    anyhow::ensure!(store::is_in(data_dir), "there is no store in {}: name the data directory", data_dir.display());
    Ok(Store::compact(data_dir)?)
}
