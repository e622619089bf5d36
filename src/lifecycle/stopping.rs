//! The longest time that a stop takes, whatever hangs.

use std::{process, thread, time::Duration};

/// How long steps in flight may take after a stop was requested.
pub const GRACE: Duration = Duration::from_secs(6);
/// How long it may take to abort the rest.
pub const ABORT_GRACE: Duration = Duration::from_secs(2);
/// How long tasks may take until they are dropped. One that never yields is abandoned.
pub(super) const DROP_GRACE: Duration = Duration::from_secs(1);
/// How long the store and the trace may take to close. After some failures of the disk, sled waits for ever.
pub const CLOSING: Duration = Duration::from_secs(10);
/// The sum of all phases.
pub const STOPS_WITHIN: Duration =
    Duration::from_secs(GRACE.as_secs() + ABORT_GRACE.as_secs() + DROP_GRACE.as_secs() + CLOSING.as_secs());
/// The time for everything else, before the process ends itself.
const MARGIN: Duration = Duration::from_secs(5);

/// Ends the process after [`STOPS_WITHIN`] and a margin, even if a thread hangs. Nothing is lost by that: everything
/// that was acknowledged is on the disk.
pub fn end_at_latest() {
    let overdue = || {
        thread::sleep(STOPS_WITHIN + MARGIN);
        tracing::error!("the stop hangs, exiting: everything acknowledged is on the disk");
        process::exit(1);
    };
    if let Err(error) = thread::Builder::new().name("stop".to_owned()).spawn(overdue) {
        tracing::warn!(%error, "no thread limits the time of the stop");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_waits_longer_than_a_stop_takes() {
        let unit = include_str!("../../systemd/telekommo.service");
        let line = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap();
        let patience = Duration::from_secs(line.parse().unwrap());
        assert!(STOPS_WITHIN + MARGIN + Duration::from_secs(2) <= patience, "{STOPS_WITHIN:?} of {patience:?}");
        assert!(unit.contains(&format!("stopping takes {} seconds at most", (STOPS_WITHIN + MARGIN).as_secs())));
    }
}
