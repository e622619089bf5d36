//! `telekommo restore`: back to the last dump.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    operate::upkeep,
    store::{RestoreSummary, Store},
};

/// What was restored, for the operator to read.
#[derive(Debug)]
pub struct Restored {
    from: PathBuf,
    summary: RestoreSummary,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "restored from {}: {}", self.from.display(), self.summary)
    }
}

/// Restores the store in `data_dir` from `dump`, or from the newest dump there is. It wants no configuration, so that it
/// works without the secrets that only the service can read.
///
/// # Errors
/// If there is no dump, it is not whole, or the store is in use.
pub fn run(data_dir: &Path, dump: Option<PathBuf>) -> anyhow::Result<Restored> {
    let from = dump.map_or_else(|| newest(&upkeep::dumps_dir(data_dir)), Ok)?;
    let summary = Store::restore(data_dir, &from)?;
    Ok(Restored { from, summary })
}

fn newest(dumps: &Path) -> anyhow::Result<PathBuf> {
    let all = upkeep::all(dumps).with_context(|| format!("looking for dumps in {}", dumps.display()))?;
    let newest = all.into_iter().next_back().map(|(_, path)| path);
    newest.with_context(|| format!("there is no dump in {}", dumps.display()))
}
