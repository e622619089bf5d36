//! What managers and Salesbot answered: each answer has an end that Kommo knows; what was delivered is there, in order;
//! what failed is not; and a kill explains each repetition.

use std::collections::{BTreeMap, BTreeSet};

use telekommo::sandbox::{
    harness::Harness,
    kommo::{Message, Status},
    telegram::ChatMessage,
};

use super::{Opened, Scene, Seen, Verdict, View};
use crate::people::{self, Book, Item, Said, Talk};

/// What was taken and has no end yet.
pub(super) fn left(stage: &Harness, book: &Book) -> usize {
    let one = |talk: Talk| {
        talk.in_kommo(&stage.kommo, |messages| {
            let ends = ends_of(messages);
            let taken = people::of(book, &talk).answers.iter().filter(|answer| answer.is_accepted);
            taken.filter(|answer| ends.get(answer.id.as_str()).is_none_or(|status| **status == Status::Sent)).count()
        })
    };
    Talk::all().into_iter().map(one).sum()
}

/// What has failed everywhere, by Kommo's ids.
pub(super) fn failed(stage: &Harness) -> BTreeSet<String> {
    let is_failed = |it: &&Message| matches!(it.status, Status::Failed { .. });
    let ids = |all: &[Message]| all.iter().filter(is_failed).map(|it| it.id.clone()).collect::<Vec<_>>();
    Talk::all().into_iter().flat_map(|talk| talk.in_kommo(&stage.kommo, ids)).collect()
}

/// How many answers there are, by the numbers of the conversations.
pub(crate) fn count(book: &Book) -> BTreeMap<usize, usize> {
    book.said.iter().map(|(number, said)| (*number, said.answers.len())).collect()
}

/// What of the answers behind the first so many was not delivered. Nothing went wrong meanwhile.
pub(crate) fn undelivered(stage: &Harness, before: &BTreeMap<usize, usize>, book: &Book) -> Vec<String> {
    let one = |talk: Talk| {
        talk.in_kommo(&stage.kommo, |messages| {
            let ends = ends_of(messages);
            let new = people::of(book, &talk).answers.iter().skip(before[&talk.number()]);
            let is_delivered = |id: &str| matches!(ends.get(id), Some(Status::Delivered | Status::Read));
            let left = new.filter(|answer| !answer.is_accepted || !is_delivered(&answer.id));
            left.map(|answer| format!("{:?}: {:?}", answer.shows, ends.get(answer.id.as_str()))).collect::<Vec<_>>()
        })
    };
    Talk::all().into_iter().flat_map(one).collect()
}

/// What became of messages, by Kommo's ids.
fn ends_of(messages: &[Message]) -> BTreeMap<&str, &Status> {
    messages.iter().map(|message| (message.id.as_str(), &message.status)).collect()
}

/// A message of the bot's, and which answer it shows.
struct Arrived<'v> {
    answer: usize,
    item: Item,
    message: &'v ChatMessage,
}

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    for view in scene.views {
        let said = people::of(scene.book, &view.talk);
        let mut problems = Vec::new();
        let arrived = arrived(view, said, scene.opened, &mut problems);
        in_order(view, said, &arrived, &mut problems);
        ends(view, said, scene, &arrived, verdict, &mut problems);
        doubled(&view.talk, &arrived, scene.kills, verdict, &mut problems);
        quotes(view, said, scene, &arrived, verdict, &mut problems);
        let here = view.talk.conversation();
        verdict.problems.extend(problems.into_iter().map(|problem| format!("{here}: in Telegram: {problem}")));
    }
}

/// What the bot has written there, as far as somebody said so.
fn arrived<'v>(view: &'v View, said: &Said, opened: &Opened, problems: &mut Vec<String>) -> Vec<Arrived<'v>> {
    let mut arrived = Vec::new();
    let whole: BTreeMap<_, _> = said.answers.iter().map(|answer| &answer.shows).zip(0..).collect();
    for message in view.sent() {
        let item = Item::shown(&view.talk, &message.text, opened.in_telegram(message));
        let rest = || said.answers.iter().position(|answer| is_rest(&answer.shows, &item));
        match whole.get(&item).copied().or_else(rest) {
            Some(answer) => arrived.push(Arrived { answer, item, message }),
            None => problems.push(format!("{item:?} does not belong here")),
        }
    }
    arrived
}

/// Whether `item` is what goes of an answer whose file cannot be had.
fn is_rest(whole: &Item, item: &Item) -> bool {
    whole.file.is_some() && item.file.is_none() && !item.words.is_empty() && item.words == whole.words
}

