//! The tap: a live list of steps for an operator. It costs nothing while nobody watches, and never waits for a slow
//! reader, who misses steps and is informed of that.

use std::sync::Arc;

use tokio::sync::broadcast::{self, Receiver, Sender};

use crate::{
    domain::{
        job::{Job, Lane},
        time::UnixMillis,
    },
    store::{Lease, Outcome},
};

/// How far a reader may lag behind, in jobs.
const BEHIND: usize = 512;

/// One step of a job that has ended.
#[derive(Debug)]
pub struct Relayed {
    pub lane: Lane,
    pub job: Job,
    /// The sender's id of the message.
    pub message_id: Option<String>,
    /// When it arrived.
    pub came_at: UnixMillis,
    /// The number of the attempt.
    pub attempt: u32,
    /// The name of the outcome in metrics.
    pub outcome: &'static str,
    /// Why it failed.
    pub why: Option<String>,
    /// When the step ended.
    pub at: UnixMillis,
}

impl Relayed {
    /// The outcome of a leased job, with its name.
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

/// The channel to which relays send their steps.
#[derive(Clone, Debug)]
pub struct Tap(Sender<Arc<Relayed>>);

impl Default for Tap {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Tap {
    /// Sends a step, if somebody watches.
    pub fn send(&self, relayed: impl FnOnce() -> Relayed) {
        if self.0.receiver_count() > 0 {
            // The reader may have left meanwhile.
            let _ = self.0.send(Arc::new(relayed()));
        }
    }

    /// Starts watching.
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
    async fn nothing_is_built_without_readers_and_a_slow_reader_blocks_nothing() {
        let tap = Tap::default();
        tap.send(|| unreachable!("nobody watches"));
        let mut reader = tap.watch();
        for attempt in 1..=600 {
            tap.send(|| relayed(attempt));
        }
        assert!(matches!(reader.recv().await, Err(RecvError::Lagged(88))));
        assert_eq!(reader.recv().await.unwrap().attempt, 89);
        drop(reader);
        tap.send(|| unreachable!("nobody watches any more"));
    }
}
