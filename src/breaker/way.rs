//! Whether a remote answers at all. Pure: time and chance are arguments.

use std::time::Duration;

use tokio::time::Instant;

/// How long after one probe the next one follows.
const EVERY: Duration = Duration::from_secs(3);
/// The same once the outage has lasted for [`LONG`].
const RARELY: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_hours(1);
/// How far the probes are spread at random, either way.
const JITTER: f64 = 0.2;

/// The way to a remote.
#[derive(Debug, Default)]
pub(super) struct Way {
    outage: Option<Outage>,
    /// Until when the remote wants to be left alone.
    paused: Option<(Instant, Instant)>,
}

/// A remote that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    pub(super) since: Instant,
    why: String,
    probe_at: Instant,
}

impl Way {
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

    /// When what may be done may change by itself.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.probe_at().or(self.paused.map(|(_, until)| until))
    }

    /// The remote does not answer. No two probes are further apart than `slowest`, unless the remote has `asked` for more.
    /// Tells whether that is news.
    pub(super) fn breaks(
        &mut self,
        why: &str,
        now: Instant,
        (slowest, asked): (Duration, Duration),
        chance: f64,
    ) -> bool {
        let since = self.outage.as_ref().map_or(now, |outage| outage.since);
        let every = if now - since < LONG { EVERY } else { RARELY };
        let every = every.min(slowest).mul_f64(1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0));
        let probe_at = now + every.max(asked);
        // Whoever fails while a probe is due already neither hastens nor delays it.
        let probe_at = self.probe_at().filter(|at| *at > now).unwrap_or(probe_at);
        self.outage.replace(Outage { since, why: why.to_owned(), probe_at }).is_none()
    }

    /// The remote answers. Gives the outage that this ends.
    pub(super) fn clear(&mut self) -> Option<Outage> {
        self.outage.take()
    }

    /// The remote wants to be left alone until then.
    pub(super) fn pause(&mut self, until: Instant) {
        let now = Instant::now();
        let longest = self.paused.filter(|(_, before)| *before > now);
        self.paused = Some(longest.map_or((now, until), |(since, before)| (since, before.max(until))));
    }
}
