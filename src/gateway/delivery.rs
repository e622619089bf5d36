//! Sends updates to the programs' webhooks: those of one chat in order, one at a time.

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
        Program, Shared, allowed_updates,
        sender::{SendError, Sender},
        webhooks,
    },
    store::{Confirmed, StoreError},
};

/// How many updates are read ahead, of threads whose last attempt did not fail.
const WINDOW: usize = 200;
/// How many updates are read ahead of all threads, those that wait for a retry included.
const MAX_AHEAD: usize = 10_000;
/// The wait before the first retry. It doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_mins(1);
/// How long a stop of telekommo waits for responses to requests in flight.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Kinds of updates whose query expires within seconds.
const URGENT: [&str; 4] = ["pre_checkout_query", "shipping_query", "callback_query", "inline_query"];

/// Delivers the updates of one program.
pub struct Delivery {
    pub shared: Arc<Shared>,
    pub program: Arc<Program>,
}

/// The queue of one thread.
#[derive(Debug, Default)]
struct Lane {
    /// The updates' numbers, and whether they are urgent.
    waiting: VecDeque<(i64, bool)>,
    is_busy: bool,
    failures: u32,
    retry_at: Option<Instant>,
}

/// All updates that were read ahead.
#[derive(Debug, Default)]
struct Lanes {
    lanes: BTreeMap<String, Lane>,
    /// The number of the next update to read.
    next: i64,
}

/// The thread of a request, and its result.
type Sent = (String, Result<(), SendError>);