/// The bot's messages stand as they were written. What Kommo could not hand over is found later, behind what it could.
fn in_order(view: &View, said: &Said, arrived: &[Arrived<'_>], problems: &mut Vec<String>) {
    let written_at: BTreeMap<_, _> = view.in_kommo.iter().map(|it| (it.id.as_str(), it.at_ms)).collect();
    // An album that is repeated begins anew.
    let mut known = BTreeSet::new();
    let first = arrived.iter().filter(|it| known.insert(&it.item));
    let taken: Vec<_> = first.filter(|it| said.answers[it.answer].is_accepted).collect();
    for turn in taken.windows(2) {
        let (one, other) = (&said.answers[turn[0].answer], &said.answers[turn[1].answer]);
        let album = turn[0].message.media_group_id.as_deref();
        let is_one = album.is_some() && album == turn[1].message.media_group_id.as_deref();
        let at = |id: &str| written_at.get(id);
        // The hooks of several files come in any order, but Kommo has told when each was written.
        if one.place > other.place || is_one && at(&one.id) > at(&other.id) {
            problems.push(format!("out of order: {:?}", [one, other]));
        }
    }
}

fn ends(
    view: &View,
    said: &Said,
    scene: &Scene<'_>,
    arrived: &[Arrived<'_>],
    verdict: &mut Verdict,
    problems: &mut Vec<String>,
) {
    let ends = ends_of(&view.in_kommo);
    let there: BTreeSet<_> = arrived.iter().map(|it| &it.item).collect();
    for answer in &said.answers {
        let shown = &answer.shows;
        let is_there = there.contains(shown);
        if answer.is_accepted {
            verdict.count("answers taken", 1);
            verdict.count("files among the answers taken", usize::from(shown.file.is_some()));
        }
        match ends.get(answer.id.as_str()) {
            Some(Status::Delivered | Status::Read) => {
                let what = if answer.is_accepted { "answers delivered" } else { "answers delivered, though not taken" };
                verdict.count(what, 1);
                if !is_there {
                    problems.push(format!("{shown:?} is called delivered, and is not there"));
                }
            }
            Some(Status::Failed { text, .. }) if text.trim().is_empty() => {
                problems.push(format!("nobody says why {shown:?} failed"));
            }
            Some(Status::Failed { text, .. })
                if !scene.before.failed.contains(&answer.id) && !scene.played.explains(text) =>
            {
                problems.push(format!("nothing that was played explains that {shown:?} failed: {text}"));
            }
            Some(Status::Failed { text, .. }) if text.starts_with("May not") => {
                verdict.count("answers that may not have arrived", 1);
            }
            Some(Status::Failed { text, .. }) => {
                verdict.count("answers that failed", 1);
                if is_there {
                    problems.push(format!("{shown:?} is there, and is called failed: {text}"));
                }
            }
            Some(Status::Sent) | None if answer.is_accepted => problems.push(format!("{shown:?} has no end")),
            Some(Status::Sent) | None => {}
        }
    }
}

/// Between a message and its repetition lies a kill, and each kill repeats no more than one call: a message, or an
/// album.
fn doubled(talk: &Talk, arrived: &[Arrived<'_>], kills: &[Seen], verdict: &mut Verdict, problems: &mut Vec<String>) {
    let mut spent: Vec<(usize, Option<&str>)> = Vec::new();
    let mut before: BTreeMap<&Item, usize> = BTreeMap::new();
    for (at, it) in arrived.iter().enumerate() {
        let Some(first) = before.insert(&it.item, at) else { continue };
        verdict.count(if it.item.file.is_some() { "files doubled by a kill" } else { "answers doubled by a kill" }, 1);
        let album = it.message.media_group_id.as_deref();
        let is_between = |kill: &usize| (first + 1..=at).contains(&kills[*kill][&talk.number()]);
        let is_free =
            |kill: &usize| spent.iter().all(|(other, with)| other != kill || album.is_some() && *with == album);
        match (0..kills.len()).filter(is_between).find(is_free) {
            Some(kill) => spent.push((kill, album)),
            None => problems.push(format!("no kill explains that {:?} is there twice", it.item)),
        }
    }
}

/// An answer to a message stands below that message. Kommo's history does not tell what an answer that is found there
/// is about.
fn quotes(
    view: &View,
    said: &Said,
    scene: &Scene<'_>,
    arrived: &[Arrived<'_>],
    verdict: &mut Verdict,
    problems: &mut Vec<String>,
) {
    let messages: BTreeMap<_, _> = view.in_telegram.iter().map(|message| (message.message_id, message)).collect();
    for it in arrived {
        let answer = &said.answers[it.answer];
        let Some(quoted) = &answer.quotes else { continue };
        let Some(id) = it.message.reply_to else {
            verdict.count("answers that quote nothing any more", 1);
            if answer.is_accepted && scene.older_stores.is_empty() {
                problems.push(format!("{:?} answers nothing, not {quoted:?}", it.item));
            }
            continue;
        };
        let named = messages.get(&id).map(|message| Item::shown(&view.talk, &message.text, None));
        if named.as_ref().map(Item::unchanged) != Some(quoted.unchanged()) {
            problems.push(format!("{:?} answers {named:?}, not {quoted:?}", it.item));
        }
    }
}
