//! Who comes when.

use super::*;

#[tokio::test]
async fn a_lane_is_served_in_order_and_one_at_a_time() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    let first = claim(&store).unwrap();
    assert_eq!(name(first.job()), "a1");
    assert_eq!(claimed(&store), "nothing", "the lane is claimed");
    first.settle(done(), NOW).await.unwrap();
    assert_eq!(drain(&store).await, ["a2"]);
}

#[tokio::test]
async fn lanes_do_not_wait_for_each_other() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    push(&store, &lane("b"), &["b1"]).await;
    let (a, b) = (claim(&store).unwrap(), claim(&store).unwrap());
    assert_eq!((name(a.job()), name(b.job())), ("a1", "b1"));
    a.settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    b.settle(done(), NOW).await.unwrap();
    assert_eq!(claimed(&store), "nothing", "a2 waits behind a1");
    assert_eq!(store.due(&Route::Inbound), Some(Due::At(NOW.plus(HOUR))));
    let again = store.claim(&Route::Inbound, NOW.plus(HOUR)).unwrap().unwrap();
    assert_eq!((name(again.job()), again.attempts()), ("a1", 1));
}

#[tokio::test]
async fn lanes_take_turns() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1", "a2", "a3"]).await;
    push(&store, &lane("b"), &["b1", "b2"]).await;
    assert_eq!(drain(&store).await, ["a1", "b1", "a2", "b2", "a3"]);
}

#[tokio::test]
async fn what_has_never_been_tried_waits_for_no_clock() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    assert_eq!(store.due(&Route::Inbound), Some(Due::Now));
    assert!(store.claim(&Route::Inbound, UnixMillis(0)).unwrap().is_some(), "the clock was set back");
}

#[tokio::test]
async fn a_retry_that_was_noted_by_a_wrong_clock_is_due() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    claim(&store).unwrap().settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    assert_eq!(claimed(&store), "nothing");
    store.close().await.unwrap();
    assert_eq!(claimed(&home.open()), "a1", "nobody knows when that was");
}

#[tokio::test]
async fn when_the_way_is_free_again_what_came_first_goes_first() {
    let home = Home::new();
    let store = home.open();
    for name in ["a", "b", "c", "d"] {
        push(&store, &lane(name), &[name]).await;
    }
    let leases: Vec<_> = std::iter::from_fn(|| claim(&store)).take(3).collect();
    for (lease, hours) in leases.into_iter().zip([3, 1, 2]) {
        lease.settle(retry(NOW.plus(HOUR * hours)), NOW).await.unwrap();
    }
    let now = NOW.plus(HOUR * 2);
    store.sort(&Route::Inbound, now);
    let claim = || store.claim(&Route::Inbound, now).unwrap().unwrap();
    let leases = [claim(), claim(), claim()];
    assert_eq!(leases.each_ref().map(|lease| name(lease.job())), ["b", "c", "d"], "a waits for its own time");
}

#[tokio::test]
async fn people_go_before_broadcasts_and_files_have_slots_of_their_own() {
    let home = Home::new();
    let store = home.open();
    for n in 0..50 {
        let job = new_job(None, &lane(&format!("bulk {n}")), &format!("bulk {n}"));
        store.push_as(Intake { jobs: vec![job], offset: None }, Vec::new(), true, NOW).await.unwrap();
    }
    let file = Job::from(Call { method: send_file(), ..call_of(&part("file", "f")) });
    let file = NewJob { id: None, lane: lane("file"), job: file };
    store.push(Intake { jobs: vec![file], offset: None }, NOW).await.unwrap();
    push(&store, &lane("person"), &["person"]).await;
    let no_files = |class: Class| !class.is_file;
    let claim = || store.claim_of(&Route::Inbound, NOW, no_files).unwrap().unwrap();
    let (first, second) = (claim(), claim());
    assert_eq!((first.lane().thread.as_str(), second.lane().thread.as_str()), ("person", "bulk 0"));
    let any = store.claim(&Route::Inbound, NOW).unwrap().unwrap();
    assert_eq!((any.lane().thread.as_str(), any.class().is_file), ("file", true));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_tried_again_has_been_tried() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    let first = claim(&store).unwrap();
    let unfolded_at = first.tried_at();
    first.settle(Outcome::Replace(vec![named_job("1"), named_job("2")]), NOW).await.unwrap();
    tokio::time::advance(HOUR * 2).await;
    let part = claim(&store).unwrap();
    let tried_at = part.tried_at();
    assert!(tried_at >= unfolded_at + HOUR * 2, "the part has waited for its turn, and nobody has tried it");
    part.settle(retry(NOW), NOW).await.unwrap();
    tokio::time::advance(HOUR).await;
    assert_eq!(claim(&store).unwrap().tried_at(), tried_at, "it is tried again");
}

