//! What is left after an end, a wanted one and another.

use std::fs;

use super::*;
use crate::{
    domain::address::{BotId, MessageId},
    store::open::SCHEMA,
};

#[tokio::test]
async fn an_arrival_is_taken_once_for_as_long_as_it_is_remembered() {
    let home = Home::new();
    let store = home.open();
    let intake = || Intake { jobs: vec![new_job(Some("x"), &lane("a"), "a1")], offset: None };
    assert_eq!(store.push(intake(), NOW).await.unwrap().taken, 1);
    assert_eq!(drain(&store).await, ["a1"]);
    let known = || Pushed { taken: 0, known: 1, numbers: vec![None] };
    assert_eq!(store.push(intake(), NOW.plus(HOUR / 2)).await.unwrap(), known(), "done, and still known");
    assert_eq!(store.push(intake(), NOW.plus(HOUR * 9)).await.unwrap(), known(), "the clock alone forgets nothing");
    assert_eq!(store.first_expiry().unwrap(), Some(NOW.plus(HOUR)));
    store.sweep(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!(store.first_expiry().unwrap(), None);
    assert_eq!(store.push(intake(), NOW.plus(HOUR * 2)).await.unwrap().taken, 1);
}

#[tokio::test]
async fn twins_in_one_intake_and_from_many_callers_are_taken_once() {
    let home = Home::new();
    let store = home.open();
    let twins = || Intake {
        jobs: vec![new_job(Some("x"), &lane("a"), "a1"), new_job(Some("x"), &lane("a"), "a1")],
        offset: None,
    };
    let pushes = (0..32).map(|_| store.push(twins(), NOW));
    let taken: usize =
        futures_util::future::join_all(pushes).await.into_iter().map(|pushed| pushed.unwrap().taken).sum();
    assert_eq!((taken, drain(&store).await.len()), (1, 1));
}

#[tokio::test]
async fn what_is_expired_is_removed_and_the_rest_stays() {
    let home = Home::new();
    let store = home.open();
    let intake = |id: &str| Intake { jobs: vec![new_job(Some(id), &lane("a"), "a1")], offset: None };
    store.push(intake("old"), NOW).await.unwrap();
    let later = NOW.plus(HOUR / 2);
    store.push(intake("young"), later).await.unwrap();
    let rows = |store: &Store| store.tables().iter().count();
    let before = rows(&store);
    assert_eq!(store.sweep(NOW.plus(HOUR)).await.unwrap(), 0, "not yet: it expires at this instant");
    assert_eq!(store.sweep(NOW.plus(HOUR + HOUR / 4)).await.unwrap(), 1);
    assert_eq!(rows(&store), before - 2, "the id and its expiry");
    let again = store.push(intake("young"), NOW.plus(HOUR)).await.unwrap();
    assert_eq!(again, Pushed { taken: 0, known: 1, numbers: vec![None] });
}

#[tokio::test]
async fn a_reopened_store_has_everything_and_no_leases() {
    let home = Home::new();
    let store = home.open();
    let bot = BotId(7);
    let jobs =
        vec![new_job(Some("x"), &lane("a"), "a1"), new_job(None, &lane("a"), "a2"), new_job(None, &lane("b"), "b1")];
    store.push(Intake { jobs, offset: Some((bot, 42)) }, NOW).await.unwrap();
    let lease = claim(&store).unwrap();
    store.clone().close().await.unwrap();
    assert!(matches!(lease.settle(done(), NOW).await, Err(StoreError::Failed(_))), "a closed store settles nothing");
    assert!(matches!(store.claim(&Route::Inbound, NOW), Err(StoreError::Failed(_))));

    let store = home.open();
    assert_eq!(store.offset(bot).unwrap(), Some(42));
    assert_eq!(store.counts().routes, [(Route::Inbound, QueueCount { waiting: 3, oldest_at: Some(NOW) })]);
    push(&store, &lane("a"), &["a3"]).await;
    assert_eq!(drain(&store).await, ["a1", "b1", "a2", "a3"]);
    let known =
        store.push(Intake { jobs: vec![new_job(Some("x"), &lane("a"), "a1")], offset: None }, NOW).await.unwrap();
    assert_eq!(known, Pushed { taken: 0, known: 1, numbers: vec![None] });
}

#[tokio::test]
async fn a_settlement_goes_through_although_nobody_waits_for_it() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    let mut settling = Box::pin(claim(&store).unwrap().settle(done(), NOW));
    assert!(futures_util::poll!(settling.as_mut()).is_pending() || store.counts().flushes > 1);
    drop(settling);
    // This push is behind the settlement in the committer's queue.
    push(&store, &lane("b"), &["b1"]).await;
    assert_eq!(drain(&store).await, ["a2", "b1"]);
}

