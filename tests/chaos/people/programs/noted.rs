//! What programs got, and what they had confirmed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use super::{AT_ONCE, KINDS};
use crate::people::Talk;

/// For how long a reload may cut off what is being sent to a webhook.
const RELOADS: Duration = Duration::from_secs(5);

/// All that concerns programs.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// What Telegram has told the bot, by its own numbers.
    told: BTreeMap<i64, String>,
    pub(crate) polls: Log,
    pub(crate) hooked: Log,
    /// What was sent to whom, and whether Telegram's answer has come.
    pub(crate) sent: BTreeMap<String, (Talk, bool)>,
    /// How often the store became an older one.
    pub(crate) epoch: usize,
    /// How often the bridge was started, and asked to read its configuration again.
    starts: usize,
    reloads: usize,
    reloaded_at: Option<Instant>,
}

/// What one program got.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// What came for the first time, with its chat, in the order in which it came.
    pub(crate) first: Vec<(String, i64)>,
    contents: BTreeSet<String>,
    /// By the numbers under which it came since the store became an older one.
    numbers: BTreeMap<i64, String>,
    confirmed: BTreeMap<i64, Confirmed>,
    pub(crate) again: usize,
    pub(crate) again_though_confirmed: usize,
    pub(crate) problems: Vec<String>,
}

/// When something was confirmed.
#[derive(Clone, Copy, Debug)]
struct Confirmed {
    at: Instant,
    starts: usize,
}

/// What an update says, but for its number.
pub(crate) fn content(update: &Value) -> String {
    let mut update = update.clone();
    if let Some(fields) = update.as_object_mut() {
        fields.remove("update_id");
    }
    update.to_string()
}

/// Whether programs ask for updates of this kind.
fn is_asked_for(update: &Value) -> bool {
    KINDS.iter().any(|kind| update[*kind].is_object())
}

/// The chat that an update is of.
fn chat(update: &Value) -> i64 {
    let of = |kind: &&str| {
        let it = &update[*kind];
        it["chat"]["id"].as_i64().or_else(|| it["message"]["chat"]["id"].as_i64())
    };
    KINDS.iter().find_map(of).unwrap_or_default()
}

impl Programs {
    /// Notes what Telegram has told the bot.
    pub(super) fn told(&mut self, updates: &[Value]) {
        for update in updates.iter().filter(|update| is_asked_for(update)) {
            if let Some(id) = update["update_id"].as_i64() {
                self.told.insert(id, content(update));
            }
        }
    }

    /// Notes what came to the program that polls, in answer to an offset.
    pub(super) fn polled(&mut self, epoch: usize, offset: Option<i64>, updates: &[Value]) {
        // What an earlier bridge has answered says nothing of this one.
        if epoch != self.epoch {
            return;
        }
        if let Some(offset) = offset {
            self.polls.confirm(offset, Confirmed { at: Instant::now(), starts: self.starts });
        }
        for update in updates {
            let newest = self.polls.numbers.keys().next_back().copied();
            let number = update["update_id"].as_i64();
            if number < newest && number.is_none_or(|number| !self.polls.numbers.contains_key(&number)) {
                self.polls.problems.push(format!("a new update has the number {number:?}, below {newest:?}"));
            }
            // What was confirmed was confirmed durably.
            self.polls.got(update, |_| false);
        }
    }

    /// Notes what came to the webhook, and whether it has taken it.
    pub(super) fn hooked(&mut self, update: &Value, is_taken: bool) {
        let (starts, reloaded_at, now) = (self.starts, self.reloaded_at, Instant::now());
        // Nobody may have been there to hear that it was taken.
        let is_excused = |it: &Confirmed| {
            it.starts < starts || reloaded_at.is_some_and(|reloaded| it.at < reloaded + RELOADS && reloaded <= now)
        };
        self.hooked.got(update, is_excused);
        if self.hooked.again_though_confirmed > AT_ONCE * (starts + self.reloads) {
            self.hooked.problems.push("more came again than can have been under way".to_owned());
        }
        if let Some(number) = update["update_id"].as_i64().filter(|_| is_taken) {
            self.hooked.confirmed.insert(number, Confirmed { at: now, starts });
        }
    }

    /// The bridge is started.
    pub(crate) fn starts(&mut self) {
        self.starts += 1;
    }

    /// The bridge is asked to read its configuration again.
    pub(crate) fn reloads(&mut self) {
        self.reloads += 1;
        self.reloaded_at = Some(Instant::now());
    }

    /// The store has become an older one: what was confirmed behind it may come again, and numbers are given again.
    pub(in crate::people) fn store_is_older(&mut self) {
        self.epoch += 1;
        for log in [&mut self.polls, &mut self.hooked] {
            log.numbers.clear();
            log.confirmed.clear();
        }
    }

    /// What Telegram has told, and a program has not got. What it has forgotten before the bot had it need not come.
    pub(crate) fn missing(&self, log: &Log, forgotten: &BTreeSet<String>) -> usize {
        self.told.values().filter(|content| !forgotten.contains(*content) && !log.contents.contains(*content)).count()
    }

    /// What a program got that Telegram has not told, or not in this order. A webhook gets chats side by side.
    pub(crate) fn out_of_order(&self, log: &Log, are_chats_apart: bool) -> Vec<String> {
        let places: BTreeMap<_, _> = self.told.iter().map(|(id, content)| (content.as_str(), *id)).collect();
        let (mut newest, mut problems) = (BTreeMap::new(), Vec::new());
        for (content, chat) in &log.first {
            let Some(place) = places.get(content.as_str()) else {
                problems.push(format!("nobody has told the bot {content}"));
                continue;
            };
            let before = newest.insert(if are_chats_apart { *chat } else { 0 }, *place);
            if let Some(before) = before.filter(|before| before > place) {
                problems.push(format!("{place} comes behind {before}: {content}"));
            }
        }
        problems
    }
}

impl Log {
    /// Notes an update that came. One that came before and was confirmed needs an excuse.
    fn got(&mut self, update: &Value, is_excused: impl Fn(&Confirmed) -> bool) {
        let content = content(update);
        let Some(number) = update["update_id"].as_i64() else {
            self.problems.push(format!("an update has no number: {content}"));
            return;
        };
        match (self.numbers.get(&number), self.confirmed.remove(&number)) {
            (None, _) => {
                if self.numbers.values().any(|known| *known == content) {
                    self.problems.push(format!("this came under two numbers: {content}"));
                }
                self.numbers.insert(number, content.clone());
                // What came before a program asked for kinds is of the usual ones.
                if is_asked_for(update) && self.contents.insert(content.clone()) {
                    self.first.push((content, chat(update)));
                }
            }
            (Some(known), _) if *known != content => {
                self.problems.push(format!("two updates have the number {number}: {known} and {content}"));
            }
            (Some(_), None) => self.again += 1,
            (Some(_), Some(confirmed)) if is_excused(&confirmed) => self.again_though_confirmed += 1,
            (Some(_), Some(_)) => self.problems.push(format!("{number} comes again, though it was confirmed")),
        }
    }

    fn confirm(&mut self, below: i64, how: Confirmed) {
        for number in self.numbers.range(..below).map(|(number, _)| *number) {
            self.confirmed.entry(number).or_insert(how);
        }
    }
}