#[tokio::test]
async fn what_is_put_off_stays_as_it_is() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    claim(&store).unwrap().put_off(NOW.plus(HOUR));
    assert_eq!((claimed(&store), store.due(&Route::Inbound)), ("nothing".to_owned(), Some(Due::At(NOW.plus(HOUR)))));
    let again = store.claim(&Route::Inbound, NOW.plus(HOUR)).unwrap().unwrap();
    assert_eq!((name(again.job()), again.attempts()), ("a1", 0));
}

#[tokio::test]
async fn what_an_earlier_run_has_left_is_known() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    assert!(!claim(&store).unwrap().is_left());
    store.close().await.unwrap();
    let store = home.open();
    push(&store, &lane("b"), &["b1"]).await;
    let [first, second] = [(); 2].map(|()| claim(&store).unwrap());
    assert_eq!((first.is_left(), second.is_left()), (true, false));
}

#[tokio::test]
async fn routes_are_apart() {
    let home = Home::new();
    let store = home.open();
    let outbound = Route::Outbound(SourceId::parse("sales").unwrap());
    let other = Lane { route: outbound.clone(), thread: "a".to_owned() };
    push(&store, &lane("a"), &["in"]).await;
    push(&store, &other, &["out"]).await;
    assert_eq!(name(store.claim(&outbound, NOW).unwrap().unwrap().job()), "out");
    assert_eq!(claimed(&store), "in");
    assert_eq!(store.routes(), [Route::Inbound, outbound]);
}

#[tokio::test]
async fn a_push_behind_a_waiting_head_does_not_make_it_due() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    claim(&store).unwrap().settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    push(&store, &lane("a"), &["a2"]).await;
    assert_eq!(claimed(&store), "nothing");
}

#[tokio::test]
async fn parts_keep_the_place_of_their_whole() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["whole", "later"]).await;
    let parts = Outcome::Replace(vec![named_job("part 1"), named_job("part 2")]);
    let much_later = NOW.plus(HOUR);
    claim(&store).unwrap().settle(parts, much_later).await.unwrap();
    let first = store.claim(&Route::Inbound, much_later).unwrap().unwrap();
    assert_eq!((name(first.job()), first.enqueued_at()), ("part 1", NOW), "a part is as old as its whole");
    first.settle(retry(NOW), NOW).await.unwrap();
    let names: Vec<String> = {
        let mut names = Vec::new();
        while let Some(lease) = store.claim(&Route::Inbound, much_later).unwrap() {
            names.push(name(lease.job()).to_owned());
            lease.settle(done(), much_later).await.unwrap();
        }
        names
    };
    assert_eq!(names, ["part 1", "part 2", "later"]);
}

#[tokio::test]
async fn a_part_that_becomes_parts_moves_the_others_up() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["whole", "later"]).await;
    claim(&store).unwrap().settle(Outcome::Replace(["1", "2", "3"].map(named_job).to_vec()), NOW).await.unwrap();
    claim(&store).unwrap().settle(done(), NOW).await.unwrap();
    claim(&store).unwrap().settle(Outcome::Replace(["2a", "2b"].map(named_job).to_vec()), NOW).await.unwrap();
    assert_eq!(store.counts().routes[0].1.waiting, 4);
    assert_eq!(drain(&store).await, ["2a", "2b", "3", "later"]);
}

#[tokio::test]
async fn jobs_that_are_united_leave_as_one() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["first", "second", "third", "later"]).await;
    let head = claim(&store).unwrap();
    let behind: Vec<_> = head.behind(2).unwrap().iter().map(|(job, _)| name(job).to_owned()).collect();
    assert_eq!(behind, ["second", "third"]);
    push(&store, &lane("a"), &["last"]).await;
    let jobs = vec![part("album", "x"), part("text", "y")];
    head.settle(Outcome::Merge { behind: 2, jobs }, NOW).await.unwrap();
    assert_eq!(store.counts().routes[0].1.waiting, 4);
    store.close().await.unwrap();
    assert_eq!(drain(&home.open()).await, ["album", "text", "later", "last"]);
}

