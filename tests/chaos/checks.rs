//! What must hold once everything works again.
//!
//! # How a checker joins
//!
//! A checker is a function of a [`Scene`] that adds what is wrong to a [`Verdict`], and what it counts to its figures;
//! its line in [`CHECKS`] lets it judge after each phase. Where something takes its time to arrive, a function in
//! [`LEFT`] tells how much of it has not, and what should make nothing stand still.

use std::collections::{BTreeMap, BTreeSet};

use telekommo::sandbox::{
    harness::{Harness, LINES},
    kommo::Message,
    telegram::ChatMessage,
};

use crate::people::{Book, Item, Talk, programs::is_programs};

pub(crate) use answers::{count, undelivered};
pub(crate) use leaks::Leaks;
pub(crate) use opened::Opened;
pub(crate) use played::Played;
pub(crate) use written::changed;

mod answers;
mod contacts;
mod hush;
mod imported;
mod leaks;
mod opened;
mod places;
mod played;
mod programs;
mod reactions;
mod room;
mod written;

/// The tag that the bridge gives to every contact.
pub(crate) const CONTACT_TAG: &str = "chaos";

type Left = fn(&Harness, &Book) -> usize;

/// How many messages the bot had written in each conversation when the bridge was killed.
pub(crate) type Seen = BTreeMap<usize, usize>;

/// What a conversation shows on both sides, oldest first.
pub(crate) struct View {
    pub(crate) talk: Talk,
    pub(crate) in_kommo: Vec<Message>,
    pub(crate) in_telegram: Vec<ChatMessage>,
}

impl View {
    /// Those of all conversations, read once for all who judge.
    pub(crate) fn all(stage: &Harness) -> Vec<Self> {
        let one = |talk: Talk| Self {
            talk,
            in_kommo: talk.in_kommo(&stage.kommo, <[_]>::to_vec),
            in_telegram: talk.in_telegram(&stage.telegram, <[_]>::to_vec),
        };
        Talk::all().into_iter().map(one).collect()
    }

    /// What the bot has written, but for what programs have sent.
    fn sent(&self) -> impl Iterator<Item = &ChatMessage> {
        self.in_telegram.iter().filter(|message| is_sent(message))
    }
}

/// Whether telekommo itself has sent a message.
fn is_sent(message: &ChatMessage) -> bool {
    message.from_bot && !is_programs(&message.text)
}

/// What was so when it was judged before.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// The answers that had failed, by Kommo's ids.
    failed: BTreeSet<String>,
    /// All contacts.
    contacts: BTreeSet<u64>,
    /// The newcomers whose contact was overlooked.
    overlooked: BTreeSet<i64>,
    /// The contacts without all of their tags.
    untagged: BTreeSet<u64>,
}

impl Before {
    pub(crate) fn now(stage: &Harness, book: &Book) -> Self {
        let cards = stage.kommo.cards();
        Self {
            failed: answers::failed(stage),
            contacts: cards.iter().map(|card| card.id).collect(),
            overlooked: contacts::overlooked(stage, book),
            untagged: cards.iter().filter(|card| contacts::is_untagged(card)).map(|card| card.id).collect(),
        }
    }
}

/// What is judged.
pub(crate) struct Scene<'s> {
    pub(crate) stage: &'s Harness,
    pub(crate) views: &'s [View],
    pub(crate) book: &'s Book,
    pub(crate) kills: &'s [Seen],
    /// Each time the store became an older one, the changed wordings that there were.
    pub(crate) older_stores: &'s [BTreeSet<Item>],
    /// What went wrong since it was judged before.
    pub(crate) played: &'s Played,
    pub(crate) before: &'s Before,
    /// Whether the database may have given up since.
    pub(crate) may_have_given_up: bool,
    /// The files of both sides.
    pub(crate) opened: &'s Opened,
    /// Secrets that were seen where they do not belong.
    pub(crate) leaks: &'s Leaks,
    /// The bridge's process, while it runs.
    pub(crate) process: Option<u32>,
    /// What the bridge has said since it was judged before.
    pub(crate) logs: &'s str,
    /// What it has set aside, as it tells its operator: of customers, and the newest of all.
    pub(crate) parked: &'s [Option<String>; 2],
}

/// What came of a phase.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) problems: Vec<String>,
    figures: BTreeMap<&'static str, usize>,
}

impl Verdict {
    /// Counts something for the table of figures.
    pub(crate) fn count(&mut self, what: &'static str, more: usize) {
        *self.figures.entry(what).or_default() += more;
    }

    fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(what.into());
    }

    /// What was counted.
    pub(crate) fn figures(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.figures.iter().map(|(what, count)| (*what, *count))
    }
}

/// Who judges.
const CHECKS: [fn(&Scene<'_>, &mut Verdict); 10] = [
    written::judge,
    answers::judge,
    places::judge,
    reactions::judge,
    contacts::judge,
    imported::judge,
    programs::judge,
    hush::judge,
    leaks::judge,
    room::judge,
];
/// Who knows what is under way.
const LEFT: [(&str, Left); 5] = [
    ("updates of Telegram", unconfirmed),
    ("messages of customers", written::left),
    ("ends of answers", answers::left),
    ("messages of newcomers", contacts::left),
    ("updates and messages of programs", programs::left),
];

/// How many messages the bot has written everywhere.
pub(crate) fn seen(stage: &Harness) -> Seen {
    let count = |all: &[ChatMessage]| all.iter().filter(|message| is_sent(message)).count();
    Talk::all().iter().map(|talk| (talk.number(), talk.in_telegram(&stage.telegram, count))).collect()
}

/// How much of what was said has not arrived yet, and is not given up either.
pub(crate) fn left(stage: &Harness, book: &Book) -> BTreeMap<&'static str, usize> {
    LEFT.iter().map(|(what, left)| (*what, left(stage, book))).collect()
}

/// What the bridge has not confirmed to Telegram.
fn unconfirmed(stage: &Harness, _: &Book) -> usize {
    LINES.iter().map(|line| stage.telegram.pending(line.token)).sum()
}

/// Judges everything that was said since the beginning.
pub(crate) fn judge(scene: &Scene<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for check in CHECKS {
        check(scene, &mut verdict);
    }
    verdict
}
