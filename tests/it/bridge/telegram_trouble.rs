//! Telegram is down, busy or breaks the connection: answers wait or are reported, and are never sent twice.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    kommo::Status,
    telegram::Target,
};

use crate::support::{TestStage, eventually, in_kommo, in_telegram};

const SALES: Line = LINES[0];
const RETRIED: &str = "telekommo_jobs_total{route=\"outbound:sales\",outcome=\"retried\"}";

fn sending() -> Target {
    Target { token: Some(SALES.token.to_owned()), method: Some("sendMessage".to_owned()) }
}

async fn assert_failed(stage: &TestStage, id: &str, words: &str) {
    let outcome = stage.outcome(id).await;
    let fits = matches!(&outcome, Status::Failed { code: 905, text } if text.contains(words));
    assert!(fits, "{outcome:?} is not 905 with {words:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_wait_while_telegram_is_down() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.down(true).unwrap();
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(stage.reply(SALES, ANNA, &format!("answer {n}")).await);
    }
    stage.until_counted(RETRIED).await;
    stage.until_ready_says(503, &["bot sales: Telegram cannot be reached"]).await;
    stage.telegram.down(false).unwrap();
    for id in ids {
        assert_eq!(stage.outcome(&id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["answer 0", "answer 1", "answer 2", "answer 3"]);
    stage.telegram.write(SALES.token, ANNA, "and back");
    stage.until("polling goes on", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_sent_in_time_is_reported() {
    let mut stage = TestStage::with("retry.give_up_after = \"2s\"").await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    stage.telegram.down(true).unwrap();
    let id = stage.reply(SALES, ANNA, "too late").await;
    assert_failed(&stage, &id, "Not delivered: it could not be sent in time").await;
    assert_eq!(stage.parked(1).await[0].lane.thread, format!("tg:sales:{ANNA}"));
    stage.telegram.down(false).unwrap();
    let id = stage.reply(SALES, ANNA, "in time").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["in time"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_telegram_is_given_the_time_it_asks_for() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.begin(SALES, BEN).await;
    stage.telegram.fault(sending(), Fault::RetryAfter(2), 1);
    let first = stage.reply(SALES, ANNA, "first").await;
    let second = stage.reply(SALES, ANNA, "second").await;
    stage.until_counted(RETRIED).await;
    let other = stage.reply(SALES, BEN, "meanwhile").await;
    for id in [&other, &first, &second] {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    let sent = stage.telegram.requests().into_iter().filter(|it| it.method == "sendmessage" && it.status == Some(200));
    let texts: Vec<_> = sent.map(|request| request.args["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, ["meanwhile", "first", "second"]);
    stage.finish().await;
}

/// Telegram has no idempotency key: what may have arrived is reported as such, and is not sent again.
async fn broken_connection(fault: Fault, arrived: &[&str]) {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    stage.telegram.fault(sending(), fault, 1);
    let id = stage.reply(SALES, ANNA, "perhaps").await;
    let next = stage.reply(SALES, ANNA, "for sure").await;
    assert_failed(&stage, &id, "May not have been delivered").await;
    assert_eq!(stage.outcome(&next).await, Status::Delivered);
    stage.parked(1).await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), arrived);
    let tried = stage.telegram.requests().into_iter().filter(|it| it.method == "sendmessage").count();
    assert_eq!(tried, 2, "each was sent once");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_whose_receipt_is_lost_is_not_sent_twice() {
    broken_connection(Fault::DropAfter, &["perhaps", "for sure"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_broke_with_the_connection_is_not_sent_twice() {
    broken_connection(Fault::DropBefore, &["for sure"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_the_server_is_outlived() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let body = r#"{"ok":false,"error_code":502,"description":"Bad Gateway"}"#.to_owned();
    stage.telegram.fault(sending(), Fault::Status { code: 502, body }, 1);
    let id = stage.reply(SALES, ANNA, "after all").await;
    let next = stage.reply(SALES, ANNA, "and the next").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(stage.outcome(&next).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["after all", "and the next"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_fails_loses_no_update() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let polling = || Target { token: Some(SALES.token.to_owned()), method: Some("getUpdates".to_owned()) };
    for fault in [Fault::Garbage, Fault::RetryAfter(1), Fault::DropAfter] {
        stage.telegram.fault(polling(), fault, 1);
        stage.telegram.write(SALES.token, ANNA, "x");
    }
    stage.until("all have arrived", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "x", "x", "x"]).await;
    eventually("Telegram may forget them", async || stage.telegram.pending(SALES.token) == 0).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_telegram_gave_to_another_call_delivers_nothing() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let first = stage.reply(SALES, ANNA, "first").await;
    assert_eq!(stage.outcome(&first).await, Status::Delivered);
    let number = stage.sent().last().unwrap().message_id;
    let chat = serde_json::json!({ "id": ANNA, "type": "private", "first_name": "Anna" });
    let message = serde_json::json!({ "message_id": number, "date": 1, "chat": chat, "text": "first" });
    let body = serde_json::json!({ "ok": true, "result": message }).to_string();
    stage.telegram.fault(sending(), Fault::Status { code: 200, body }, 1);
    let second = stage.reply(SALES, ANNA, "second").await;
    let outcome = stage.outcome(&second).await;
    assert!(
        matches!(&outcome, Status::Failed { text, .. } if text.starts_with("May not have been delivered")),
        "{outcome:?}"
    );
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["first"]);
    stage.finish().await;
}
