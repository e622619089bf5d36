//! Sends the updates of programs that have a webhook, each chat's in order and one at a time.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    gateway::{
        Program, Shared,
        sender::{NotSent, Sender},
        wanted, webhooks,
    },
    store::{Confirmed, StoreError},
};

/// How many updates are looked at ahead, of threads that move.
const WINDOW: usize = 200;
/// The same of all, also of those that wait for another try.
const MOST_AHEAD: usize = 10_000;
/// The waits between two tries double from this one on.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// For how long a stop of the whole waits for the answers to what is under way.
const ANSWERED_AT_STOP: Duration = Duration::from_secs(5);
/// What somebody waits for, and has forgotten after seconds.
const URGENT: [&str; 4] = ["pre_checkout_query", "shipping_query", "callback_query", "inline_query"];

/// Sends what one program is to get.
pub struct Delivery {
    pub shared: Arc<Shared>,
    pub program: Arc<Program>,
}

/// What waits to be sent of one thread.
#[derive(Debug, Default)]
struct Lane {
    /// Their numbers, and whether somebody waits for the answer.
    waiting: VecDeque<(i64, bool)>,
    is_busy: bool,
    failed: u32,
    again_at: Option<Instant>,
}

/// All that is looked at.
#[derive(Debug, Default)]
struct Lanes {
    lanes: BTreeMap<String, Lane>,
    /// The next number to look at.
    from: i64,
}

/// What came of one request, and of which thread it was.
type Sent = (String, Result<(), NotSent>);

