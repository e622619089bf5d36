//! What must hold after all the kills.

use std::collections::BTreeSet;

use telekommo::sandbox::{
    harness::Harness,
    kommo::{Message, Status},
};

use super::load::{Done, Log, Place, Said};

/// Checks every conversation, and tells how many answers were doubled.
pub(crate) fn check(stage: &Harness, done: &Done, kills: &[Log]) -> usize {
    assert!(done.by_place().count() >= 8, "nobody spoke");
    let doubled = done.by_place().map(|(place, said)| {
        let in_kommo = place.messages(&stage.kommo);
        in_kommo_once_and_in_order(place, said, &in_kommo);
        reported_as_delivered(place, said, &in_kommo);
        in_telegram_in_order(place, said, &place.answers(&stage.telegram), kills)
    });
    doubled.sum()
}

fn in_kommo_once_and_in_order(place: Place, said: &Said, in_kommo: &[Message]) {
    let arrived: Vec<_> = in_kommo.iter().filter(|message| message.client_msgid.is_some()).collect();
    let texts: Vec<_> = arrived.iter().map(|message| &message.text).collect();
    assert!(!texts.is_empty(), "{place:?} is silent");
    assert_eq!(texts, Vec::from_iter(&said.written), "{place:?}");
    let ids: BTreeSet<_> = arrived.iter().map(|message| &message.client_msgid).collect();
    assert_eq!(ids.len(), arrived.len(), "{place:?}: an id is there twice");
}

fn reported_as_delivered(place: Place, said: &Said, in_kommo: &[Message]) {
    for (id, text) in said.accepted() {
        let message = in_kommo.iter().find(|message| message.id == id).unwrap();
        assert_eq!(message.text, text);
        assert!(message.status_history.contains(&Status::Delivered), "{place:?}: {text}: {:?}", message.status_history);
    }
}

/// Every accepted answer is there, in order. An answer whose hook was not accepted may be there, in its place too.
///
/// A repetition follows its original at once, since nothing of the conversation gets between them, and one kill causes
/// one at most.
fn in_telegram_in_order(place: Place, said: &Said, sent: &[String], kills: &[Log]) -> usize {
    let number = |text: &String| said.answered.iter().position(|(_, answer, _)| answer == text);
    let numbers: Vec<_> =
        sent.iter().map(|text| number(text).unwrap_or_else(|| panic!("nobody said {text}"))).collect();
    assert!(numbers.is_sorted(), "{place:?}: out of order: {numbers:?}");
    for (_, text) in said.accepted() {
        assert!(sent.iter().any(|one| one == text), "{place:?}: lost: {text}");
    }
    let repeated: Vec<_> = (1..numbers.len()).filter(|at| numbers[*at] == numbers[at - 1]).collect();
    // How many messages there were at each kill: the repetition is the first one behind it.
    let before: BTreeSet<_> = kills.iter().filter_map(|kill| kill.from_bot.get(&place)).collect();
    for at in &repeated {
        assert!(before.contains(at), "{place:?}: no kill explains that {} was sent twice", sent[*at]);
    }
    repeated.len()
}
