//! Updates that are kept for the owner's own programs, until all programs of their bot have confirmed them.
//!
//! Telegram's numbers may start again, so an update gets one of ours, which ascend for the life of the store. After a
//! restore they go on above all numbers that were ever given: they are derived from the time, at a rate that no bot
//! exceeds for long.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{BotId, Conversation},
        job::IdempotencyKey,
        time::UnixMillis,
    },
    store::{
        Store, StoreError, attended,
        committer::{Commit, WriteTxn},
        db::Batch,
        index::Index,
        lookup::Lookup,
        programs::ProgramRow,
        push::{remember_id, was_taken},
        rows,
        scan::scan,
        table::{Key, ReadKey},
        tables::{KEPT, NEXT_KEPT, PROGRAMS},
    },
};

mod memory;
mod ranges;

pub(super) use memory::{Entry, Memory, SharedMemory};
pub use ranges::Ranges;

/// An update that is kept for programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptUpdate {
    /// When it arrived.
    pub at: UnixMillis,
    /// Its kind, as Telegram calls it.
    pub kind: String,
    /// The thread in which it stays in order with others: its chat or its sender.
    pub thread: String,
    /// The contact that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Whether it is about something of the bridge: a button of Kommo's, a link.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ours: bool,
    /// Its JSON as it arrived.
    pub raw: String,
}

/// An update to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKept {
    /// Recognises a repetition.
    pub id: IdempotencyKey,
    pub bot: BotId,
    pub update: KeptUpdate,
    /// The conversation of its message, which quiet programs do not get while a manager writes there; `None` for
    /// updates that are no message.
    pub conversation: Option<Conversation>,
}

/// Our number of a bot's update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeptKey {
    pub(super) bot: BotId,
    pub(super) number: i64,
}

impl Key for KeptKey {
    fn bytes(&self) -> Vec<u8> {
        [self.bot.0.to_be_bytes(), self.number.to_be_bytes()].concat()
    }
}

impl ReadKey for KeptKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (bot, number) = bytes.split_first_chunk::<8>()?;
        let number = i64::from_be_bytes(number.try_into().ok()?);
        Some(Self { bot: BotId(u64::from_be_bytes(*bot)), number })
    }
}

/// The second of the first number, since 1970: the start of 2020.
const FIRST_SECOND: i64 = 1_577_836_800;
/// How many numbers each second since then has, if they are derived from the time.
const PER_SECOND: i64 = 2;
/// How many rows go in one commit.
const STEP: usize = 200;

/// A number above all that were given until now, derived from the time.
pub(super) fn by_time(now: UnixMillis) -> i64 {
    now.seconds().saturating_sub(FIRST_SECOND).saturating_mul(PER_SECOND).clamp(1, i32::MAX.into())
}

/// The number of a bot's next update.
pub(super) fn next_number(db: &Lookup, bot: BotId, now: UnixMillis) -> Result<i64, StoreError> {
    Ok(NEXT_KEPT.get(db, &bot)?.unwrap_or_else(|| by_time(now)))
}

/// The changes in memory once updates are kept.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) added: Vec<(BotId, Entry)>,
    /// The programs from which updates were withheld.
    pub(super) changed: BTreeMap<String, ProgramRow>,
}

