//! Who is who in the account: each newcomer is one contact, with their phone number and one lead, and all that they
//! wrote is in their chats. Where the account could not be asked in time, their first message goes before: Kommo then
//! makes a contact that is left behind when the chat moves to the right one. Where a `/start` could not wait for the
//! number, nobody looked for a contact that has it.

use std::collections::{BTreeMap, BTreeSet};

use telekommo::sandbox::{
    harness::{Harness, LINES},
    kommo::{Author, Card, Lead, Message},
};

use super::{CONTACT_TAG, Scene, Verdict};
use crate::people::{Book, Newcomer, Talk};

/// What stands in the note on a contact that is left behind.
const LEFT_BEHIND: &str = "belongs to contact";

/// What newcomers wrote and is not in Kommo yet.
pub(super) fn left(stage: &Harness, book: &Book) -> usize {
    let missing = |it: &Newcomer, line: usize| {
        let here = stage.kommo.read_chat(&it.conversation(LINES[line]), <[_]>::len);
        it.wrote[line].len().saturating_sub(here)
    };
    book.newcomers.iter().flat_map(|it| (0..LINES.len()).map(move |line| missing(it, line))).sum()
}

/// The account, as managers see it.
struct Account {
    cards: BTreeMap<u64, Card>,
    leads: Vec<Lead>,
}

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    let kommo = &scene.stage.kommo;
    let cards = kommo.cards().into_iter().map(|card| (card.id, card)).collect();
    let account = Account { cards, leads: kommo.leads() };
    let mut meant = BTreeSet::new();
    for newcomer in &scene.book.newcomers {
        let mut problems = Vec::new();
        meant.extend(contacts(newcomer, &account, scene, &mut problems));
        verdict.problems.extend(problems.into_iter().map(|what| format!("newcomer {}: {what}", newcomer.id)));
    }
    let overlooked = overlooked(scene.stage, scene.book);
    verdict.count("newcomers whose contact was overlooked", overlooked.len());
    for newcomer in scene.book.newcomers.iter().filter(|it| overlooked.contains(&it.id)) {
        let is_explained =
            newcomer.has_started() && scene.played.may_let_a_start_go() || scene.played.mixes_up_the_account();
        if !is_explained && !scene.before.overlooked.contains(&newcomer.id) {
            verdict.problem(format!("nothing that was played explains that nobody is contact {:?}", newcomer.contact));
        }
    }
    let untagged = meant.iter().filter_map(|contact| account.cards.get(contact)).filter(|card| is_untagged(card));
    let untagged: Vec<_> = untagged.filter(|card| !scene.before.untagged.contains(&card.id)).collect();
    verdict.count("contacts whose tags were lost on the way", untagged.len());
    if !scene.played.mixes_up_the_account() {
        verdict.problems.extend(untagged.iter().map(|card| format!("{:?} has the tags {:?}", card.name, card.tags)));
    }
    meant.extend(scene.book.histories.iter().filter_map(|it| contact_of(&it.conversation, scene.stage)));
    meant.extend(scene.book.newcomers.iter().filter_map(|it| it.contact));
    meant.extend(Talk::all().iter().filter_map(|talk| contact_of(&talk.conversation(), scene.stage)));
    left_behind(&account, &meant, scene, verdict);
    verdict.count("newcomers", scene.book.newcomers.len());
    let known = scene.book.newcomers.iter().filter(|it| it.contact.is_some()).count();
    verdict.count("newcomers whom the account knew", known);
}

/// The contact that a conversation's chat belongs to.
fn contact_of(conversation: &str, stage: &Harness) -> Option<u64> {
    stage.kommo.card_of_chat(&stage.kommo.chat_id(conversation)?)
}

/// The contacts that a newcomer has.
fn contacts(newcomer: &Newcomer, account: &Account, scene: &Scene<'_>, problems: &mut Vec<String>) -> BTreeSet<u64> {
    let mut contacts = BTreeSet::new();
    for (line, wrote) in LINES.iter().zip(&newcomer.wrote).filter(|(_, wrote)| !wrote.is_empty()) {
        let conversation = newcomer.conversation(*line);
        let there = scene.stage.kommo.read_chat(&conversation, |messages| said(messages, &newcomer.phone));
        if there != *wrote {
            problems.push(format!("{conversation} has {there:?} in place of {wrote:?}"));
        }
        match contact_of(&conversation, scene.stage) {
            Some(contact) => {
                contacts.insert(contact);
            }
            None => problems.push(format!("{conversation} belongs to no contact")),
        }
    }
    // A store that knows one of the chats no more takes its customer for a new one.
    if contacts.len() != 1 && scene.older_stores.is_empty() {
        problems.push(format!("the chats belong to {contacts:?}"));
    }
    for contact in contacts.iter().filter_map(|contact| account.cards.get(contact)) {
        let phones = contact.fields.phones();
        if phones.len() != 1 || digits(phones[0]) != newcomer.phone {
            problems.push(format!("{:?} has the numbers {phones:?}", contact.name));
        }
        if account.leads.iter().filter(|lead| lead.contact == contact.id).count() > 1 {
            problems.push(format!("{:?} has more than one lead", contact.name));
        }
    }
    contacts
}

/// The newcomers whose contact was there before, and has none of their chats.
pub(super) fn overlooked(stage: &Harness, book: &Book) -> BTreeSet<i64> {
    let has = |it: &Newcomer, line, contact| contact_of(&it.conversation(line), stage) == Some(contact);
    let is_overlooked =
        |it: &&Newcomer| it.contact.is_some_and(|contact| !LINES.into_iter().any(|line| has(it, line, contact)));
    book.newcomers.iter().filter(is_overlooked).map(|it| it.id).collect()
}

/// What the customer said in a chat; none for their phone number.
fn said(messages: &[Message], phone: &str) -> Vec<Option<String>> {
    let is_number = |message: &Message| message.card.as_ref().is_some_and(|card| digits(card).ends_with(phone));
    let theirs = messages.iter().filter(|message| message.from == Author::Customer);
    theirs.map(|message| (!is_number(message)).then(|| message.text.clone())).collect()
}

/// Whether a contact has not the tags that each gets.
pub(super) fn is_untagged(card: &Card) -> bool {
    card.tags != BTreeSet::from([CONTACT_TAG.to_owned()])
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Contacts to which no chat belongs. Each says where its chat has gone, and something held the account up.
fn left_behind(account: &Account, meant: &BTreeSet<u64>, scene: &Scene<'_>, verdict: &mut Verdict) {
    for card in account.cards.values().filter(|card| !meant.contains(&card.id)) {
        verdict.count("contacts left behind", 1);
        verdict.count("of them without a note", usize::from(!card.notes.iter().any(|note| note.contains(LEFT_BEHIND))));
        if !scene.before.contacts.contains(&card.id) && !scene.played.delays_the_account() {
            let Card { name, notes, .. } = card;
            verdict.problem(format!("nothing that was played explains that nobody is {name:?}: {notes:?}"));
        }
    }
}
