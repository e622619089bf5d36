//! What was learnt between the kills: which answers are unread, and where the talk is.

use std::iter;

use telekommo::sandbox::{harness::Harness, kommo::Status};

use super::load::{Done, Place, Said};
use crate::support::WITHIN;

/// So many answers of a conversation are looked at, the newest ones: the bridge keeps no more than a hundred unread.
const LOOKED_AT: usize = 90;

/// What was told of an answer.
fn told(stage: &Harness, place: Place, id: &str) -> Vec<Status> {
    let messages = place.messages(&stage.kommo);
    messages.into_iter().find(|message| message.id == id).map(|message| message.status_history).unwrap_or_default()
}

/// Where a customer writes: outside of topics, and in each.
fn everywhere(said: &Said) -> impl Iterator<Item = Option<i64>> {
    iter::once(None).chain(said.topics.iter().copied().map(Some))
}

/// Each customer writes once more wherever they write, by which each answer is read, and none before it was delivered.
pub(crate) async fn every_answer_is_read(stage: &Harness, done: &Done) {
    let mut looked_at = 0;
    for (place, said) in done.by_place() {
        for topic in everywhere(said) {
            place.write(&stage.telegram, topic, "the last word");
        }
    }
    for (place, said) in done.by_place() {
        let sent = place.answers(&stage.telegram);
        let newest = &sent[sent.len().saturating_sub(LOOKED_AT)..];
        for (id, text) in said.accepted().filter(|(_, text)| newest.iter().any(|one| one == text)) {
            looked_at += 1;
            let is_read = |stage: &Harness| told(stage, place, id).contains(&Status::Read);
            let read = stage.until("the answer is read", WITHIN, is_read).await;
            let told = told(stage, place, id);
            assert!(read.is_ok(), "{place:?}: {text}: {told:?}");
            assert_eq!(told[0], Status::Delivered, "{place:?}: {text}");
        }
    }
    assert!(looked_at > 0, "none of the newest answers had come by a hook");
}

/// An answer stands in the topic of the customer's last word.
pub(crate) async fn answers_go_where_the_talk_is(stage: &Harness, done: &Done) {
    let mut with_topics = 0;
    for (place, said) in done.by_place() {
        stage.kommo.reply(&place.conversation(), "Maria", "the last answer").await;
        let last = |stage: &Harness| place.sent(&stage.telegram).pop().filter(|last| last.text == "the last answer");
        stage.until("the answer is there", WITHIN, |stage| last(stage).is_some()).await.unwrap();
        assert_eq!(last(stage).unwrap().topic, said.topics.last().copied(), "{place:?}");
        with_topics += usize::from(!said.topics.is_empty());
    }
    assert!(with_topics > 0, "nobody talks in topics");
}
