//! What customers wrote is in Kommo: all of it, once, in order, in its own conversation, with its files.

use std::collections::{BTreeMap, BTreeSet};

use telekommo::sandbox::{
    harness::Harness,
    kommo::{Author, Message},
};

use super::{Scene, Verdict, View};
use crate::people::{self, Book, CHANGED, Item, Said, Talk, Written, is_press};

/// How many messages are shown of what is wrong.
const SHOWN: usize = 5;

/// What has not arrived yet. Files are counted; nobody has opened them.
pub(super) fn left(stage: &Harness, book: &Book) -> usize {
    let one = |talk: Talk| {
        let (said, tag) = (people::of(book, &talk), talk.tag());
        talk.in_kommo(&stage.kommo, |messages| {
            let theirs = || messages.iter().filter(|message| message.from == Author::Customer);
            let arrived: BTreeSet<_> = theirs().map(|message| people::words(&tag, &message.text)).collect();
            let words = said.written.iter().filter(|it| !it.is_forgotten).map(|it| it.shows.words.as_str());
            let missing = words.filter(|words| !words.is_empty() && !arrived.contains(words)).count();
            let files = said.written.iter().filter(|it| it.shows.file.is_some()).count();
            missing + files.saturating_sub(theirs().filter(|message| message.media.is_some()).count())
        })
    };
    Talk::all().into_iter().map(one).sum()
}

/// The wordings that have taken the place of others.
pub(crate) fn changed(book: &Book) -> BTreeSet<Item> {
    let shown = book.said.values().flat_map(|said| &said.written).map(|it| it.shows.clone());
    shown.filter(|item| item.words.ends_with(CHANGED)).collect()
}

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    for view in scene.views {
        let said = people::of(scene.book, &view.talk);
        verdict.count("of customers", said.written.len());
        verdict.count("presses", said.answers.iter().filter(|answer| answer.is_pressed).count());
        verdict
            .count("files among those of customers", said.written.iter().filter(|it| it.shows.file.is_some()).count());
        let mut problems = Vec::new();
        conversation(view, said, scene, verdict, &mut problems);
        let here = view.talk.conversation();
        verdict.problems.extend(problems.into_iter().map(|what| format!("{here}: in Kommo: {what}")));
    }
}

fn conversation(view: &View, said: &Said, scene: &Scene<'_>, verdict: &mut Verdict, problems: &mut Vec<String>) {
    let (talk, messages) = (&view.talk, &view.in_kommo);
    let foreign = messages.iter().filter(|message| talk.is_foreign(&message.text));
    problems.extend(foreign.map(|message| format!("{:?} does not belong here", message.text)));
    let ids: Vec<_> = messages.iter().filter_map(|message| message.client_msgid.as_ref()).collect();
    if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
        problems.push("a message is there twice".to_owned());
    }
    let theirs: Vec<_> = messages.iter().filter(|message| message.from == Author::Customer).collect();
    let shown = |message: &Message| Item::shown(talk, &message.text, scene.opened.in_kommo(message));
    let mut arrived: Vec<_> = theirs.iter().map(|message| (shown(message), *message)).collect();
    // A new wording that Kommo did not take in place of the old one stands behind it.
    let places: BTreeMap<_, _> = arrived.iter().map(|(item, _)| item.words.clone()).zip(0..).collect();
    let (mut at, mut replaced) = (0..arrived.len(), BTreeSet::new());
    arrived.retain(|(item, _)| {
        let (at, changed) = (at.next(), places.get(&format!("{}{CHANGED}", item.words)).copied());
        item.words.is_empty() || changed.is_none() || at >= changed || !replaced.insert(item.words.clone())
    });
    verdict.count("new wordings told as messages", theirs.len() - arrived.len());
    told_again(&mut arrived, scene.older_stores, verdict);
    in_order(said, &arrived, problems);
    let by_id: BTreeMap<_, _> = messages.iter().map(|message| (message.id.as_str(), message)).collect();
    let there: BTreeMap<_, _> = arrived.iter().map(|(item, message)| (item, *message)).collect();
    for written in &said.written {
        if let (Some(quoted), Some(message)) = (&written.quotes, there.get(&written.shows)) {
            problems.extend(quote(quoted, message, &by_id, talk));
        }
    }
}

