//! Retention of files beside the store.

use std::time::Duration;

use crate::config::{error::Reported, parse, sections::Reading};

/// Retention of files beside the store.
#[derive(Clone, Debug)]
pub struct Retention {
    /// How long stores that a restore has replaced are kept, and dumps from before upgrades.
    pub moved_aside: Duration,
    /// How long imported files are kept.
    pub imports: Duration,
    /// How many bytes all dumps may take. The newest one always stays.
    pub dumps_bytes: u64,
    /// How many bytes all imported files may take.
    pub imports_bytes: u64,
}

/// Settings of the trace.
#[derive(Clone, Debug)]
pub struct Trace {
    /// How long hops are kept; zero for not at all.
    pub keep: Duration,
    /// How many bytes it may take.
    pub max_bytes: u64,
}

pub(super) fn read(reading: &Reading<'_>) -> Result<Retention, Reported> {
    let section = reading.section(&["retention"]);
    let [moved_aside, imports] = ["moved_aside", "imports"].map(|key| section.required(key, parse::duration));
    let [dumps, imported] = ["dumps_mb", "imports_mb"].map(|key| section.required(key, parse::mebibytes));
    Ok(Retention { moved_aside: moved_aside?, imports: imports?, dumps_bytes: dumps?, imports_bytes: imported? })
}
