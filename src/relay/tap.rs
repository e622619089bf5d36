//! What is being relayed, for an operator who watches. It costs nothing while nobody does, and never waits for one who
//! reads slowly: they miss something, and are told so.

use std::sync::Arc;

use tokio::sync::broadcast::{self, Receiver, Sender};

use crate::{
    domain::{
        job::{Job, Lane},
        time::UnixMillis,
    },
    store::{Lease, Outcome},
};

/// How far a reader may be behind, in jobs.
const BEHIND: usize = 512;

/// One step of a job that has ended.
#[derive(Debug)]
pub struct Relayed {
    pub lane: Lane,
    pub job: Job,
    /// What the sender calls the message.
    pub message_id: Option<String>,
    /// When it came.
    pub came_at: UnixMillis,
    /// Which try it was.
    pub attempt: u32,
    /// The name of the ending in metrics.
    pub outcome: &'static str,
    /// Why it failed.
    pub why: Option<String>,
    /// When it ended.
    pub at: UnixMillis,
}

impl Relayed {
    /// How a leased job ends, and what that is called.
    pub(super) fn of(
        lease: &Lease,
        message_id: Option<String>,
        (outcome, name): (&Outcome, &'static str),
        at: UnixMillis,
    ) -> Self {
        let why = match outcome {
            Outcome::Retry { why, .. } | Outcome::Park { why, .. } => Some(why.clone()),
            Outcome::Repeat | Outcome::Done { .. } | Outcome::Replace(_) | Outcome::Merge { .. } => None,
        };
        Self {
            lane: lease.lane().clone(),
            job: lease.job().clone(),
            message_id,
            came_at: lease.enqueued_at(),
            attempt: lease.attempts() + 1,
            outcome: name,
            why,
            at,
        }
    }
}

/// Where relays tell what they do.
#[derive(Clone, Debug)]
pub struct Tap(Sender<Arc<Relayed>>);

impl Default for Tap {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Tap {
    /// Tells what there is, if somebody watches.
    pub fn tell(&self, relayed: impl FnOnce() -> Relayed) {
        if self.0.receiver_count() > 0 {
            // If they have gone meanwhile, nobody misses it.
            let _ = self.0.send(Arc::new(relayed()));
        }
    }

    /// Watches from now on.
    #[must_use]
    pub fn watch(&self) -> Receiver<Arc<Relayed>> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::RecvError;

    use super::*;
    use crate::domain::{
        address::{Conversation, SourceId},
        job::Hook,
    };

    fn relayed(attempt: u32) -> Relayed {
        let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
        Relayed {
            lane: Lane::outbound(&conversation),
            job: Job::from(Hook { raw: "{}".to_owned() }),
            message_id: None,
            came_at: UnixMillis(0),
            attempt,
            outcome: "done",
            why: None,
            at: UnixMillis(5),
        }
    }

    #[tokio::test]
    async fn nothing_is_made_for_nobody_and_who_is_slow_misses_something_and_stops_nothing() {
        let tap = Tap::default();
        tap.tell(|| unreachable!("nobody watches"));
        let mut reader = tap.watch();
        for attempt in 1..=600 {
            tap.tell(|| relayed(attempt));
        }
        assert!(matches!(reader.recv().await, Err(RecvError::Lagged(88))));
        assert_eq!(reader.recv().await.unwrap().attempt, 89);
        drop(reader);
        tap.tell(|| unreachable!("nobody watches any more"));
    }
}