/// An older store does not find what an edit is about, and tells it as a message of its own: once each.
fn told_again(arrived: &mut Vec<(Item, &Message)>, older_stores: &[BTreeSet<Item>], verdict: &mut Verdict) {
    let (mut times, before) = (BTreeMap::<Item, usize>::new(), arrived.len());
    arrived.retain(|(item, _)| {
        let times = times.entry(item.clone()).or_default();
        *times += 1;
        *times == 1 || *times > 1 + older_stores.iter().filter(|changed| changed.contains(item)).count()
    });
    verdict.count("new wordings told again by an older store", before - arrived.len());
}

/// The same, in the same order, by what comes first and by the dates alike.
fn in_order(said: &Said, arrived: &[(Item, &Message)], problems: &mut Vec<String>) {
    let there: BTreeSet<_> = arrived.iter().map(|(item, _)| item).collect();
    let due = |it: &&Written| !it.is_forgotten || there.contains(&it.shows);
    let due: Vec<_> = said.written.iter().filter(due).map(|it| &it.shows).collect();
    if !arrived.iter().map(|(item, _)| item).eq(due.iter().copied()) {
        let known: BTreeSet<_> = due.iter().copied().collect();
        let lost: Vec<_> = due.iter().filter(|item| !there.contains(**item)).collect();
        let more: Vec<_> = arrived.iter().map(|(item, _)| item).filter(|item| !known.contains(item)).collect();
        let (count, at) = (due.len(), arrived.iter().zip(&due).position(|(one, other)| one.0 != **other));
        problems.push(format!(
            "{} of {count} arrived; lost {:?}, more {:?}, others from {at:?} on",
            arrived.len(),
            &lost[..lost.len().min(SHOWN)],
            &more[..more.len().min(SHOWN)],
        ));
    }
    let mut before: BTreeMap<&Item, &Message> = BTreeMap::new();
    for (item, second) in arrived {
        if let Some(first) = before.insert(item, second) {
            problems.push(format!("{item:?} is there twice: {} and {}", brief(first), brief(second)));
        }
    }
    // Telegram dates no press: it has the time at which it was taken, by a clock that may have been set since.
    let dated: Vec<_> = arrived.iter().filter(|(item, _)| !is_press(&item.words)).collect();
    for pair in dated.windows(2).filter(|pair| pair[0].1.at_ms >= pair[1].1.at_ms) {
        let [(one, first), (other, second)] = pair else { continue };
        let early_ms = first.at_ms - second.at_ms;
        problems.push(format!("{other:?} is dated {early_ms} ms before {one:?}: {}", brief(second)));
    }
}

/// What tells a message from others, without the bytes of its file.
fn brief(message: &Message) -> String {
    let Message { id, client_msgid, at_ms, edited, imported, .. } = message;
    format!("{id} ({client_msgid:?}, at {at_ms}, edited: {edited}, imported: {imported})")
}

/// What is wrong with a quote. It names the message, or has its words where Kommo does not know it.
fn quote(quoted: &Item, message: &Message, by_id: &BTreeMap<&str, &Message>, talk: &Talk) -> Option<String> {
    let Some(id) = &message.reply_to else {
        return (!message.text.contains(&quoted.words)).then(|| format!("{:?} quotes nothing", message.text));
    };
    let named = by_id.get(id.as_str()).map(|it| Item::shown(talk, &it.text, None));
    (named.as_ref().map(Item::unchanged) != Some(quoted.unchanged()))
        .then(|| format!("{:?} quotes {named:?}, not {quoted:?}", message.text))
}
