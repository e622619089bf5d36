//! Backfills, and the holds that they need.

use super::*;
use crate::store::{committer::Commit, index::Index};

/// Holds what the lane gets from `mark` on.
fn hold(store: &Store, mark: u64) {
    store.hold(&[lane("a")], mark);
}

fn missing(rank: usize, id: &str) -> Missing {
    Missing { rank, job: new_job(Some(id), &lane("a"), id) }
}

/// The digits of a name are its rank.
fn rank(_: u64, job: &Job) -> Option<usize> {
    name(job).parse().ok()
}

async fn backfill(store: &Store, late: &[usize]) -> Backfilled {
    let late = late.iter().map(|rank| missing(*rank, &rank.to_string())).collect();
    store.backfill(lane("a"), late, rank, NOW).await.unwrap()
}

#[tokio::test]
async fn missing_jobs_are_put_into_their_places() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["older", "3", "7", "unknown", "9"]).await;
    push(&store, &lane("b"), &["b"]).await;
    hold(&store, 0);
    assert_eq!(backfill(&store, &[8, 1, 5, 11, 2]).await, Backfilled::Stored(5));
    assert_eq!(store.counts().routes[0].1.waiting, 11);
    assert_eq!(drain(&store).await, ["b"], "the lane is held");
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(drain(&store).await, ["older", "1", "2", "3", "5", "7", "unknown", "8", "9", "11"]);
}

#[tokio::test]
async fn a_job_is_stored_once_by_a_hook_or_a_backfill() {
    let store = Home::new().open();
    store.push(Intake { jobs: vec![new_job(Some("1"), &lane("a"), "1")], offset: None }, NOW).await.unwrap();
    hold(&store, 0);
    assert_eq!(backfill(&store, &[1, 2, 2]).await, Backfilled::Stored(1));
    assert_eq!(backfill(&store, &[1, 2]).await, Backfilled::Stored(0));
    let late = Intake { jobs: vec![new_job(Some("2"), &lane("a"), "2")], offset: None };
    assert_eq!(store.push(late, NOW).await.unwrap(), Pushed { taken: 0, known: 1, numbers: vec![None] });
    store.release_hold(&lane("a"));
    assert_eq!(drain(&store).await, ["1", "2"]);
}

#[tokio::test]
async fn an_answer_in_parts_stays_together() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["whole", "9"]).await;
    claim(&store).unwrap().settle(Outcome::Replace(["5", "5"].map(named_job).to_vec()), NOW).await.unwrap();
    hold(&store, 0);
    assert_eq!(backfill(&store, &[4, 6]).await, Backfilled::Stored(2));
    store.release_hold(&lane("a"));
    let first = claim(&store).unwrap();
    assert_eq!(name(first.job()), "4");
    first.settle(done(), NOW).await.unwrap();
    claim(&store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    assert_eq!(store.parked(1).unwrap()[0].jobs.len(), 2, "parts of one arrival");
    assert_eq!(drain(&store).await, ["6", "9"]);
}

#[tokio::test]
async fn nothing_is_put_into_an_answer_that_is_half_sent() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["whole", "9"]).await;
    claim(&store).unwrap().settle(Outcome::Replace(["5", "5", "5"].map(named_job).to_vec()), NOW).await.unwrap();
    claim(&store).unwrap().settle(done(), NOW).await.unwrap();
    // The second part was about to be tried again when the machine went down.
    claim(&store).unwrap().settle(retry(NOW), NOW).await.unwrap();
    store.close().await.unwrap();
    let store = home.open();
    hold(&store, 0);
    assert_eq!(backfill(&store, &[4, 1, 7]).await, Backfilled::Stored(3));
    store.release_hold(&lane("a"));
    assert_eq!(drain(&store).await, ["5", "5", "1", "4", "7", "9"]);
}

#[tokio::test]
async fn a_lane_with_a_lease_is_busy() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["5", "7"]).await;
    assert_eq!(backfill(&store, &[1]).await, Backfilled::Busy, "it is not held");
    let lease = claim(&store).unwrap();
    hold(&store, 0);
    assert_eq!(backfill(&store, &[1]).await, Backfilled::Busy, "it is claimed");
    lease.settle(done(), NOW).await.unwrap();
    assert_eq!(backfill(&store, &[1]).await, Backfilled::Stored(1));
    store.release_hold(&lane("a"));
    assert_eq!(drain(&store).await, ["1", "7"]);
}

