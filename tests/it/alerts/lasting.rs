//! What outlives a restart, and targets that fail.

use std::fs;

use serde_json::json;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, LINES, Line},
    telegram::Target,
};

use super::{QUICK, SLOWER, inbox::Inbox, telling};
use crate::support::{TestStage, eventually};

const SALES: Line = LINES[0];

fn revoke(stage: &TestStage) {
    let body = json!({ "ok": false, "error_code": 401, "description": "Unauthorized" }).to_string();
    stage.telegram.fault(Target::bot(SALES.token), Fault::Status { code: 401, body }, u32::MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_neither_repeats_nor_forgets() {
    let inbox = Inbox::open().await;
    let mut stage = telling(&inbox, SLOWER).await;
    revoke(&stage);
    inbox.until(&["told bot_revoked:sales"]).await;
    for _ in 0..3 {
        stage.stop_bridge().await;
        stage.start_bridge().await.unwrap();
        stage.until_ready_says(503, &["bot sales: Telegram does not accept"]).await;
    }
    inbox.until(&["told bot_revoked:sales"]).await;
    stage.stop_bridge().await;
    stage.telegram.heal();
    stage.start_bridge().await.unwrap();
    inbox.until(&["told bot_revoked:sales", "resolved bot_revoked:sales"]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_sent_is_sent_after_a_restart() {
    let inbox = Inbox::open().await;
    inbox.answer(503);
    let mut stage = telling(&inbox, SLOWER).await;
    revoke(&stage);
    stage.until_ready_says(503, &["alerts to inbox: 127.0.0.1 answers 503"]).await;
    stage.stop_bridge().await;
    inbox.answer(200);
    stage.start_bridge().await.unwrap();
    inbox.until(&["told bot_revoked:sales"]).await;
    stage.telegram.heal();
    inbox.until(&["told bot_revoked:sales", "resolved bot_revoked:sales"]).await;
    stage.finish().await;
}

/// The others are told of a target that takes nothing, once, and it is not told of itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_fails_holds_up_no_other_and_is_no_news_to_itself() {
    let (inbox, broken) = (Inbox::open().await, Inbox::open().await);
    broken.answer(500);
    let url = format!("http://{}/", broken.address);
    let broken_one = format!("alert_targets.broken.kind = \"webhook\"\nalert_targets.broken.url = {url:?}\n");
    let stage = telling(&inbox, &broken_one).await;
    revoke(&stage);
    inbox.until(&["told bot_revoked:sales", "told alert_target:broken"]).await;
    stage.telegram.heal();
    inbox.until(&["told bot_revoked:sales", "told alert_target:broken", "resolved bot_revoked:sales"]).await;
    broken.answer(200);
    // It hears of what is over by now.
    broken.until(&["resolved bot_revoked:sales"]).await;
    inbox
        .until(&[
            "told bot_revoked:sales",
            "told alert_target:broken",
            "resolved bot_revoked:sales",
            "resolved alert_target:broken",
        ])
        .await;
    broken.until(&["resolved bot_revoked:sales"]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_of_the_day_are_told_once_a_day() {
    let inbox = Inbox::open().await;
    let mut stage = telling(&inbox, "alerts.daily_at = \"00:00\"\n").await;
    stage.begin(SALES, ANNA).await;
    let id = stage.reply(SALES, ANNA, "an answer").await;
    stage.outcome(&id).await;
    stage.stop_bridge().await;
    assert_eq!(inbox.calls().len(), 0, "the first day is not over");
    let file = stage.dir().join("data/alerts.json");
    let mut kept: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    kept["day"]["last_on"] = "2020-01-01".into();
    fs::write(&file, kept.to_string()).unwrap();
    for _ in 0..2 {
        stage.start_bridge().await.unwrap();
        eventually("the line has come", async || inbox.calls().len() == 1).await;
        stage.stop_bridge().await;
    }
    let text = inbox.texts().remove(0);
    let said = "received 1 message of customers and 1 message of managers. Delivered 2, failed 0, waiting 0, parked 0. \
                The median time until a customer was answered is about ";
    assert!(text.contains(said), "{text}");
    stage.start_bridge().await.unwrap();
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_target_nothing_is_told_and_nothing_is_kept() {
    let mut stage = TestStage::with(QUICK).await;
    stage.allow_failures();
    revoke(&stage);
    stage.until_ready_says(503, &["bot sales: Telegram does not accept"]).await;
    stage.stop_bridge().await;
    assert!(!stage.dir().join("data/alerts.json").exists());
    stage.start_bridge().await.unwrap();
    stage.finish().await;
}
