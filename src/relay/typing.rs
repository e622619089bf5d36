//! Shows customers that a manager is typing. That is worthless when late, so it is never stored.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use dashmap::DashMap;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::{
        address::{Conversation, SourceId},
        message::Typing,
    },
    relay::destination::{self, DestinationState},
    store::Store,
    telegram::bot::Bot,
};

/// Telegram shows an action for 5 seconds; sending it again sooner than this shows nothing new.
const LEAST_INTERVAL: Duration = Duration::from_secs(4);
/// How many calls are in flight at once; with more, Telegram is too slow for typing to matter.
const AT_ONCE: usize = 8;
/// How many chats are remembered before the ones that no longer matter are forgotten.
const REMEMBERED: usize = 1024;

/// Shows managers' typing in Telegram.
pub struct TypingRelay {
    pub arrivals: mpsc::Receiver<Typing>,
    pub bots: BTreeMap<SourceId, Bot>,
    pub store: Store,
}

impl TypingRelay {
    /// Works until `stop`. Calls in flight are dropped then.
    pub async fn run(mut self, stop: CancellationToken) {
        let throttle = Throttle::default();
        let (places, mut in_flight) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        while let Some(Some(typing)) = stop.run_until_cancelled(self.arrivals.recv()).await {
            while in_flight.try_join_next().is_some() {}
            let Some(bot) = self.bots.get(typing.source()).cloned() else { continue };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            if typing.expires_at <= clock::now() || !throttle.allows(&typing.conversation, Instant::now()) {
                continue;
            }
            let Ok(DestinationState::Open(here)) = destination::known(&self.store, bot.id(), &typing.conversation)
            else {
                continue;
            };
            in_flight.spawn(async move {
                if let Err(failure) = bot.type_in(here.target).await {
                    tracing::debug!(conversation = %typing.conversation, failure = %failure.why(), "typing not shown");
                }
                drop(place);
            });
        }
    }
}

/// When typing was last shown in each chat.
#[derive(Debug, Default)]
struct Throttle(DashMap<Conversation, Instant>);

impl Throttle {
    fn allows(&self, conversation: &Conversation, now: Instant) -> bool {
        let recent = |at: &Instant| now.duration_since(*at) < LEAST_INTERVAL;
        if self.0.get(conversation).is_some_and(|at| recent(&at)) {
            return false;
        }
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, at| recent(at));
        }
        self.0.insert(conversation.clone(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_is_sent_at_most_every_four_seconds() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let chat = |id| Conversation::new(SourceId::parse("sales").unwrap(), id);
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let allowed: Vec<_> = (0..10).filter(|second| throttle.allows(&chat(1), at(*second))).collect();
        assert_eq!(allowed, [0, 4, 8]);
        assert!(throttle.allows(&chat(2), at(9)), "another chat is not held up");
    }

    #[test]
    fn old_chats_are_forgotten() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let source = SourceId::parse("sales").unwrap();
        for id in 0..3000 {
            assert!(throttle.allows(
                &Conversation::new(source.clone(), id),
                start + Duration::from_secs(10) * u32::try_from(id).unwrap()
            ));
        }
        assert!(throttle.0.len() <= REMEMBERED);
    }
}