impl Delivery {
    /// Sends until `stop`, and then waits for the responses to requests in flight. A stop of telekommo waits for a few
    /// seconds only: an update without a response by then is sent again after the next start.
    ///
    /// # Errors
    /// If the store fails. Failures of the program's server are retried.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        let name = &self.program.name;
        let changes = self.shared.states.webhooks.changed(name);
        while !stop.is_cancelled() {
            let mut changed = std::pin::pin!(changes.notified());
            changed.as_mut().enable();
            let webhook = self.shared.store.program(name).and_then(|row| row.webhook);
            let sender = webhook.map(|webhook| Sender::new(&webhook, &self.shared.rules));
            let end = stop.run_until_cancelled(changed);
            match sender {
                Some(Ok(sender)) => self.deliver(&sender, end).await?,
                Some(Err(error)) => {
                    self.shared.states.webhooks.failed(name, error.to_string());
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
        let (mut lanes, mut in_flight) =
            (Lanes::default(), FuturesUnordered::<BoxFuture<'_, Result<Sent, StoreError>>>::new());
        let news = self.shared.store.kept_news(self.program.bot.id());
        loop {
            let mut more = std::pin::pin!(news.notified());
            more.as_mut().enable();
            self.fill(&mut lanes).await?;
            while in_flight.len() < sender.max_connections
                && let Some((thread, number)) = lanes.take(Instant::now())
            {
                in_flight.push(self.send(sender, (thread, number)).boxed());
            }
            // While every connection is taken, a chat that is due again waits for one, not for its time.
            let retry_at = lanes.retry_at().filter(|_| in_flight.len() < sender.max_connections);
            tokio::select! {
                Some(sent) = in_flight.next(), if !in_flight.is_empty() => self.settle(&mut lanes, sent?),
                () = more => {}
                () = until(retry_at) => {}
                _ = &mut end => break,
            }
        }
        let finished = async {
            while let Some(sent) = in_flight.next().await {
                self.settle(&mut lanes, sent?);
            }
            Ok(())
        };
        let stopped = async {
            self.shared.life.stop_token().cancelled().await;
            sleep(STOP_GRACE).await;
        };
        tokio::select! {
            result = finished => result,
            () = stopped => Ok(()),
        }
    }

    /// Reads further updates, until there is no room or there are no more. Updates that the program does not want are
    /// confirmed.
    async fn fill(&self, lanes: &mut Lanes) -> Result<(), StoreError> {
        let (store, name) = (&self.shared.store, &self.program.name);
        loop {
            let room = lanes.room();
            let Some(row) = store.program(name).filter(|_| room > 0) else { return Ok(()) };
            let numbers = store.unconfirmed(name, lanes.next, room);
            if numbers.is_empty() {
                return Ok(());
            }
            let mut not_wanted = Vec::new();
            for number in numbers {
                lanes.next = number + 1;
                let Some(update) = store.kept(row.bot, number)? else { continue };
                if allowed_updates::is_for(&row, self.program.sees, (number, &update)) {
                    let is_urgent = URGENT.contains(&update.kind.as_str());
                    lanes.lanes.entry(update.thread).or_default().waiting.push_back((number, is_urgent));
                } else {
                    not_wanted.push(number);
                }
            }
            if !not_wanted.is_empty() {
                store.confirm(name, row.bot, Confirmed::Some(not_wanted)).await?;
            }
        }
    }

    /// Sends one update, unless it was deleted, erased or confirmed meanwhile. It is confirmed before the gateway makes
    /// the call that the server's response may contain.
    async fn send(&self, sender: &Sender, (thread, number): (String, i64)) -> Result<Sent, StoreError> {
        let (store, program) = (&self.shared.store, &self.program);
        let waits = store.waits_for(&program.name, number);
        let update = if waits { store.kept(program.bot.id(), number)? } else { None };
        let Some(update) = update else { return Ok((thread, Ok(()))) };
        let reply = match sender.send(&update.raw, number).await {
            Ok(reply) => reply,
            Err(error) => return Ok((thread, Err(error))),
        };
        let (shared, program) = (Arc::clone(&self.shared), Arc::clone(&self.program));
        let (sender, receiver) = oneshot::channel();
        // This also goes on if the delivery ends meanwhile, because a confirmed update is never sent again.
        self.shared.life.finish(async move {
            let (bot, confirmed) = (program.bot.id(), Confirmed::Some(vec![number]));
            let confirmed = shared.store.confirm(&program.name, bot, confirmed).await;
            if let Some(reply) = reply.filter(|_| confirmed.is_ok()) {
                webhooks::reply(&shared, &program, reply).await;
            }
            // The delivery may have ended.
            drop(sender.send(confirmed));
        });
        receiver.await.unwrap_or(Ok(()))?;
        Ok((thread, Ok(())))
    }

    fn settle(&self, lanes: &mut Lanes, (thread, result): Sent) {
        match result {
            Ok(()) => lanes.done(&thread),
            Err(SendError { why, retry_after }) => {
                tracing::debug!(program = self.program.name, why, "the webhook did not accept an update");
                self.shared.states.webhooks.failed(&self.program.name, why);
                lanes.failed(&thread, Instant::now(), retry_after);
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
    /// How many more updates may be read ahead. A thread that fails takes no room from the others.
    fn room(&self) -> usize {
        let waiting = |lane: &Lane| lane.waiting.len();
        let healthy: usize = self.lanes.values().filter(|lane| lane.failures == 0).map(waiting).sum();
        let all: usize = self.lanes.values().map(waiting).sum();
        WINDOW.saturating_sub(healthy).min(MAX_AHEAD.saturating_sub(all))
    }

    /// Takes the next update: an urgent one, else the oldest.
    fn take(&mut self, now: Instant) -> Option<(String, i64)> {
        let is_due = |lane: &Lane| !lane.is_busy && lane.retry_at.is_none_or(|at| at <= now);
        let heads = self.lanes.iter_mut().filter(|(_, lane)| is_due(lane));
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
        (lane.is_busy, lane.failures, lane.retry_at) = (false, 0, None);
        if lane.waiting.is_empty() {
            self.lanes.remove(thread);
        }
    }

    fn failed(&mut self, thread: &str, now: Instant, retry_after: Option<Duration>) {
        let Some(lane) = self.lanes.get_mut(thread) else { return };
        let wait = FIRST_WAIT.saturating_mul(1 << lane.failures.min(10)).min(MAX_WAIT);
        (lane.is_busy, lane.failures) = (false, lane.failures.saturating_add(1));
        lane.retry_at = Some(now + retry_after.unwrap_or_default().min(MAX_WAIT).max(wait));
    }

    /// When the next thread is due for a retry.
    fn retry_at(&self) -> Option<Instant> {
        self.lanes.values().filter(|lane| !lane.is_busy).filter_map(|lane| lane.retry_at).min()
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
        assert_eq!(taken(&mut lanes, now), [4, 1, 2], "an urgent update goes first");
        lanes.done("a");
        assert_eq!(taken(&mut lanes, now), [3]);
        lanes.failed("a", now, None);
        assert_eq!(taken(&mut lanes, now), Vec::<i64>::new());
        assert_eq!(lanes.retry_at(), Some(now + FIRST_WAIT));
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
        assert_eq!(lanes.room(), 0, "there is a limit of all");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_a_server_may_ask_for_longer_ones() {
        let (mut lanes, now) = (lanes(&[(1, "a", "message")]), Instant::now());
        let mut waits = Vec::new();
        for retry_after in [None, None, None, Some(Duration::from_secs(30)), None, None, None, None] {
            lanes.failed("a", now, retry_after);
            waits.push((lanes.retry_at().unwrap() - now).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 30, 16, 32, 60, 60]);
        lanes.done("a");
        assert!(lanes.lanes.is_empty());
    }
}
