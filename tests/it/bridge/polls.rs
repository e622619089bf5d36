//! Who else wants a bot's updates.

use telekommo::sandbox::harness::{ANNA, BEN, LINES, Line};

use crate::support::{TestStage, eventually, in_kommo};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];

/// Calls the fake as another program with the same token would.
async fn call(stage: &TestStage, method: &str) {
    let address = format!("{}/bot{}/{method}", stage.telegram.url(), SALES.token);
    let response = reqwest::get(address).await.expect("the fake answers");
    assert_eq!(response.status(), 200);
}

async fn stage() -> TestStage {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.until_ready_says(200, &[]).await;
    // From here on each bot has a poll that waits.
    eventually("both poll", async || LINES.iter().all(|line| stage.telegram.poll_count(line.token) > 1)).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_bot_is_ready_at_once() {
    let stage = TestStage::start().await;
    stage.until_ready_says(200, &["ready"]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_named_and_its_removal_noticed() {
    let stage = stage().await;
    call(&stage, "setWebhook?url=https://elsewhere.example/hook").await;
    stage.until_ready_says(503, &["bot sales: a webhook is set for this bot"]).await;
    stage.telegram.write(SALES.token, ANNA, "kept by Telegram");
    stage.telegram.write(SUPPORT.token, BEN, "not held up");
    stage.until("the other bot polls", |stage| in_kommo(stage, SUPPORT, BEN) == ["not held up"]).await;
    call(&stage, "deleteWebhook").await;
    stage.until("polling goes on", |stage| in_kommo(stage, SALES, ANNA) == ["kept by Telegram"]).await;
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_poller_is_named_and_its_end_noticed() {
    let stage = stage().await;
    call(&stage, "getUpdates?timeout=1").await;
    stage.until_ready_says(503, &["bot sales: another program is polling"]).await;
    stage.telegram.write(SUPPORT.token, BEN, "not held up");
    stage.until("the other bot polls", |stage| in_kommo(stage, SUPPORT, BEN) == ["not held up"]).await;
    // Nobody writes to the bot: its recovery shows all the same.
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}