/// Backfills the held lane, and releases it after the new order was planned and before it is durable: both share one
/// commit. Returns what could be claimed in between.
async fn backfill_and_release(store: &Store, late: &[usize]) -> String {
    let (open_gate, gate_opened) = std::sync::mpsc::channel::<()>();
    let (start, started) = tokio::sync::oneshot::channel();
    let gate = store.0.committer.write(move |_| {
        let _ = start.send(());
        gate_opened.recv().unwrap();
        Ok(Commit { batch: None, answer: (), then: Box::new(|_: &mut Index| ()) })
    });
    let other = store.clone();
    let release_hold = store.0.committer.write(move |_| {
        other.release_hold(&lane("a"));
        Ok(Commit { batch: None, answer: claimed(&other), then: Box::new(|_: &mut Index| ()) })
    });
    let queued = async {
        started.await.unwrap();
        tokio::join!(biased; backfill(store, late), release_hold, async { open_gate.send(()).unwrap() })
    };
    let (open, (backfilled, claimed, ())) = tokio::join!(gate, queued);
    open.unwrap();
    assert_eq!(backfilled, Backfilled::Stored(late.len()));
    claimed.unwrap()
}

#[tokio::test]
async fn a_release_before_the_new_order_is_durable_allows_no_claim_of_the_old() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["5", "7"]).await;
    hold(&store, 0);
    assert_eq!(backfill_and_release(&store, &[1, 6]).await, "nothing");
    assert_eq!(drain(&store).await, ["1", "5", "6", "7"]);
}

#[tokio::test]
async fn a_lane_that_is_released_before_its_first_job_is_durable_is_not_forgotten() {
    let store = Home::new().open();
    hold(&store, 0);
    assert_eq!(backfill_and_release(&store, &[1]).await, "nothing");
    assert_eq!(drain(&store).await, ["1"]);
    push(&store, &lane("a"), &["7"]).await;
    hold(&store, 0);
    assert_eq!(backfill(&store, &[1]).await, Backfilled::Stored(0));
    store.release_hold(&lane("a"));
    assert_eq!(drain(&store).await, ["7"], "nothing new is no reason to stay frozen");
}

#[tokio::test]
async fn a_hold_keeps_what_comes_later_and_lets_the_rest_pass() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["a1"]).await;
    push(&store, &lane("b"), &["b1"]).await;
    hold(&store, store.next_mark().await.unwrap());
    push(&store, &lane("a"), &["a2"]).await;
    push(&store, &lane("b"), &["b2"]).await;
    assert_eq!(store.withheld(), 0, "its head may go");
    assert_eq!(drain(&store).await, ["a1", "b1", "b2"]);
    assert_eq!((store.withheld(), store.is_withheld(&lane("a")), store.due(&Route::Inbound)), (1, true, None));
    let woken = store.woken(&Route::Inbound);
    assert_eq!(store.release_all_holds(), 1);
    tokio::time::timeout(Duration::from_secs(10), woken.notified()).await.expect("whoever waits is woken");
    assert_eq!(drain(&store).await, ["a2"]);
}

#[tokio::test]
async fn a_hold_keeps_what_waits_for_another_try() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["5"]).await;
    claim(&store).unwrap().settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    hold(&store, 0);
    let later = NOW.plus(HOUR);
    assert!(store.claim(&Route::Inbound, later).unwrap().is_none());
    assert_eq!(backfill(&store, &[6]).await, Backfilled::Stored(1));
    store.release_hold(&lane("a"));
    assert_eq!(claimed(&store), "nothing", "the head still waits");
    assert_eq!(store.claim(&Route::Inbound, later).unwrap().unwrap().attempts(), 1);
}

#[tokio::test]
async fn a_new_store_begins_once_and_a_restored_one_anew() {
    let home = Home::new();
    let store = home.open();
    store.begin(NOW).await.unwrap();
    store.begin(NOW.plus(HOUR)).await.unwrap();
    assert_eq!((store.history_from().unwrap(), store.caught_up_at().unwrap()), (Some(NOW), None));
    store.advance_watermark(NOW.plus(HOUR), store.next_mark().await.unwrap(), Vec::new()).await.unwrap();
    push(&store, &lane("a"), &["a1"]).await;
    let dump = home.0.path().join("dump.jsonl");
    store.dump(&dump, NOW).unwrap();
    store.close().await.unwrap();
    Store::restore(home.0.path(), &dump).unwrap();
    let store = home.open();
    store.begin(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!(store.history_from().unwrap(), Some(NOW.plus(HOUR * 2)));
    assert_eq!(store.caught_up_at().unwrap(), Some(NOW.plus(HOUR)));
}

#[tokio::test]
async fn a_chat_is_known_from_an_arrival() {
    let store = Home::new().open();
    let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
    let chat = Chat { chat: KommoChatId("k".to_owned()), user: None };
    let change = StateChange::Chat { conversation: conversation.clone(), chat: chat.clone() };
    let intake = Intake { jobs: vec![new_job(Some("x"), &lane("a"), "a1")], offset: None };
    for at in [NOW, NOW.plus(HOUR / 2)] {
        store.push_with(intake.clone(), vec![change.clone()], at).await.unwrap();
    }
    assert_eq!(store.chat(&conversation).unwrap(), Some(chat.clone()));
    let known = KnownChat { conversation, chat, active_at: Some(NOW) };
    assert_eq!(store.known_chats().await.unwrap(), [known], "a repetition changes nothing");
}
