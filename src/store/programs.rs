//! The progress of the owner's programs with the updates of their bots, and their settings.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{
    domain::{address::BotId, time::UnixMillis},
    store::{
        KeptUpdate, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::Index,
        kept::{self, KeptKey, Ranges},
        tables::{KEPT, NEXT_KEPT, PROGRAMS},
    },
};

/// A program that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServedProgram {
    /// The bot whose updates it gets.
    pub bot: BotId,
    /// How long after a manager's message it gets no messages of the chat.
    pub quiet: Option<Duration>,
}

/// The state of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRow {
    /// The bot whose updates it gets.
    pub bot: BotId,
    /// The first number that it has not confirmed.
    pub cursor: i64,
    /// Later numbers that it has confirmed.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub done: Ranges,
    /// The kinds of updates that it requests, each list from a number on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<(i64, Option<Vec<String>>)>,
    /// Where its updates are sent, if it has a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// How many updates it never got, because there was no room or they were too old.
    #[serde(default)]
    pub dropped: u64,
    /// How many updates were withheld from it, because a manager had written in their chats.
    #[serde(default)]
    pub withheld: u64,
    /// How many seconds after a manager's message updates are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_seconds: Option<u64>,
    /// Whether it is no longer configured. Nothing is kept for it then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_away: bool,
}

/// Where the updates of a program are sent (Bot API, `setWebhook`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub url: String,
    /// The value of the header `X-Telegram-Bot-Api-Secret-Token` in each request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_token: Option<String>,
    /// How many requests may be in flight at once.
    pub max_connections: u32,
    /// The certificate of the address, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

impl ProgramRow {
    /// Whether the program has not confirmed the update with this number.
    #[must_use]
    pub fn waits_for(&self, number: i64) -> bool {
        number >= self.cursor && !self.done.contains(number)
    }

    pub(super) fn quiet(&self) -> Option<Duration> {
        self.quiet_seconds.map(Duration::from_secs)
    }
}

/// The progress of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub name: String,
    pub bot: BotId,
    /// How many updates it has not confirmed.
    pub waiting: usize,
    /// Their size.
    pub bytes: u64,
    /// When the oldest of them arrived.
    pub oldest_at: Option<UnixMillis>,
    pub dropped: u64,
    /// How many were withheld from it because of a manager's message.
    pub withheld: u64,
    /// Whether its updates are sent to a webhook.
    pub has_webhook: bool,
}

/// The updates that a program confirms.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// All below a number.
    Below(i64),
    /// These alone.
    Some(Vec<i64>),
}

/// How many rows go in one commit.
const STEP: usize = 200;

