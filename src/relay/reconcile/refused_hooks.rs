//! Detects that something in front of us refuses Kommo's hooks.
//!
//! A web server or a firewall that refuses them cannot be seen from here: answers still arrive, but up to an hour late,
//! since the comparison finds them. That is normal for messages that were written while the bridge was unreachable, and
//! the hooks of young messages may still arrive. The hook of any other message that is found should have arrived, so
//! the operator is warned.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::DateTime;

use crate::{
    clock,
    domain::time::UnixMillis,
    metrics::{Bypassed, Cause},
    relay::reconcile::{LEFT_TO_ITS_HOOK, Reconciler},
};

/// How long after a start or an outage missing hooks are normal: clocks differ, and a reverse proxy has to start too.
const SETTLED_AFTER: Duration = Duration::from_mins(5);

/// Since when the bridge has been reachable, as far as it can tell.
#[derive(Debug)]
pub(super) struct Listening(Mutex<UnixMillis>);

impl Listening {
    pub(super) fn since(now: UnixMillis) -> Self {
        Self(Mutex::new(now))
    }

    /// The bridge was unreachable until now.
    pub(super) fn restart(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = clock::now();
    }
}

/// Whether the hook of a message should have arrived by now, because it was written while the bridge was reachable.
fn should_have_arrived(written_at: UnixMillis, listening_since: UnixMillis, now: UnixMillis, every: Duration) -> bool {
    written_at > listening_since.plus(SETTLED_AFTER.min(every)) && written_at.until(now) >= LEFT_TO_ITS_HOOK.min(every)
}

impl Reconciler {
    /// Counts a message that was found, if its hook should have arrived.
    pub(super) fn note_found(&self, written_at: UnixMillis, now: UnixMillis) {
        let since = *self.listening.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Hooks that we refused ourselves, because nothing could be stored, do not count.
        let since = self.parts.metrics.store_down_at().map_or(since, |down| down.max(since));
        if should_have_arrived(written_at, since, now, self.bounds.every) {
            self.parts.metrics.answer_found(written_at);
        }
    }

    /// Warns the operator of such messages, after a comparison that has found more of them.
    pub(super) fn report_found(&self) {
        let Some(Bypassed { since, answers }) = self.parts.metrics.bypassed() else { return };
        let since = DateTime::from_timestamp_millis(since.0).unwrap_or_default().format("%Y-%m-%d %H:%M UTC");
        tracing::warn!(
            answers,
            %since,
            "answers are found in Kommo's history instead of coming by their hooks: something in front of telekommo, \
             such as a web server or a firewall, seems to refuse Kommo's hooks"
        );
        self.parts.metrics.note(
            Cause::Hooks,
            Some(format!(
                "hooks: {answers} answers since {since} were found in Kommo's history instead of coming by their \
                 hooks, and arrived late. Something in front of telekommo seems to refuse Kommo's hooks: let POST \
                 requests to /kommo/ through"
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{metrics::Metrics, relay::reconcile::schedule::tests::reconciler};

    #[tokio::test]
    async fn hooks_that_we_could_not_store_do_not_count() {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Arc::new(Metrics::new()));
        let reconciler = reconciler(dir.path(), &metrics);
        let hours = |n: u32| clock::now().plus(Duration::from_hours(1) * n);
        metrics.store_down(hours(2));
        for _ in 0..3 {
            reconciler.note_found(hours(1), hours(9));
        }
        assert_eq!(metrics.bypassed(), None, "the disk was full");
        for _ in 0..3 {
            reconciler.note_found(hours(3), hours(9));
        }
        assert_eq!(metrics.bypassed().map(|bypassed| bypassed.answers), Some(3));
    }

    #[test]
    fn hooks_from_outages_and_hooks_that_may_still_arrive_do_not_count() {
        let minutes = |n: i64| UnixMillis(n * 60_000);
        let hour = Duration::from_hours(1);
        for (written_at, now, should) in
            [(0, 90, false), (104, 190, false), (106, 190, true), (171, 190, false), (170, 190, true)]
        {
            let result = should_have_arrived(minutes(written_at), minutes(100), minutes(now), hour);
            assert_eq!(result, should, "written at {written_at}, found at {now}");
        }
    }
}
