//! Parked messages: who has to see to them, and for how long they are kept.

use super::*;

/// An outcome whose author is informed.
fn reported(why: &str) -> Outcome {
    Outcome::Park { why: why.to_owned(), then: vec![new_job(None, &lane("reports"), "status")], needs_person: false }
}

async fn ids(store: &Store) -> Vec<u64> {
    store.set_aside_before(None, usize::MAX).await.unwrap().iter().map(|one| one.id.0).collect()
}

#[tokio::test]
async fn what_somebody_was_told_of_expires_and_what_needs_a_person_stays() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1", "a2", "a3"]).await;
    claim(&store).unwrap().settle(reported("refused"), NOW).await.unwrap();
    claim(&store).unwrap().settle(park("uncertain"), NOW).await.unwrap();
    drain(&store).await;
    let counts = |store: &Store| (store.counts().parked, store.counts().reported);
    assert_eq!(counts(&store), (1, 1));
    let parked = store.parked(9).unwrap();
    assert_eq!(parked[0].expires_at, Some(NOW.plus(HOUR)));
    assert_eq!(parked[1].expires_at, None);

    store.sweep(NOW.plus(HOUR)).await.unwrap();
    assert_eq!(counts(&store), (1, 1), "not yet: it expires at this instant");
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(counts(&store), (1, 1), "after a restart too");
    store.sweep(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!(counts(&store), (1, 0));
    assert_eq!(store.parked(9).unwrap()[0].why, "uncertain");
    store.sweep(NOW.plus(HOUR * 24 * 365)).await.unwrap();
    assert_eq!(counts(&store), (1, 0));
}

#[tokio::test]
async fn what_was_retried_or_dropped_is_not_counted_when_it_would_have_expired() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["a1", "a2", "a3"]).await;
    for _ in 0..3 {
        claim(&store).unwrap().settle(reported("refused"), NOW).await.unwrap();
    }
    let [first, second, _] = ids(&store).await.try_into().unwrap();
    assert!(store.unpark(ParkedId(first), NOW).await.unwrap());
    assert!(drop_parked(&store, ParkedId(second)).await);
    assert_eq!((store.counts().parked, store.counts().reported), (0, 1));
    store.sweep(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!((store.counts().parked, store.counts().reported), (0, 0));
    assert_eq!(drain(&store).await.iter().filter(|name| *name != "status").count(), 1, "what was retried is sent");
}

#[tokio::test]
async fn the_code_that_was_told_is_kept() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["a1"]).await;
    let refusal =
        crate::domain::delivery::RefusalText::new(crate::domain::delivery::ErrorCode::ConversationDeleted, "blocked");
    let report = DeliveryReport { message: KommoMessageId("m".to_owned()), delivery: Delivery::Failed(refusal) };
    let then = vec![NewJob { id: None, lane: lane("reports"), job: Job::from(report) }];
    let ending = Outcome::Park { why: "blocked".to_owned(), then, needs_person: false };
    claim(&store).unwrap().settle(ending, NOW).await.unwrap();
    assert_eq!(store.parked(1).unwrap()[0].code, Some(901));
    assert_eq!(store.set_aside_before(None, 1).await.unwrap()[0].code, Some(901));
}

#[tokio::test]
async fn the_list_is_told_page_by_page_newest_first() {
    let store = Home::new().open();
    for number in 0..10 {
        push(&store, &lane("a"), &[&number.to_string()]).await;
        claim(&store).unwrap().settle(park("test"), NOW).await.unwrap();
    }
    let all = ids(&store).await;
    assert!(all.len() == 10 && all.is_sorted_by(|a, b| a > b), "{all:?}");
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = store.set_aside_before(before, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        pages.push(page.iter().map(|one| one.id.0).collect::<Vec<_>>());
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 1]);
    assert_eq!(pages.concat(), all);
}

#[tokio::test]
async fn many_go_back_at_once_in_the_order_in_which_they_were_set_aside() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["1", "2", "3", "4"]).await;
    for _ in 0..4 {
        claim(&store).unwrap().settle(park("test"), NOW).await.unwrap();
    }
    let mut all: Vec<_> = ids(&store).await.into_iter().map(ParkedId).collect();
    all.push(all[0]);
    let became = store.unpark_all(all, |_| true, NOW).await.unwrap();
    assert!(became.len() == 4 && became.values().all(|it| *it == Unparked::Queued), "{became:?}");
    assert_eq!(store.counts().parked, 0);
    assert_eq!(drain(&store).await, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_dump_is_waited_for_by_what_goes_back_and_not_by_what_is_dropped() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["1", "2"]).await;
    for _ in 0..2 {
        claim(&store).unwrap().settle(park("test"), NOW).await.unwrap();
    }
    let [second, first] = ids(&store).await.try_into().unwrap();
    let dump = store.0.moving_back.clone().lock_owned().await;
    assert!(drop_parked(&store, ParkedId(second)).await);
    let mut unparking = Box::pin(store.unpark(ParkedId(first), NOW));
    assert!(futures_util::poll!(unparking.as_mut()).is_pending());
    store.until_durable().await.unwrap();
    assert!(futures_util::poll!(unparking.as_mut()).is_pending());
    drop(dump);
    assert!(unparking.await.unwrap());
    assert_eq!(drain(&store).await, ["1"]);
}

#[tokio::test]
async fn a_message_that_has_crossed_is_known_for_as_long_as_its_link() {
    let home = Home::new();
    let store = Store::open(Settings { links_for: HOUR * 24 * 90, ..home.settings() }).unwrap();
    let message = KommoMessageId("m".to_owned());
    let hook = || Intake {
        jobs: vec![NewJob { id: Some(IdempotencyKey::hook(&message)), lane: lane("a"), job: named_job("m") }],
        offset: None,
    };
    assert_eq!(store.push(hook(), NOW).await.unwrap().taken, 1);
    let link = StateChange::Link { ours: "tg:7:5:1".parse().unwrap(), kommo: message.clone() };
    claim(&store).unwrap().settle(Outcome::Done { then: Vec::new(), changes: vec![link] }, NOW).await.unwrap();
    let later = NOW.plus(HOUR * 24 * 8);
    store.sweep(later).await.unwrap();
    assert_eq!(
        store.push(hook(), later).await.unwrap(),
        Pushed { taken: 0, known: 1, numbers: vec![None] },
        "the id is forgotten"
    );
    store.hold(&[lane("a")], 0);
    let missing = vec![Missing { rank: 0, job: hook().jobs.remove(0) }];
    assert_eq!(store.backfill(lane("a"), missing, |_, _| None, later).await.unwrap(), Backfilled::Stored(0));
    assert!(store.was_taken(&IdempotencyKey::hook(&message)).unwrap());
    assert!(!store.was_taken(&IdempotencyKey::hook(&KommoMessageId("other".to_owned()))).unwrap());
}
