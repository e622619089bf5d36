//! What an operator sees of the queue, and does out of its turn.

use super::*;

async fn all(store: &Store) -> Vec<WaitingLane> {
    after(store, None, usize::MAX).await
}

async fn after(store: &Store, after: Option<u64>, limit: usize) -> Vec<WaitingLane> {
    store.waiting_lanes(after, limit, |_| true, |_| true).await.unwrap()
}

/// The names of the first jobs.
fn names(lanes: &[WaitingLane]) -> Vec<&str> {
    lanes.iter().map(|lane| name(&lane.first.as_ref().unwrap().job)).collect()
}

#[tokio::test]
async fn lanes_are_listed_by_what_came_first_whatever_their_route() {
    let store = Home::new().open();
    let report = Lane { route: Route::Status, thread: "a".to_owned() };
    push(&store, &lane("b"), &["b1"]).await;
    push(&store, &report, &["r1", "r2"]).await;
    push(&store, &lane("a"), &["a1", "a2", "a3"]).await;
    let lanes = all(&store).await;
    assert_eq!(names(&lanes), ["b1", "r1", "a1"]);
    assert_eq!(lanes.iter().map(|lane| lane.jobs).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(lanes.iter().all(|lane| lane.turn == Readiness::Now));
    // Page by page, with none twice.
    let first = after(&store, None, 2).await;
    assert_eq!(names(&first), ["b1", "r1"]);
    assert_eq!(names(&after(&store, Some(first[1].id), 2).await), ["a1"]);
    let chosen = store.waiting_lanes(None, 9, |lane| lane.route == Route::Inbound, |lane| lane.jobs > 1).await.unwrap();
    assert_eq!(names(&chosen), ["a1"]);
    let behind = store.waiting_in(lane("a"), 2).await.unwrap();
    assert_eq!(behind.iter().map(|job| name(&job.job)).collect::<Vec<_>>(), ["a1", "a2"]);
}

#[tokio::test]
async fn more_lanes_than_a_look_takes_are_listed() {
    let store = Home::new().open();
    for number in 0..1203 {
        push(&store, &lane(&number.to_string()), &["x"]).await;
    }
    assert_eq!(all(&store).await.len(), 1203);
}

#[tokio::test]
async fn a_failure_is_told_with_its_reason_after_a_restart_too() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    claim(&store).unwrap().settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    let failures = |lanes: &[WaitingLane]| {
        let first = lanes[0].first.as_ref().unwrap();
        (first.attempts, first.why.clone())
    };
    let lanes = all(&store).await;
    assert_eq!((lanes[0].turn, failures(&lanes)), (Readiness::At(NOW.plus(HOUR)), (1, Some("test".to_owned()))));
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(failures(&all(&store).await), (1, Some("test".to_owned())));
    let long = Outcome::Retry { at: NOW, counts: true, why: "é".repeat(5000) };
    claim(&store).unwrap().settle(long, NOW).await.unwrap();
    assert_eq!(failures(&all(&store).await), (2, Some("é".repeat(300))), "not all of a long one");
}

#[tokio::test]
async fn what_comes_first_is_set_aside_and_what_is_behind_it_goes_on() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["a1", "a2", "a3"]).await;
    claim(&store).unwrap().settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    assert_eq!(claimed(&store), "nothing", "the lane waits for its first job");
    let ids: Vec<_> = store.waiting_in(lane("a"), 9).await.unwrap().iter().map(|job| job.id).collect();
    let behind = Err(NotChanged::Behind(ids[0]));
    assert_eq!(store.park_waiting(ids[1], "stuck", NOW).await.unwrap(), behind);
    assert_eq!(store.park_waiting(ids[2] + 100, "stuck", NOW).await.unwrap(), Err(NotChanged::Missing));
    let parked = store.park_waiting(ids[0], "stuck", NOW).await.unwrap().unwrap();
    let aside = store.parked(9).unwrap();
    assert_eq!((aside[0].id, aside[0].why.as_str(), name(&aside[0].jobs[0])), (parked, "stuck", "a1"));
    assert_eq!(aside[0].expires_at, None, "it needs a person");
    assert_eq!((store.counts().parked, store.counts().routes[0].1.waiting), (1, 2));
    assert_eq!(drain(&store).await, ["a2", "a3"]);
    assert!(store.unpark(parked, NOW).await.unwrap());
    assert_eq!(drain(&store).await, ["a1"]);
}

#[tokio::test]
async fn all_parts_of_an_answer_are_set_aside_with_its_first() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["whole", "next"]).await;
    let parts = vec![part("one", "m"), part("two", "m"), part("three", "m")];
    claim(&store).unwrap().settle(Outcome::Replace(parts), NOW).await.unwrap();
    let first = all(&store).await.remove(0);
    store.park_waiting(first.id, "stuck", NOW).await.unwrap().unwrap();
    assert_eq!(store.parked(9).unwrap()[0].jobs.iter().map(name).collect::<Vec<_>>(), ["one", "two", "three"]);
    assert_eq!(drain(&store).await, ["next"]);
}

#[tokio::test]
async fn what_is_being_done_is_left_alone() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    let lease = claim(&store).unwrap();
    let first = all(&store).await.remove(0);
    assert_eq!(first.turn, Readiness::UnderWay);
    assert_eq!(store.park_waiting(first.id, "stuck", NOW).await.unwrap(), Err(NotChanged::UnderWay));
    assert_eq!(store.try_now(first.id).await.unwrap(), Err(NotChanged::UnderWay));
    lease.settle(done(), NOW).await.unwrap();
    assert_eq!(store.park_waiting(first.id, "stuck", NOW).await.unwrap(), Err(NotChanged::Missing));
    assert_eq!(drain(&store).await, ["a2"]);
}

#[tokio::test]
async fn what_waits_for_a_time_is_tried_at_once() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    claim(&store).unwrap().settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    let ids: Vec<_> = store.waiting_in(lane("a"), 9).await.unwrap().iter().map(|job| job.id).collect();
    assert_eq!(store.try_now(ids[1]).await.unwrap(), Err(NotChanged::Behind(ids[0])));
    assert_eq!(store.try_now(ids[0]).await.unwrap(), Ok(()));
    assert_eq!(drain(&store).await, ["a1", "a2"]);
    assert_eq!(store.try_now(ids[0]).await.unwrap(), Err(NotChanged::Missing));
}

#[tokio::test]
async fn a_held_lane_says_so_and_stays_held_when_its_first_job_is_set_aside() {
    let store = Home::new().open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    store.hold(&[lane("a")], 0);
    let first = all(&store).await.remove(0);
    assert_eq!(first.turn, Readiness::Held);
    store.park_waiting(first.id, "stuck", NOW).await.unwrap().unwrap();
    assert_eq!(claimed(&store), "nothing");
    assert_eq!(all(&store).await[0].turn, Readiness::Held);
    store.release_hold(&lane("a"));
    assert_eq!(drain(&store).await, ["a2"]);
}
