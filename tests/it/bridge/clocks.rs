//! A clock of this machine that is wrong, and is set right: nothing is sent twice, nothing is forgotten too early.

use std::time::Duration;

use telekommo::{
    clock,
    domain::job::Lane,
    lifecycle::Ended,
    sandbox::{
        fault::Fault,
        harness::{ANNA, BEN, Harness, LINES, Line},
        kommo::{Endpoint, Status},
    },
};

use super::raw;
use crate::support::{TestStage, conversation, eventually, in_kommo, in_telegram, statuses};

const SALES: Line = LINES[0];
const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

async fn stage() -> TestStage {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage
}

async fn stop(stage: &mut TestStage) {
    assert_eq!(stage.stop_bridge().await, Some(Ended::Stopped));
}

fn asked(stage: &Harness) -> usize {
    stage.kommo.requests().iter().filter(|it| it.endpoint == Some(Endpoint::History)).count()
}

/// Waits until a comparison is complete that began after this, by a clock that is right.
async fn compared(stage: &TestStage) {
    let from = clock::now();
    let is_so = || stage.store().caught_up_at().unwrap().is_some_and(|at| at >= from);
    // One that is under way may have begun earlier: whoever asks gets one more.
    let request = stage.commands().post("http://localhost/reconcile");
    let said = request.send().await.unwrap().text().await.unwrap();
    assert!(is_so() || said.contains("found 0"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_in_the_far_future_forgets_nothing() {
    let mut stage = stage().await;
    let mut ids = Vec::new();
    for text in ["1", "2", "3"] {
        let id = stage.reply(SALES, ANNA, text).await;
        assert_eq!(stage.outcome(&id).await, Status::Delivered);
        ids.push(id);
    }
    stop(&mut stage).await;
    let asked_before = asked(&stage);
    clock::set_off_by(91 * DAY_MS);
    stage.start_bridge().await.unwrap();
    // What came is known although, by this clock, it has expired long since.
    let again = raw::message(&ids[0], &conversation(SALES, ANNA), "1");
    assert_eq!(raw::send(&stage, &again).await.status, Some(200));
    stage.until("Kommo was asked for the time", |stage| asked(stage) > asked_before).await;
    assert!(stage.store().first_expiry().unwrap() < Some(clock::now()), "what has expired by this clock is there");
    clock::set_off_by(0);
    eventually("the comparison is made by the right clock", async || {
        stage.store().caught_up_at().unwrap().is_some_and(|at| at <= clock::now())
    })
    .await;
    compared(&stage).await;
    stage.until_settled().await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["1", "2", "3"]);
    for id in &ids {
        assert_eq!(statuses(&stage, id), [Status::Delivered]);
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_in_the_past_sends_nothing_twice() {
    for days in [3, 14] {
        let mut stage = stage().await;
        let before = stage.reply(SALES, ANNA, "before").await;
        assert_eq!(stage.outcome(&before).await, Status::Delivered);
        stop(&mut stage).await;
        stage.kommo.lose_hooks(true);
        let (lost, _) = stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "lost").await;
        stage.kommo.lose_hooks(false);
        clock::set_off_by(-days * DAY_MS);
        stage.start_bridge().await.unwrap();
        let ids = [stage.reply(SALES, ANNA, "1").await, stage.reply(SALES, ANNA, "2").await];
        stage.until_ready_says(503, &["held: answers in 1 conversations", "behind Kommo's"]).await;
        clock::set_off_by(0);
        assert_eq!(stage.outcome(&lost).await, Status::Delivered, "{days} days");
        for id in &ids {
            stage.until("Kommo is told", |stage| !statuses(stage, id).is_empty()).await;
        }
        compared(&stage).await;
        stage.until_settled().await;
        let arrived = in_telegram(&stage, SALES, ANNA);
        for (id, text) in ids.iter().zip(["1", "2"]) {
            let count = arrived.iter().filter(|arrived| *arrived == text).count();
            assert_eq!((statuses(&stage, id).len(), count <= 1), (1, true), "{days} days: {arrived:?}");
            assert_eq!(statuses(&stage, id)[0] == Status::Delivered, count == 1, "{days} days");
        }
        assert!(arrived.starts_with(&["before".to_owned(), "lost".to_owned()]), "{arrived:?}");
        stage.allow_leftovers();
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_while_kommo_answers_gives_nothing_up() {
    for days in [3, -3] {
        let mut stage = stage().await;
        stop(&mut stage).await;
        stage.kommo.lose_hooks(true);
        let (lost, _) = stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "lost").await;
        stage.kommo.lose_hooks(false);
        stage.kommo.fault(Endpoint::History, Fault::Hang(Duration::from_secs(1)), 1);
        let asked_before = asked(&stage);
        stage.start_bridge().await.unwrap();
        // The request is signed by a clock that is right, and answered when it is wrong.
        eventually("the history is asked for", async || stage.kommo.faults_are_over()).await;
        clock::set_off_by(days * DAY_MS);
        stage.until("the history has answered", |stage| asked(stage) > asked_before).await;
        let wrong = if days > 0 { "3 days ahead of Kommo's" } else { "3 days behind Kommo's" };
        eventually("it waits for the clock", async || stage.admin("/ready").await.1.contains(wrong)).await;
        assert_eq!(statuses(&stage, &lost), [], "{days} days");
        clock::set_off_by(0);
        assert_eq!(stage.outcome(&lost).await, Status::Delivered, "{days} days");
        assert_eq!(in_telegram(&stage, SALES, ANNA), ["lost"]);
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_by_days_while_it_runs_repeat_nothing_and_keep_nobody_busy() {
    let stage = stage().await;
    let mut ids = Vec::new();
    for (n, days) in [0, 5, -5, 40, 0].into_iter().enumerate() {
        clock::set_off_by(days * DAY_MS);
        let id = stage.reply(SALES, ANNA, &n.to_string()).await;
        stage.until("it has arrived", |stage| in_telegram(stage, SALES, ANNA).len() > n).await;
        ids.push(id);
    }
    stage.until_settled().await;
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    compared(&stage).await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["0", "1", "2", "3", "4"]);
    let mut stage = stage;
    stage.allow_failures();
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_held_when_the_clock_is_set_back_keeps_nobody_busy() {
    let mut stage = TestStage::with("telegram.ask_phone = \"on_start\"\ntelegram.phone_wait = \"1h\"").await;
    stage.allow_failures();
    stage.telegram.write(SALES.token, BEN, "/start");
    stage.until("the customer is asked", |stage| stage.telegram.reply_keyboard(SALES.token, BEN).is_some()).await;
    clock::set_off_by(-10 * HOUR_MS);
    stop(&mut stage).await;
    stage.start_bridge().await.unwrap();
    stage.telegram.write(SALES.token, BEN, "hello");
    let lane = Lane::inbound(&conversation(SALES, BEN).parse().unwrap());
    eventually("both wait for Kommo", async || {
        stage.store().waiting(lane.clone()).await.unwrap().is_some_and(|jobs| jobs.len() == 2)
    })
    .await;
    clock::set_off_by(0);
    stage.until("Kommo has both", |stage| in_kommo(stage, SALES, BEN) == ["/start", "hello"]).await;
    assert!(stage.store().counts().flushes < 50, "nobody was busy meanwhile");
    stage.allow_leftovers();
    stage.finish().await;
}
