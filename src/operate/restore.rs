//! `telekommo restore`: back to the last dump.

use std::{fmt, path::Path};

use anyhow::Context;

use crate::{
    app::store_settings,
    config::Config,
    operate::upkeep,
    store::{RestoreSummary, Store},
};

/// What was restored, for the operator to read.
#[derive(Debug)]
pub struct Restored {
    from: String,
    summary: RestoreSummary,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "restored from {}", self.from)?;
        write!(f, "{}", self.summary)
    }
}

/// Restores the store from `dump`, or from the newest dump there is.
///
/// # Errors
/// If there is no dump, it is not whole, or the store is in use.
pub fn run(config: &Config, dump: Option<&Path>) -> anyhow::Result<Restored> {
    let dumps = upkeep::dumps_dir(&config.data_dir);
    let newest = || {
        let all = upkeep::all(&dumps).with_context(|| format!("looking for dumps in {}", dumps.display()))?;
        all.last().cloned().with_context(|| format!("there is no dump in {}", dumps.display()))
    };
    let dump = dump.map_or_else(newest, |given| Ok(given.to_owned()))?;
    let summary = Store::restore(&store_settings(config), &dump)?;
    Ok(Restored { from: dump.display().to_string(), summary })
}
