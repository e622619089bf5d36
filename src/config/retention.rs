//! What is kept beside the store, and for how long.

use std::time::Duration;

use crate::config::{error::Reported, parse, sections::Reading};

/// What is kept beside the store.
#[derive(Clone, Debug)]
pub struct Retention {
    /// How long the stores that restores have moved aside stay, and the dumps before upgrades.
    pub moved_aside: Duration,
    /// How long imported files stay.
    pub imports: Duration,
    /// How much room dumps may take together. The newest one stays in any case.
    pub dumps_bytes: u64,
    /// How much room imported files may take together.
    pub imports_bytes: u64,
}

/// How much is kept of what became of each message.
#[derive(Clone, Debug)]
pub struct Trace {
    /// For how long; zero for not at all.
    pub keep: Duration,
    /// How much room it may take.
    pub max_bytes: u64,
}

pub(super) fn read(reading: &Reading<'_>) -> Result<Retention, Reported> {
    let section = reading.section(&["retention"]);
    let [moved_aside, imports] = ["moved_aside", "imports"].map(|key| section.required(key, parse::duration));
    let [dumps, imported] = ["dumps_mb", "imports_mb"].map(|key| section.required(key, parse::mebibytes));
    Ok(Retention { moved_aside: moved_aside?, imports: imports?, dumps_bytes: dumps?, imports_bytes: imported? })
}
