//! Managers' messages to customers who have been silent for long, whose hooks were lost.

use std::time::Duration;

use telekommo::{
    clock,
    sandbox::{
        harness::{ANNA, BEN, Harness, LINES, Line},
        kommo::{Status, Subject},
    },
};

use crate::support::{TestStage, conversation, eventually, in_telegram};

const SALES: Line = LINES[0];
const SETTINGS: &str = "reconcile.chats_within = \"1h\"\nreconcile.every = \"300ms\"\n";
const ACCOUNT: &str = "kommo.account_url = \"{account_url}\"\nkommo.access_token = \"{access_token}\"\n";

/// The clocks show that so many hours have passed since the beginning, `before` of them already.
fn pass(stage: &Harness, before: i64, hours: i64) {
    let by = Duration::from_hours((hours - before).unsigned_abs());
    stage.kommo.clock().advance(by);
    stage.telegram.clock().advance(by);
    clock::set_off_by(hours * 60 * 60 * 1000);
}

async fn lose(stage: &Harness, texts: &[&str]) -> Vec<String> {
    stage.kommo.lose_hooks(true);
    let mut ids = Vec::new();
    for text in texts {
        ids.push(stage.kommo.reply(&conversation(SALES, ANNA), "Maria", text).await.0);
    }
    stage.kommo.lose_hooks(false);
    ids
}

async fn arrive(stage: &TestStage, ids: &[String], texts: &[&str]) {
    for id in ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(stage, SALES, ANNA), texts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_chats_are_gone_through_often_enough_to_send_what_is_found() {
    let mut stage = TestStage::with(SETTINGS).await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    eventually("the rounds begin", async || stage.store().looked_at_all_at().unwrap().is_some()).await;
    pass(&stage, 0, 10);
    let ids = lose(&stage, &["wake up", "please"]).await;
    pass(&stage, 10, 13);
    arrive(&stage, &ids, &["wake up", "please"]).await;
    eventually("the round is over", async || {
        stage.store().looked_at_all_at().unwrap().is_some_and(|at| at > clock::now().minus(Duration::from_hours(1)))
    })
    .await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_tells_which_of_them_woke_up() {
    let mut stage = TestStage::with(&format!("{SETTINGS}{ACCOUNT}")).await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.begin(SALES, BEN).await;
    eventually("the rounds begin", async || stage.store().looked_at_all_at().unwrap().is_some()).await;
    pass(&stage, 0, 3);
    let ids = lose(&stage, &["wake up", "please"]).await;
    arrive(&stage, &ids, &["wake up", "please"]).await;
    assert!(stage.kommo.rest_requests().iter().any(|it| it.subject == Some(Subject::Events)));
    assert_eq!(in_telegram(&stage, SALES, BEN), [""; 0]);
    stage.finish().await;
}