#[tokio::test]
async fn parking_leaves_the_parts_of_other_answers() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["whole"]).await;
    let parts = vec![part("x1", "x"), part("y1", "y"), part("x2", "x")];
    claim(&store).unwrap().settle(Outcome::Replace(parts), NOW).await.unwrap();
    claim(&store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    assert_eq!(store.parked(1).unwrap()[0].jobs.iter().map(name).collect::<Vec<_>>(), ["x1", "x2"]);
    assert_eq!(drain(&store).await, ["y1"]);
}

#[tokio::test]
async fn what_follows_goes_to_the_tail_of_its_own_lane() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    push(&store, &lane("b"), &["b1"]).await;
    let then = vec![new_job(None, &lane("b"), "b2")];
    claim(&store).unwrap().settle(Outcome::Done { then, changes: Vec::new() }, NOW).await.unwrap();
    assert_eq!(drain(&store).await, ["b1", "b2"]);
}

#[tokio::test]
async fn parking_takes_the_parts_that_are_left_and_nothing_else() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["whole", "later"]).await;
    let parts = ["part 1", "part 2", "part 3"].map(named_job).to_vec();
    claim(&store).unwrap().settle(Outcome::Replace(parts), NOW).await.unwrap();
    claim(&store).unwrap().settle(done(), NOW).await.unwrap();
    claim(&store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    assert_eq!(drain(&store).await, ["later"]);
    let parked = store.parked(10).unwrap();
    assert_eq!((parked.len(), store.counts().parked), (1, 1));
    assert_eq!(parked[0].jobs.iter().map(name).collect::<Vec<_>>(), ["part 2", "part 3"]);
    assert_eq!((parked[0].why.as_str(), parked[0].parked_at, &parked[0].lane), ("hopeless", NOW, &lane("a")));

    assert!(store.unpark(parked[0].id, NOW).await.unwrap());
    assert!(!store.unpark(parked[0].id, NOW).await.unwrap(), "it is parked no more");
    claim(&store).unwrap().settle(park("hopeless again"), NOW).await.unwrap();
    let again = store.parked(10).unwrap();
    assert_eq!(again[0].jobs.len(), 2, "they still belong together");
    assert!(store.unpark(again[0].id, NOW).await.unwrap());
    assert_eq!(drain(&store).await, ["part 2", "part 3"]);
    assert_eq!(store.counts().parked, 0);
}

#[tokio::test]
async fn a_parked_message_can_be_forgotten() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    claim(&store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    let id = store.parked(10).unwrap()[0].id;
    assert!(drop_parked(&store, id).await);
    assert!(!drop_parked(&store, id).await);
    assert!(store.parked(10).unwrap().is_empty());
}

#[tokio::test]
async fn a_lease_that_is_dropped_frees_its_lane() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    drop(claim(&store).unwrap());
    assert_eq!(drain(&store).await, ["a1"]);
}

#[tokio::test]
async fn whoever_waits_is_woken_by_a_push_and_by_a_settled_lane() {
    let home = Home::new();
    let store = home.open();
    let woken = store.woken(&Route::Inbound);
    push(&store, &lane("a"), &["a1", "a2"]).await;
    tokio::time::timeout(Duration::from_secs(10), woken.notified()).await.expect("a push wakes");
    claim(&store).unwrap().settle(done(), NOW).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), woken.notified()).await.expect("the next head wakes");
}

#[tokio::test]
async fn counts_follow_the_queue() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1", "a2"]).await;
    let count = |store: &Store| store.counts().routes.first().map(|(_, count)| *count).unwrap();
    assert_eq!(count(&store), QueueCount { waiting: 2, oldest_at: Some(NOW) });
    claim(&store).unwrap().settle(Outcome::Replace(["p1", "p2", "p3"].map(named_job).to_vec()), NOW).await.unwrap();
    assert_eq!(count(&store).waiting, 4);
    drain(&store).await;
    assert_eq!(count(&store), QueueCount { waiting: 0, oldest_at: None });
}

#[tokio::test]
async fn what_waits_for_a_time_of_its_own_counts_as_waiting_and_not_as_old() {
    let home = Home::new();
    let store = home.open();
    let held = Lane::hold(&Conversation::new(SourceId::parse("sales").unwrap(), 7));
    push(&store, &held, &["h1"]).await;
    let count = |store: &Store| store.counts().routes.first().map(|(_, count)| *count).unwrap();
    assert_eq!(count(&store), QueueCount { waiting: 1, oldest_at: None });
    push(&store, &lane("a"), &["a1"]).await;
    assert_eq!(count(&store), QueueCount { waiting: 2, oldest_at: Some(NOW) });
}