impl Delivery {
    /// Sends until `stop`, and waits for the answers to what is under way then. A stop of the whole leaves them a few
    /// seconds; what has no answer then is sent again by the next start.
    ///
    /// # Errors
    /// If the store fails. What a program's server does is waited out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        let name = &self.program.name;
        let changes = self.shared.states.hooks.changed(name);
        while !stop.is_cancelled() {
            let mut changed = std::pin::pin!(changes.notified());
            changed.as_mut().enable();
            let webhook = self.shared.store.program(name).and_then(|row| row.webhook);
            let sender = webhook.map(|webhook| Sender::new(&webhook, &self.shared.rules));
            let end = stop.run_until_cancelled(changed);
            match sender {
                Some(Ok(sender)) => self.deliver(&sender, end).await?,
                Some(Err(error)) => {
                    self.shared.states.hooks.failed(name, error.to_string());
                    end.await;
                }
                None => drop(end.await),
            }
        }
        Ok(())
    }

    /// Sends to one address until `end`.
    async fn deliver(&self, sender: &Sender, end: impl Future<Output = Option<()>>) -> Result<(), StoreError> {
        let mut end = std::pin::pin!(end);
        let (mut lanes, mut under_way) =
            (Lanes::default(), FuturesUnordered::<BoxFuture<'_, Result<Sent, StoreError>>>::new());
        let news = self.shared.store.kept_news(self.program.bot.id());
        loop {
            let mut more = std::pin::pin!(news.notified());
            more.as_mut().enable();
            self.fill(&mut lanes).await?;
            while under_way.len() < sender.max_connections
                && let Some((thread, number)) = lanes.take(Instant::now())
            {
                under_way.push(self.send(sender, (thread, number)).boxed());
            }
            // While every connection is taken, a chat that is due again waits for one, not for its time.
            let again_at = lanes.again_at().filter(|_| under_way.len() < sender.max_connections);
            tokio::select! {
                Some(sent) = under_way.next(), if !under_way.is_empty() => self.settle(&mut lanes, sent?),
                () = more => {}
                () = until(again_at) => {}
                _ = &mut end => break,
            }
        }
        let answered = async {
            while let Some(sent) = under_way.next().await {
                self.settle(&mut lanes, sent?);
            }
            Ok(())
        };
        let stopped = async {
            self.shared.life.stop_token().cancelled().await;
            sleep(ANSWERED_AT_STOP).await;
        };
        tokio::select! {
            answered = answered => answered,
            () = stopped => Ok(()),
        }
    }

    /// Looks at further updates, until there is no room or no more of them. Those that the program does not want count
    /// as confirmed.
    async fn fill(&self, lanes: &mut Lanes) -> Result<(), StoreError> {
        let (store, name) = (&self.shared.store, &self.program.name);
        loop {
            let room = lanes.room();
            let Some(row) = store.program(name).filter(|_| room > 0) else { return Ok(()) };
            let numbers = store.unconfirmed(name, lanes.from, room);
            if numbers.is_empty() {
                return Ok(());
            }
            let mut passed = Vec::new();
            for number in numbers {
                lanes.from = number + 1;
                let Some(update) = store.kept(row.bot, number)? else { continue };
                if wanted::is_for(&row, self.program.sees, (number, &update)) {
                    let is_urgent = URGENT.contains(&update.kind.as_str());
                    lanes.lanes.entry(update.thread).or_default().waiting.push_back((number, is_urgent));
                } else {
                    passed.push(number);
                }
            }
            if !passed.is_empty() {
                store.confirm(name, row.bot, Confirmed::Some(passed)).await?;
            }
        }
    }

    /// Sends one update, unless it was deleted, erased or confirmed meanwhile. It is confirmed before the call is made
    /// that the server may answer with.
    async fn send(&self, sender: &Sender, (thread, number): (String, i64)) -> Result<Sent, StoreError> {
        let (store, program) = (&self.shared.store, &self.program);
        let waits = store.waits_for(&program.name, number);
        let update = if waits { store.kept(program.bot.id(), number)? } else { None };
        let Some(update) = update else { return Ok((thread, Ok(()))) };
        let reply = match sender.send(&update.raw, number).await {
            Ok(reply) => reply,
            Err(not_sent) => return Ok((thread, Err(not_sent))),
        };
        let (shared, program) = (Arc::clone(&self.shared), Arc::clone(&self.program));
        let (tell, told) = oneshot::channel();
        // Also if this delivery ends meanwhile: what is confirmed never comes again.
        self.shared.life.finish(async move {
            let (bot, confirmed) = (program.bot.id(), Confirmed::Some(vec![number]));
            let confirmed = shared.store.confirm(&program.name, bot, confirmed).await;
            if let Some(reply) = reply.filter(|_| confirmed.is_ok()) {
                webhooks::reply(&shared, &program, reply).await;
            }
            // Nobody may be there to hear it.
            drop(tell.send(confirmed));
        });
        told.await.unwrap_or(Ok(()))?;
        Ok((thread, Ok(())))
    }

    fn settle(&self, lanes: &mut Lanes, (thread, sent): Sent) {
        match sent {
            Ok(()) => lanes.done(&thread),
            Err(NotSent { why, after }) => {
                tracing::debug!(program = self.program.name, why, "an update was not taken by the webhook");
                self.shared.states.hooks.failed(&self.program.name, why);
                lanes.failed(&thread, Instant::now(), after);
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Lanes {
    /// How many more updates may be looked at. What waits behind one that is not taken leaves the others their room.
    fn room(&self) -> usize {
        let waiting = |lane: &Lane| lane.waiting.len();
        let moving: usize = self.lanes.values().filter(|lane| lane.failed == 0).map(waiting).sum();
        let all: usize = self.lanes.values().map(waiting).sum();
        WINDOW.saturating_sub(moving).min(MOST_AHEAD.saturating_sub(all))
    }

    /// The update that goes next: one that somebody waits for, else the oldest.
    fn take(&mut self, now: Instant) -> Option<(String, i64)> {
        let may = |lane: &Lane| !lane.is_busy && lane.again_at.is_none_or(|at| at <= now);
        let heads = self.lanes.iter_mut().filter(|(_, lane)| may(lane));
        let rank = |(_, lane): &(&String, &mut Lane)| {
            lane.waiting.front().map_or((true, i64::MAX), |(number, is_urgent)| (!is_urgent, *number))
        };
        let (thread, lane) = heads.min_by_key(rank)?;
        let (number, _) = lane.waiting.front()?;
        let next = (thread.clone(), *number);
        lane.is_busy = true;
        Some(next)
    }

    fn done(&mut self, thread: &str) {
        let Some(lane) = self.lanes.get_mut(thread) else { return };
        lane.waiting.pop_front();
        (lane.is_busy, lane.failed, lane.again_at) = (false, 0, None);
        if lane.waiting.is_empty() {
            self.lanes.remove(thread);
        }
    }

    fn failed(&mut self, thread: &str, now: Instant, after: Option<Duration>) {
        let Some(lane) = self.lanes.get_mut(thread) else { return };
        let wait = FIRST_WAIT.saturating_mul(1 << lane.failed.min(10)).min(LONGEST_WAIT);
        (lane.is_busy, lane.failed) = (false, lane.failed.saturating_add(1));
        lane.again_at = Some(now + after.unwrap_or_default().min(LONGEST_WAIT).max(wait));
    }

    /// When the next thread may be tried again.
    fn again_at(&self) -> Option<Instant> {
        self.lanes.values().filter(|lane| !lane.is_busy).filter_map(|lane| lane.again_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(updates: &[(i64, &str, &str)]) -> Lanes {
        let mut lanes = Lanes::default();
        for (number, thread, kind) in updates {
            let is_urgent = URGENT.contains(kind);
            lanes.lanes.entry((*thread).to_owned()).or_default().waiting.push_back((*number, is_urgent));
        }
        lanes
    }

    fn taken(lanes: &mut Lanes, now: Instant) -> Vec<i64> {
        std::iter::from_fn(|| lanes.take(now)).map(|(_, number)| number).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_chat_goes_in_order_and_beside_the_others() {
        let all = [(1, "a", "message"), (2, "b", "message"), (3, "a", "message"), (4, "c", "pre_checkout_query")];
        let (mut lanes, now) = (lanes(&all), Instant::now());
        assert_eq!(taken(&mut lanes, now), [4, 1, 2], "what somebody waits for goes first");
        lanes.done("a");
        assert_eq!(taken(&mut lanes, now), [3]);
        lanes.failed("a", now, None);
        assert_eq!(taken(&mut lanes, now), Vec::<i64>::new());
        assert_eq!(lanes.again_at(), Some(now + FIRST_WAIT));
        assert_eq!(taken(&mut lanes, now + FIRST_WAIT), [3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_chat_that_fails_leaves_the_others_their_room() {
        let mut all = vec![(0, "b", "message")];
        all.extend((1..=150).map(|number| (number, "a", "message")));
        let mut lanes = lanes(&all);
        assert_eq!(lanes.room(), WINDOW - 151);
        lanes.failed("a", Instant::now(), None);
        assert_eq!(lanes.room(), WINDOW - 1);
        let of_a = &mut lanes.lanes.get_mut("a").unwrap().waiting;
        of_a.extend((0..10_000).map(|number| (number, false)));
        assert_eq!(lanes.room(), 0, "not without end");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_a_server_may_ask_for_longer_ones() {
        let (mut lanes, now) = (lanes(&[(1, "a", "message")]), Instant::now());
        let mut waits = Vec::new();
        for after in [None, None, None, Some(Duration::from_secs(30)), None, None, None, None] {
            lanes.failed("a", now, after);
            waits.push((lanes.again_at().unwrap() - now).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 30, 16, 32, 60, 60]);
        lanes.done("a");
        assert!(lanes.lanes.is_empty());
    }
}
