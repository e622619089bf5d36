//! Whether a remote answers at all. Pure: time and chance are arguments.

use std::time::Duration;

use tokio::time::Instant;

/// The interval between probes.
const EVERY: Duration = Duration::from_secs(3);
/// The interval once the outage has lasted for [`LONG`].
const RARELY: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_hours(1);
/// How many probes have to fail before a message is tried.
const PROBES_PER_TRIAL: u32 = 3;
/// How far the interval varies at random, in either direction.
const JITTER: f64 = 0.2;

/// The state of the connection to a remote.
#[derive(Debug, Default)]
pub(super) struct RemoteState {
    outage: Option<Outage>,
    /// Since when and until when the remote throttles.
    paused: Option<(Instant, Instant)>,
}

/// A remote that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    pub(super) since: Instant,
    why: String,
    probe_at: Instant,
    /// Whether a message may be tried: the probe fails, but a connection is established.
    is_doubtful: bool,
    /// Whether that has been done, or is not due yet.
    is_tried: bool,
    /// How many probes have failed.
    probes: u32,
}

impl RemoteState {
    /// Since when nothing may be sent, if it may not.
    pub(super) fn is_shut(&self, now: Instant) -> Option<Instant> {
        let paused = self.paused.filter(|(_, until)| *until > now).map(|(since, _)| since);
        self.outage.as_ref().map(|outage| outage.since).or(paused)
    }

    /// Why the remote does not answer, if it does not.
    pub(super) fn why(&self) -> Option<&str> {
        self.outage.as_ref().map(|outage| outage.why.as_str())
    }

    /// When the next probe is due, if any is.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        self.outage.as_ref().map(|outage| outage.probe_at)
    }

    /// When the state may change without a probe.
    pub(super) fn next_at(&self, now: Instant) -> Option<Instant> {
        self.paused.map(|(_, until)| until).filter(|until| self.outage.is_none() && *until > now)
    }

    /// Whether one message may be tried although the remote seems to be down. The caller takes the trial.
    pub(super) fn take_trial(&mut self) -> bool {
        let outage = self.outage.as_mut().filter(|outage| outage.is_doubtful && !outage.is_tried);
        outage.map(|outage| outage.is_tried = true).is_some()
    }

    /// There was no job for the trial.
    pub(super) fn unused(&mut self) {
        if let Some(outage) = self.outage.as_mut().filter(|outage| outage.probes.is_multiple_of(PROBES_PER_TRIAL)) {
            outage.is_tried = false;
        }
    }

    /// The remote did not answer at `now`. No two probes are further apart than `slowest`. If it `is_doubtful`, a
    /// message may be tried. Returns whether this starts an outage.
    pub(super) fn breaks(
        &mut self,
        why: &str,
        now: Instant,
        (slowest, is_doubtful): (Duration, bool),
        chance: f64,
    ) -> bool {
        let Some(outage) = &mut self.outage else {
            let probe_at = now + until_next(Duration::ZERO, slowest, chance);
            let outage = Outage { since: now, why: why.to_owned(), probe_at, is_doubtful, is_tried: true, probes: 1 };
            self.outage = Some(outage);
            return true;
        };
        (outage.why, outage.is_doubtful) = (why.to_owned(), is_doubtful);
        // A call that fails before the next probe is due counts as no probe: if a hundred calls fail together, there
        // must not be a trial for each three of them.
        if outage.probe_at <= now {
            outage.probe_at = now + until_next(now - outage.since, slowest, chance);
            outage.probes += 1;
            outage.is_tried = !outage.probes.is_multiple_of(PROBES_PER_TRIAL);
        }
        false
    }

    /// The remote answers. Returns the outage that this ends.
    pub(super) fn clear(&mut self) -> Option<Outage> {
        self.outage.take()
    }

    /// The remote throttles until then. Returns whether it was not paused already.
    pub(super) fn pause(&mut self, until: Instant) -> bool {
        let now = Instant::now();
        let longest = self.paused.filter(|(_, before)| *before > now);
        self.paused = Some(longest.map_or((now, until), |(since, before)| (since, before.max(until))));
        longest.is_none()
    }
}

/// The wait for the next probe of an outage that has `lasted`.
fn until_next(lasted: Duration, slowest: Duration, chance: f64) -> Duration {
    let every = if lasted < LONG { EVERY } else { RARELY };
    every.min(slowest).mul_f64(1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0))
}