impl Store {
    /// Serves these programs, each with the updates of a bot, and no others. A program that is new or was not
    /// configured starts with the updates from now on.
    pub async fn serve_programs(
        &self,
        programs: BTreeMap<String, ServedProgram>,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        self.db()?;
        let memory = self.0.kept.clone();
        let plan = move |txn: &mut WriteTxn| {
            let mut batch = Batch::default();
            let mut known: BTreeMap<_, _> = PROGRAMS.rows(&txn.db).collect::<Result<_, StoreError>>()?;
            for (_, row) in known.iter_mut().filter(|(name, _)| !programs.contains_key(*name)) {
                row.is_away = true;
            }
            for (name, ServedProgram { bot, quiet }) in programs {
                let next = kept::next_number(&txn.db, bot, now)?;
                // The next number may be lost: no number that a program has seen is given again.
                let known_of = known.values().filter(|row| row.bot == bot).map(|row| row.cursor);
                let next = known_of.chain(last_of(&txn.db, bot)?.map(|last| last + 1)).fold(next, i64::max);
                NEXT_KEPT.put(&mut batch, &bot, &next);
                let row = known.entry(name).or_insert_with(|| ProgramRow { is_away: true, ..ProgramRow::default() });
                if row.is_away || row.bot != bot {
                    let former = std::mem::take(row);
                    let ProgramRow { dropped, withheld, .. } = former;
                    *row = ProgramRow { bot, cursor: next, dropped, withheld, ..ProgramRow::default() };
                    // The settings of one bot do not apply to another.
                    if former.bot == bot {
                        (row.webhook, row.wanted) = (former.webhook, former.wanted);
                    }
                }
                row.quiet_seconds = quiet.map(|quiet| quiet.as_secs());
            }
            for (name, row) in &known {
                PROGRAMS.put(&mut batch, name, row);
            }
            let then = move |_: &mut Index| memory.with(|memory| memory.programs = known);
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(then) })
        };
        self.0.committer.write(plan).await?;
        self.remove_confirmed().await
    }

    /// The state of a program that is served.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<ProgramRow> {
        self.kept_memory(|memory| memory.programs.get(name).cloned()).filter(|row| !row.is_away)
    }

    /// The progress of the programs that are served, by their names.
    #[must_use]
    pub fn programs(&self) -> Vec<Progress> {
        self.kept_memory(|memory| {
            let served = memory.programs.iter().filter(|(_, row)| !row.is_away);
            let progress = |(name, row): (&String, &ProgramRow)| {
                let queue = memory.queues.get(&row.bot);
                let all = queue.into_iter().flat_map(|queue| queue.entries.range(queue.place(row.cursor)..));
                let waiting: Vec<_> = all.filter(|entry| row.waits_for(entry.number)).collect();
                Progress {
                    name: name.clone(),
                    bot: row.bot,
                    waiting: waiting.len(),
                    bytes: waiting.iter().map(|entry| entry.bytes as u64).sum(),
                    oldest_at: waiting.iter().map(|entry| entry.at).min(),
                    dropped: row.dropped,
                    withheld: row.withheld,
                    has_webhook: row.webhook.is_some(),
                }
            };
            served.map(progress).collect()
        })
    }

    /// The numbers of the updates that a program has not confirmed, from one on, at most `limit`.
    #[must_use]
    pub fn unconfirmed(&self, name: &str, from: i64, limit: usize) -> Vec<i64> {
        self.kept_memory(|memory| {
            let Some(row) = memory.programs.get(name) else { return Vec::new() };
            let Some(queue) = memory.queues.get(&row.bot) else { return Vec::new() };
            let all = queue.entries.range(queue.place(from.max(row.cursor))..).map(|entry| entry.number);
            all.filter(|number| row.waits_for(*number)).take(limit).collect()
        })
    }

    /// Whether a program has not confirmed an update.
    #[must_use]
    pub fn waits_for(&self, name: &str, number: i64) -> bool {
        self.kept_memory(|memory| memory.programs.get(name).is_some_and(|row| row.waits_for(number)))
    }

    /// A kept update; `None` if it is no longer kept.
    pub fn kept(&self, bot: BotId, number: i64) -> Result<Option<KeptUpdate>, StoreError> {
        KEPT.get(&self.db()?, &KeptKey { bot, number })
    }

    /// The number of a bot's next update, if that is known.
    pub fn next_kept(&self, bot: BotId) -> Result<Option<i64>, StoreError> {
        NEXT_KEPT.get(&self.db()?, &bot)
    }

    /// Notified whenever there are new updates of a bot. Register interest before looking.
    #[must_use]
    pub fn kept_news(&self, bot: BotId) -> Arc<Notify> {
        self.kept_memory(|memory| Arc::clone(&memory.queues.entry(bot).or_default().news))
    }

    /// The size of all kept updates.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.kept_memory(|memory| memory.bytes())
    }

    /// Records that a program has confirmed updates of a bot, unless it has another bot by now. Removes those that all
    /// programs of the bot have confirmed. When this returns, the confirmation is durable.
    pub async fn confirm(&self, name: &str, bot: BotId, confirmed: Confirmed) -> Result<(), StoreError> {
        self.change_program(name, move |row, db| {
            // The numbers belong to another bot.
            if row.bot != bot {
                return Ok(());
            }
            match confirmed {
                Confirmed::Below(number) => row.cursor = row.cursor.max(number),
                Confirmed::Some(numbers) => row.done.extend(numbers),
            }
            advance(row, db)
        })
        .await?;
        self.remove_confirmed().await
    }

    /// Changes the state of a program, durably.
    pub async fn set_program(
        &self,
        name: &str,
        change: impl FnOnce(&mut ProgramRow) + Send + 'static,
    ) -> Result<(), StoreError> {
        self.change_program(name, move |row, _| {
            change(row);
            Ok(())
        })
        .await
    }

    async fn change_program(
        &self,
        name: &str,
        change: impl FnOnce(&mut ProgramRow, &Db) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.db()?;
        let (memory, name) = (self.0.kept.clone(), name.to_owned());
        let plan = move |txn: &mut WriteTxn| {
            let mut batch = Batch::default();
            let Some(mut row) = PROGRAMS.get(&txn.db, &name)? else {
                return Ok(Commit { batch: None, answer: (), then: Box::new(|_: &mut Index| ()) });
            };
            change(&mut row, &txn.db)?;
            PROGRAMS.put(&mut batch, &name, &row);
            let then = move |_: &mut Index| memory.with(|memory| memory.programs.extend([(name, row)]));
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(then) })
        };
        self.0.committer.write(plan).await
    }

    /// Removes the updates that no program waits for.
    async fn remove_confirmed(&self) -> Result<(), StoreError> {
        loop {
            let confirmed = self.kept_memory(|memory| {
                let rows = memory.programs.values().filter(|row| !row.is_away);
                let mut floors = BTreeMap::<BotId, i64>::new();
                for row in rows {
                    let floor = floors.entry(row.bot).or_insert(i64::MAX);
                    *floor = (*floor).min(row.cursor);
                }
                let below = memory.queues.iter().flat_map(|(bot, queue)| {
                    let floor = floors.get(bot).copied().unwrap_or(i64::MAX);
                    let below = queue.entries.range(..queue.place(floor));
                    below.map(|entry| KeptKey { bot: *bot, number: entry.number })
                });
                below.take(STEP).collect::<Vec<_>>()
            });
            if confirmed.is_empty() {
                return Ok(());
            }
            let memory = self.0.kept.clone();
            let plan = move |_: &mut WriteTxn| {
                let mut batch = Batch::default();
                for key in &confirmed {
                    KEPT.remove(&mut batch, key);
                }
                let then = move |_: &mut Index| memory.with(|memory| memory.removed(&confirmed));
                Ok(Commit { batch: Some(batch), answer: (), then: Box::new(then) })
            };
            self.0.committer.write(plan).await?;
        }
    }
}

/// The number of a bot's newest kept update.
fn last_of(db: &Db, bot: BotId) -> Result<Option<i64>, StoreError> {
    let key = |number| KEPT.key(&KeptKey { bot, number });
    let last = db.range(key(0)..key(i64::MAX)).next_back().transpose()?;
    Ok(last.and_then(|(key, _)| KEPT.read_key(&key)).map(|key| key.number))
}

/// Moves the cursor over the confirmed updates.
fn advance(row: &mut ProgramRow, db: &Db) -> Result<(), StoreError> {
    let key = |number| KEPT.key(&KeptKey { bot: row.bot, number });
    // From each range to the next kept update: numbers in between may have no update.
    while let Some(entry) = db.range(key(row.cursor)..key(i64::MAX)).keys().next() {
        let number = KEPT.read_key(&entry?).map_or(i64::MAX, |key| key.number);
        let Some(last) = row.done.end_of(number) else { break };
        row.cursor = last + 1;
    }
    row.done.remove_below(row.cursor);
    // A list of kinds is over once the cursor has reached the next list.
    while row.wanted.get(1).is_some_and(|(from, _)| *from <= row.cursor) {
        row.wanted.remove(0);
    }
    Ok(())
}