#[tokio::test]
async fn links_and_chats_are_found_from_both_sides() {
    let home = Home::new();
    let store = home.open();
    let conversation: Conversation = "tg:sales:5".parse().unwrap();
    let (first, second): (MessageId, MessageId) = ("tg:7:5:1".parse().unwrap(), "tg:7:5:2".parse().unwrap());
    let kommo = KommoMessageId("k".to_owned());
    let chat = Chat { chat: KommoChatId("c".to_owned()), user: Some(KommoUserId("u".to_owned())) };
    for ours in [first, second] {
        push(&store, &lane("a"), &["x"]).await;
        let changes = vec![
            StateChange::Link { ours, kommo: kommo.clone() },
            StateChange::Chat { conversation: conversation.clone(), chat: chat.clone() },
        ];
        claim(&store).unwrap().settle(Outcome::Done { then: Vec::new(), changes }, NOW).await.unwrap();
    }
    assert_eq!(store.chat(&conversation).unwrap().as_ref(), Some(&chat));
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(store.telegram_messages(&kommo).unwrap(), [first, second]);
    assert_eq!(store.kommo_message(&second).unwrap(), Some(kommo.clone()));
    assert_eq!(store.chat(&conversation).unwrap(), Some(chat));
    assert_eq!(store.chat(&"tg:sales:6".parse().unwrap()).unwrap(), None);
    assert_eq!(store.kommo_message(&"tg:7:5:3".parse().unwrap()).unwrap(), None);

    store.sweep(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!(store.kommo_message(&second).unwrap(), None);
    assert!(store.telegram_messages(&kommo).unwrap().is_empty(), "the way back goes with it");
    assert!(store.chat(&conversation).unwrap().is_some(), "chats stay");
}

#[tokio::test]
async fn a_message_that_is_linked_anew_leaves_nothing_behind_in_the_end() {
    let store = Home::new().open();
    let ours: MessageId = "tg:7:5:1".parse().unwrap();
    let [first, second] = ["first", "second"].map(|id| KommoMessageId(id.to_owned()));
    for kommo in [&first, &second] {
        let changes = vec![StateChange::Link { ours, kommo: kommo.clone() }];
        let jobs = vec![new_job(None, &lane("a"), "x")];
        store.push_with(Intake { jobs, offset: None }, changes, NOW).await.unwrap();
    }
    assert_eq!(store.kommo_message(&ours).unwrap().as_ref(), Some(&second));
    assert_eq!(store.telegram_messages(&first).unwrap(), [ours], "who answers the former one is understood");
    store.sweep(NOW.plus(HOUR * 2)).await.unwrap();
    assert!([first, second].iter().all(|kommo| store.telegram_messages(kommo).unwrap().is_empty()));
}

/// All rows, to compare stores by.
fn rows(store: &Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    let rows = store.tables().iter().map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap());
    rows.filter(|(key, _)| key != keys::BEGUN).collect()
}

#[tokio::test]
async fn a_dump_brings_everything_back_and_what_was_there_is_kept_aside() {
    let home = Home::new();
    let dump = home.0.path().join("dump.jsonl");
    let store = home.open();
    push(&store, &lane("ä:\u{1f600}"), &["a1", "a2"]).await;
    claim(&store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    let before = rows(&store);
    assert_eq!(store.dump(&dump, NOW).unwrap().rows, before.len() as u64);
    push(&store, &lane("b"), &["after the dump"]).await;
    assert!(matches!(Store::restore(home.0.path(), &dump), Err(StoreError::Locked(_))), "it is in use");
    store.close().await.unwrap();

    let summary = Store::restore(home.0.path(), &dump).unwrap();
    assert_eq!((summary.rows, summary.parked), (before.len() as u64, 0));
    assert!(summary.moved_to.unwrap().join("db").exists());
    let store = home.open();
    assert_eq!(rows(&store), before);
    assert_eq!(drain(&store).await, ["a2"]);
}

#[tokio::test]
async fn restored_answers_are_parked_since_they_may_have_been_delivered() {
    let home = Home::new();
    let dump = home.0.path().join("dump.jsonl");
    let store = home.open();
    let outbound = Lane::outbound(&"tg:sales:5".parse().unwrap());
    push(&store, &outbound, &["whole", "next"]).await;
    let lease = store.claim(&outbound.route, NOW).unwrap().unwrap();
    lease.settle(Outcome::Replace(["part 1", "part 2"].map(named_job).to_vec()), NOW).await.unwrap();
    push(&store, &lane("a"), &["inbound"]).await;
    store.dump(&dump, NOW).unwrap();
    store.close().await.unwrap();

    assert_eq!(Store::restore(home.0.path(), &dump).unwrap().parked, 2);
    let store = home.open();
    assert!(store.claim(&outbound.route, NOW).unwrap().is_none());
    assert_eq!(drain(&store).await, ["inbound"]);
    let parked: Vec<Vec<_>> = store
        .parked(10)
        .unwrap()
        .into_iter()
        .map(|parked| parked.jobs.iter().map(|job| name(job).to_owned()).collect())
        .collect();
    assert_eq!(parked, [vec!["part 1", "part 2"], vec!["next"]]);
}

#[tokio::test]
async fn a_dump_that_is_not_whole_is_refused_and_changes_nothing() {
    let home = Home::new();
    let dump = home.0.path().join("dump.jsonl");
    let store = home.open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    store.dump(&dump, NOW).unwrap();
    store.close().await.unwrap();
    let whole = fs::read_to_string(&dump).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    let broken = [
        String::new(),
        "{}".to_owned(),
        whole[..whole.len() - 5].to_owned(),
        lines[..lines.len() - 1].join("\n"),
        [&lines[..1], &lines[2..]].concat().join("\n"),
        lines[1..].join("\n"),
        whole.replacen(&format!("\"schema\":{SCHEMA}"), &format!("\"schema\":{}", SCHEMA + 1), 1),
    ];
    for text in broken {
        fs::write(&dump, &text).unwrap();
        assert!(matches!(Store::restore(home.0.path(), &dump), Err(StoreError::BadDump { .. })), "{text}");
    }
    assert_eq!(drain(&home.open()).await, ["a1", "a2"]);
}
