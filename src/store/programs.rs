//! How far each program of the owner's has come with the updates of its bot, and what it has asked for.

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
    /// For how long after a manager's message it gets nothing of what is said in the chat.
    pub quiet: Option<Duration>,
}

/// What is known of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRow {
    /// The bot whose updates it gets.
    pub bot: BotId,
    /// The first number that it has not confirmed.
    pub cursor: i64,
    /// Later ones that it has.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub done: Ranges,
    /// Which kinds it wants, each from a number on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<(i64, Option<Vec<String>>)>,
    /// Where its updates are sent, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// How many updates it has never got, because there was no room or they were too old.
    #[serde(default)]
    pub dropped: u64,
    /// How many updates were withheld from it, because a manager had written in their chats.
    #[serde(default)]
    pub withheld: u64,
    /// For how many seconds after a manager's message updates are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_seconds: Option<u64>,
    /// Whether it is in no configuration. Nothing is kept for it then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_away: bool,
}

/// Where the updates of a program are sent (Bot API, `setWebhook`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub url: String,
    /// What stands in a header of each request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_token: Option<String>,
    /// How many requests may be under way at once.
    pub max_connections: u32,
    /// The certificate that the address shows, in the form of PEM.
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

/// How far a program has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub name: String,
    pub bot: BotId,
    /// How many updates it has not confirmed.
    pub waiting: usize,
    /// How much room they take.
    pub bytes: u64,
    /// When the oldest of them came.
    pub oldest_at: Option<UnixMillis>,
    pub dropped: u64,
    /// How many were withheld from it for a manager's sake.
    pub withheld: u64,
    /// Whether its updates are sent to it.
    pub has_webhook: bool,
}

/// What a program confirms.
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
    /// Serves these programs, each with the updates of a bot, and no others. One that is new, or was away, begins with
    /// what comes from now on.
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
                // Where nobody knows any more which were given: none that a program knows is given again.
                let known_of = known.values().filter(|row| row.bot == bot).map(|row| row.cursor);
                let next = known_of.chain(last_of(&txn.db, bot)?.map(|last| last + 1)).fold(next, i64::max);
                NEXT_KEPT.put(&mut batch, &bot, &next);
                let row = known.entry(name).or_insert_with(|| ProgramRow { is_away: true, ..ProgramRow::default() });
                if row.is_away || row.bot != bot {
                    let former = std::mem::take(row);
                    let ProgramRow { dropped, withheld, .. } = former;
                    *row = ProgramRow { bot, cursor: next, dropped, withheld, ..ProgramRow::default() };
                    // A bot's own settings are not another's.
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

    /// What is known of a program.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<ProgramRow> {
        self.kept_memory(|memory| memory.programs.get(name).cloned()).filter(|row| !row.is_away)
    }

    /// How far the programs have come, by their names.
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

    /// An update that is kept; `None` if it is no more.
    pub fn kept(&self, bot: BotId, number: i64) -> Result<Option<KeptUpdate>, StoreError> {
        KEPT.get(&self.db()?, &KeptKey { bot, number })
    }

    /// The number that the next update of a bot is given, if that is known.
    pub fn next_kept(&self, bot: BotId) -> Result<Option<i64>, StoreError> {
        NEXT_KEPT.get(&self.db()?, &bot)
    }

    /// Told whenever there are more updates of a bot. Register interest before looking.
    #[must_use]
    pub fn kept_news(&self, bot: BotId) -> Arc<Notify> {
        self.kept_memory(|memory| Arc::clone(&memory.queues.entry(bot).or_default().news))
    }

    /// How much room all kept updates take.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.kept_memory(|memory| memory.bytes())
    }

    /// A program has confirmed updates of a bot, unless it has another one by now. Those that all programs of its bot
    /// have confirmed go. When this returns, that is durable.
    pub async fn confirm(&self, name: &str, bot: BotId, confirmed: Confirmed) -> Result<(), StoreError> {
        self.change_program(name, move |row, db| {
            // Its numbers are another bot's.
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

    /// Changes what is known of a program, durably.
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

    /// Removes what no program waits for.
    async fn remove_confirmed(&self) -> Result<(), StoreError> {
        loop {
            let gone = self.kept_memory(|memory| {
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
            if gone.is_empty() {
                return Ok(());
            }
            let memory = self.0.kept.clone();
            let plan = move |_: &mut WriteTxn| {
                let mut batch = Batch::default();
                for key in &gone {
                    KEPT.remove(&mut batch, key);
                }
                let then = move |_: &mut Index| memory.with(|memory| memory.removed(&gone));
                Ok(Commit { batch: Some(batch), answer: (), then: Box::new(then) })
            };
            self.0.committer.write(plan).await?;
        }
    }
}

/// The number of the newest update that is kept of a bot.
fn last_of(db: &Db, bot: BotId) -> Result<Option<i64>, StoreError> {
    let key = |number| KEPT.key(&KeptKey { bot, number });
    let last = db.range(key(0)..key(i64::MAX)).next_back().transpose()?;
    Ok(last.and_then(|(key, _)| KEPT.read_key(&key)).map(|key| key.number))
}

/// Moves the cursor over what is confirmed.
fn advance(row: &mut ProgramRow, db: &Db) -> Result<(), StoreError> {
    let key = |number| KEPT.key(&KeptKey { bot: row.bot, number });
    // From each range to the next update that is kept: there may be none of the numbers between.
    while let Some(entry) = db.range(key(row.cursor)..key(i64::MAX)).keys().next() {
        let number = KEPT.read_key(&entry?).map_or(i64::MAX, |key| key.number);
        let Some(last) = row.done.end_of(number) else { break };
        row.cursor = last + 1;
    }
    row.done.remove_below(row.cursor);
    // What each change of its wishes begins with is over.
    while row.wanted.get(1).is_some_and(|(from, _)| *from <= row.cursor) {
        row.wanted.remove(0);
    }
    Ok(())
}