/// Adds updates to a batch, each once. An update that is withheld from every program of its bot is not kept.
pub(super) fn keep(
    txn: &WriteTxn,
    batch: &mut Batch,
    kept: Vec<NewKept>,
    (until, now): (UnixMillis, UnixMillis),
) -> Result<Kept, StoreError> {
    let (mut added, mut seen, mut next) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    let mut changed = BTreeMap::new();
    for NewKept { id, bot, update, conversation } in kept {
        if !seen.insert(id.0.clone()) || was_taken(&txn.db, &id)? {
            continue;
        }
        // It may have no job that records its key.
        remember_id(batch, &id, until);
        let Quiet { programs, others } = quiet(txn, (bot, conversation), update.at)?;
        for (name, row) in &programs {
            changed.entry(name.clone()).or_insert_with(|| row.clone()).withheld += 1;
        }
        if !programs.is_empty() && others == 0 {
            continue;
        }
        let number = match next.get(&bot) {
            Some(number) => *number,
            None => next_number(&txn.db, bot, now)?,
        };
        next.insert(bot, number + 1);
        // For these programs it counts as confirmed.
        for (name, _) in &programs {
            if let Some(row) = changed.get_mut(name) {
                row.done.insert(number);
            }
        }
        let value = rows::write(&update);
        added.push((bot, Entry { number, at: update.at, bytes: value.len() }));
        batch.insert(KEPT.key(&KeptKey { bot, number }), value);
    }
    for (bot, number) in next {
        NEXT_KEPT.put(batch, &bot, &number);
    }
    for (name, row) in &changed {
        PROGRAMS.put(batch, name, row);
    }
    Ok(Kept { added, changed })
}

/// Which programs are quiet, and how many others the bot has.
#[derive(Default)]
struct Quiet {
    programs: Vec<(String, ProgramRow)>,
    others: usize,
}

/// The programs of a bot that are quiet in a conversation, because a manager writes there.
fn quiet(
    txn: &WriteTxn,
    (bot, conversation): (BotId, Option<Conversation>),
    at: UnixMillis,
) -> Result<Quiet, StoreError> {
    let since = conversation.as_ref().map(|conversation| attended::since(&txn.db, conversation)).transpose()?.flatten();
    let (Some(conversation), Some(since)) = (conversation, since) else { return Ok(Quiet::default()) };
    let (mut found, silence) = (Quiet::default(), since.until(at));
    for program in PROGRAMS.rows(&txn.db) {
        let (name, row) = program?;
        if row.is_away || row.bot != bot {
            continue;
        }
        if row.quiet().is_some_and(|quiet| silence < quiet) {
            tracing::debug!(program = name, %conversation, "an update is withheld: a manager writes in its chat");
            found.programs.push((name, row));
        } else {
            found.others += 1;
        }
    }
    Ok(found)
}

/// The limits of kept updates, beyond which they are dropped although a program has not confirmed them.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Updates from before this instant are dropped.
    pub before: UnixMillis,
    /// The limit for all bots. Beyond it, the oldest updates of the bot with the most bytes are dropped, so that a
    /// flooded bot costs the others nothing.
    pub max_bytes: u64,
}

impl Store {
    /// Drops the updates beyond the bounds, and counts them for each program that has not confirmed them. Returns their
    /// number.
    pub async fn bound_kept(&self, bounds: Bounds) -> Result<usize, StoreError> {
        let mut dropped = 0;
        loop {
            let beyond = self.kept_memory(|memory| memory.beyond(bounds, STEP));
            if beyond.is_empty() {
                return Ok(dropped);
            }
            dropped += beyond.len();
            self.drop_kept(beyond).await?;
        }
    }

    async fn drop_kept(&self, beyond: Vec<KeptKey>) -> Result<(), StoreError> {
        self.db()?;
        let memory = self.0.kept.clone();
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, mut changed) = (Batch::default(), BTreeMap::new());
            for entry in scan(&txn.db, &PROGRAMS.prefix) {
                let (key, value) = entry?;
                let (Some(name), Some(mut row)) = (PROGRAMS.read_key(&key), rows::read(&key, &value)) else { continue };
                if memory::lose(&mut row, &beyond) {
                    batch.insert(key, rows::write(&row));
                    changed.insert(name, row);
                }
            }
            for key in &beyond {
                KEPT.remove(&mut batch, key);
            }
            let then = move |_: &mut Index| memory.with(|memory| memory.dropped(&beyond, changed));
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(then) })
        };
        self.0.committer.write(plan).await
    }

    pub(super) fn kept_memory<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        self.0.kept.with(act)
    }
}
