//! What only the operator can mend: one route pauses, the others go on, and nothing is lost.

use std::time::{Duration, Instant};

use serde_json::json;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    kommo::Status,
    telegram::{NewBot, Target},
};

use crate::support::{TestStage, in_kommo, in_telegram};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];

async fn stage() -> TestStage {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.begin(SUPPORT, BEN).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_refused_pauses_its_own_bot_only() {
    let stage = stage().await;
    let body = r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#.to_owned();
    for method in ["sendMessage", "getMe"] {
        let asked = Target { token: Some(SALES.token.to_owned()), method: Some(method.to_owned()) };
        stage.telegram.fault(asked, Fault::Status { code: 401, body: body.clone() }, u32::MAX);
    }
    let pending = [stage.reply(SALES, ANNA, "first").await, stage.reply(SALES, ANNA, "second").await];
    stage.until_ready_says(503, &["outbound:sales has paused: Telegram does not accept this bot's token"]).await;

    let other = stage.reply(SUPPORT, BEN, "not held up").await;
    assert_eq!(stage.kommo.chats().len(), 2);
    stage.until("the other bot sends", |stage| in_telegram(stage, SUPPORT, BEN) == ["not held up"]).await;
    stage.telegram.write(SALES.token, ANNA, "still heard");
    stage.until("intake goes on", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;

    stage.telegram.heal();
    for id in pending.iter().chain([&other]) {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["first", "second"]);
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

/// Every call of a bot is refused for a while. Each direction says what is to be done, and goes on by itself
/// afterwards.
async fn refused_for_a_while((code, description): (u16, &str), advice: &str, no_advice: &str) {
    let stage = stage().await;
    let body = json!({ "ok": false, "error_code": code, "description": description }).to_string();
    stage.telegram.fault(Target::bot(SALES.token), Fault::Status { code, body }, u32::MAX);
    // The poll that waits is answered first.
    stage.telegram.write(SALES.token, ANNA, "first");
    let waits = stage.reply(SALES, ANNA, "waits").await;
    stage
        .until_ready_says(503, &[&format!("bot sales: {advice}"), &format!("outbound:sales has paused: {advice}")])
        .await;
    let (_, told) = stage.admin("/ready").await;
    assert!(!told.contains(no_advice) && !told.contains("restart"), "{told}");
    stage.telegram.write(SALES.token, ANNA, "second");
    stage.telegram.heal();
    let healed_at = Instant::now();
    stage.until("polling goes on", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "first", "second"]).await;
    assert_eq!(stage.outcome(&waits).await, Status::Delivered);
    assert!(healed_at.elapsed() < Duration::from_secs(10), "{:?}", healed_at.elapsed());
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_was_logged_out_needs_no_new_token() {
    refused_for_a_while((400, "Logged out"), "this Bot API server has logged the bot out", "@BotFather").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_path_is_no_revoked_token() {
    refused_for_a_while((404, "Not Found"), "the Bot API server has no bot under this address", "revoked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_given_back_needs_no_restart() {
    refused_for_a_while((401, "Unauthorized"), "Telegram does not accept this bot's token", "api_url").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_named_and_a_restart_mends_it() {
    let mut stage = stage().await;
    stage.telegram.revoke(SALES.token);
    // The revoked poll is held open until something happens.
    stage.telegram.write(SUPPORT.token, BEN, "go on");
    stage.until_ready_says(503, &["bot sales: Telegram does not accept this bot's token"]).await;
    let pending = stage.reply(SALES, ANNA, "waits for the token").await;
    let other = stage.reply(SUPPORT, BEN, "not held up").await;
    stage.until("the other bot sends", |stage| in_telegram(stage, SUPPORT, BEN) == ["not held up"]).await;
    stage.until("the other bot polls", |stage| in_kommo(stage, SUPPORT, BEN) == ["/start", "go on"]).await;
    stage.until_ready_says(503, &["outbound:sales has paused"]).await;

    stage.stop_bridge().await;
    stage.telegram.add_bot(NewBot { token: SALES.token.into(), username: "x".into(), name: SALES.name.into() });
    stage.telegram.write(SALES.token, ANNA, "/start");
    stage.start_bridge().await.unwrap();
    for id in [&pending, &other] {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["waits for the token"]);
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kommo_that_refuses_the_signature_is_tried_until_it_does_not() {
    let stage = stage().await;
    let wrong = Duration::from_mins(20);
    stage.kommo.clock().advance(wrong);
    for n in 0..3 {
        stage.telegram.write(SALES.token, ANNA, &format!("Anna {n}"));
        stage.telegram.write(SUPPORT.token, BEN, &format!("Ben {n}"));
    }
    let answer = stage.reply(SALES, ANNA, "answers still go out").await;
    stage.until("the answer arrives", |stage| in_telegram(stage, SALES, ANNA).len() == 1).await;
    let why = "has paused: Kommo answered 403 Forbidden ORIGIN_INVALID_SIGNATURE";
    stage.until_ready_says(503, &[&format!("inbound {why}"), &format!("report {why}")]).await;

    stage.kommo.clock().turn_back(wrong);
    assert_eq!(stage.outcome(&answer).await, Status::Delivered);
    stage.until("Anna's arrive", |stage| in_kommo(stage, SALES, ANNA).len() == 4).await;
    stage.until("Ben's arrive", |stage| in_kommo(stage, SUPPORT, BEN).len() == 4).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start", "Anna 0", "Anna 1", "Anna 2"]);
    assert_eq!(in_kommo(&stage, SUPPORT, BEN), ["/start", "Ben 0", "Ben 1", "Ben 2"]);
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_not_connected_is_waited_for() {
    let stage = stage().await;
    stage.kommo.set_connected(false);
    stage.telegram.write(SALES.token, ANNA, "is anybody there?");
    stage.until_ready_says(503, &["inbound has paused", "ORIGIN_NOT_REGISTERED"]).await;
    stage.kommo.set_connected(true);
    stage.until("it arrives", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}
