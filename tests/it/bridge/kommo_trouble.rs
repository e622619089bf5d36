//! Kommo is down, slow, busy or speaks nonsense: nothing is lost, doubled or out of order.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::{DuplicateAnswer, Endpoint, Status, WaitIn},
};

use crate::support::{TestStage, in_kommo, in_telegram};

const SALES: Line = LINES[0];
/// The chat that is asked for to see whether Kommo answers.
const NO_CHAT: &str = "00000000-0000-4000-8000-000000000000";
const RETRIED: &str = "telekommo_jobs_total{route=\"inbound\",outcome=\"retried\"}";

/// A stage with a conversation on it that Kommo knows.
async fn stage() -> TestStage {
    let mut stage = TestStage::with("kommo.timeout = \"400ms\"").await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage
}

/// What Anna writes while Kommo has trouble arrives afterwards, once and in order.
async fn assert_outlived(stage: &TestStage) {
    let texts: Vec<_> = (1..=5).map(|n| format!("message {n}")).collect();
    for text in &texts {
        stage.telegram.write(SALES.token, ANNA, text);
    }
    stage.until("all has arrived", |stage| in_kommo(stage, SALES, ANNA).len() > texts.len()).await;
    stage.until_settled().await;
    assert_eq!(in_kommo(stage, SALES, ANNA)[1..], texts);
    stage.until_counted(RETRIED).await;
}

async fn outlives(fault: Fault, times: u32) {
    let stage = stage().await;
    stage.kommo.fault(Endpoint::Message, fault, times);
    assert_outlived(&stage).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_outlived() {
    outlives(Fault::Status { code: 500, body: r#"{"detail":"oops"}"#.to_owned() }, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_proxy_is_outlived() {
    outlives(Fault::Garbage, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_is_outlived() {
    outlives(Fault::DropBefore, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_answer_is_outlived() {
    outlives(Fault::Hang(Duration::from_secs(2)), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_kommo_is_given_the_time_it_asks_for() {
    for waits in [WaitIn::Header, WaitIn::Body] {
        let stage = stage().await;
        stage.kommo.quirks(|quirks| quirks.waits = waits);
        stage.kommo.fault(Endpoint::Message, Fault::RetryAfter(2), 1);
        let refused_at = Instant::now();
        stage.telegram.write(SALES.token, ANNA, "waits");
        stage.until_counted(RETRIED).await;
        stage.telegram.write(SALES.token, BEN, "overtakes");
        stage.until("Ben's arrives", |stage| in_kommo(stage, SALES, BEN) == ["overtakes"]).await;
        assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start"], "{waits:?}: Ben's message has overtaken Anna's");
        stage.until("Anna's arrives", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "waits"]).await;
        assert!(refused_at.elapsed() >= Duration::from_secs(2), "{waits:?}: it came too soon");
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kommo_that_is_down_gets_everything_later() {
    let stage = stage().await;
    stage.kommo.down(true).unwrap();
    for n in 0..5 {
        stage.telegram.write(SALES.token, ANNA, &format!("Anna {n}"));
        stage.telegram.write(LINES[1].token, BEN, &format!("Ben {n}"));
    }
    stage.until_counted(RETRIED).await;
    stage.until("Telegram may forget them", |stage| LINES.iter().all(|it| stage.telegram.pending(it.token) == 0)).await;
    stage.until_ready_says(503, &["kommo: Kommo cannot be reached"]).await;
    stage.kommo.down(false).unwrap();
    stage.until("Anna's are there", |stage| in_kommo(stage, SALES, ANNA).len() == 6).await;
    stage.until("Ben's are there", |stage| in_kommo(stage, LINES[1], BEN).len() == 5).await;
    stage.until_settled().await;
    let numbered = |name: &str| (0..5).map(|n| format!("{name} {n}")).collect::<Vec<_>>();
    assert_eq!(in_kommo(&stage, SALES, ANNA)[1..], numbered("Anna"));
    assert_eq!(in_kommo(&stage, LINES[1], BEN), numbered("Ben"));
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

/// Kommo takes the message, and we do not hear of it: the repetition must not make a second one.
async fn lost_answer(duplicates: DuplicateAnswer) -> TestStage {
    let stage = stage().await;
    stage.kommo.answer_duplicates(duplicates);
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 3);
    assert_outlived(&stage).await;
    stage.parked(0).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repetition_that_kommo_answers_alike() {
    let stage = lost_answer(DuplicateAnswer::SameIds200).await;
    let mut asked = stage.kommo.requests().into_iter().filter(|it| it.endpoint == Some(Endpoint::History));
    assert!(asked.all(|request| request.path.contains(NO_CHAT)), "no chat was asked for the message");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repetition_that_kommo_refuses() {
    let stage = lost_answer(DuplicateAnswer::BadRequest400).await;
    assert!(stage.kommo.requests().iter().any(|request| request.endpoint == Some(Endpoint::History)));
    stage.finish().await;
}

/// Kommo has the message, refuses the repetition, and its history does not show it yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_repetition_that_the_history_shows_later() {
    let stage = stage().await;
    stage.kommo.answer_duplicates(DuplicateAnswer::BadRequest400);
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    stage.kommo.fault(Endpoint::History, Fault::Status { code: 204, body: String::new() }, 3);
    stage.telegram.write(SALES.token, ANNA, "shown late");
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "shown late"]).await;
    stage.parked(0).await;
    stage.finish().await;
}

/// Kommo has the message and refuses the repetition. Its history is not given to a channel that is not connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_repetition_while_the_channel_is_not_connected() {
    let stage = stage().await;
    stage.kommo.answer_duplicates(DuplicateAnswer::BadRequest400);
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    let body = r#"{"error_code":404,"error_type":"ORIGIN_NOT_REGISTERED","error_description":"NOT_FOUND"}"#.to_owned();
    let chat = stage.kommo.chat("tg:sales:777000111").unwrap().chat_id;
    stage.kommo.fault_of(&chat, Fault::Status { code: 404, body });
    stage.telegram.write(SALES.token, ANNA, "said before");
    stage.telegram.write(SALES.token, ANNA, "said behind");
    let asked = |stage: &Harness| stage.kommo.requests().iter().any(|it| it.path.contains(&chat));
    stage.until("its history is asked", asked).await;
    stage.kommo.heal();
    let all = ["/start", "said before", "said behind"];
    stage.until("all is there", |stage| in_kommo(stage, SALES, ANNA) == all).await;
    stage.parked(0).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repetition_that_kommo_answers_with_nothing() {
    let stage = lost_answer(DuplicateAnswer::Blank200).await;
    assert!(stage.kommo.requests().iter().any(|request| request.endpoint == Some(Endpoint::History)));
    stage.finish().await;
}

/// What a firewall in front of Kommo never lets through holds up its own conversation for a while, and no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_a_firewall_dislikes_is_set_aside_in_the_end() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    let body = "<html>blocked</html>".to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 403, body }, 6);
    stage.telegram.write(SALES.token, ANNA, "<script>");
    stage.telegram.write(SALES.token, ANNA, "harmless");
    stage.until("the next one arrives", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "harmless"]).await;
    let parked = stage.parked(1).await;
    assert!(parked[0].why.contains("403"), "{parked:?}");
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_repetition_of_the_very_first_message() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    stage.telegram.write(SALES.token, ANNA, "hello");
    stage.telegram.write(SALES.token, ANNA, "hello again");
    stage.until("both are there", |stage| in_kommo(stage, SALES, ANNA) == ["hello", "hello again"]).await;
    stage.parked(0).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_repetition_with_much_behind_it() {
    let stage = stage().await;
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    // Kommo has the message, and it lies still until managers have written more than a page of history.
    stage.kommo.fault(Endpoint::Message, Fault::RetryAfter(2), 1);
    stage.telegram.write(SALES.token, ANNA, "lies below");
    stage.until_counted(RETRIED).await;
    join_all((0..60).map(|_| stage.reply(SALES, ANNA, "an answer"))).await;
    stage.until("the answers arrive", |stage| in_telegram(stage, SALES, ANNA).len() == 60).await;
    stage.parked(0).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start", "lies below"]);
    let pages = stage.kommo.requests().into_iter().filter(|it| it.endpoint == Some(Endpoint::History)).count();
    assert!(pages > 1, "it was on the second page");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_very_first_message_that_kommo_refuses() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    let body = r#"{"error_code":400,"error_description":"no"}"#.to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 400, body }, 1);
    stage.telegram.write(SALES.token, ANNA, "refused");
    stage.telegram.write(SALES.token, ANNA, "taken");
    stage.until("the next one arrives", |stage| in_kommo(stage, SALES, ANNA) == ["taken"]).await;
    assert!(stage.parked(1).await[0].why.contains("400"));
    assert!(stage.kommo.chat(&format!("tg:sales:{ANNA}")).unwrap().is_lead);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_kommo_refuses_is_kept_and_holds_up_no_other() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    let body = r#"{"error_code":400,"error_description":"no"}"#.to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 400, body }, 1);
    stage.telegram.write(SALES.token, ANNA, "refused");
    stage.telegram.write(SALES.token, ANNA, "taken");
    stage.until("the next one arrives", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "taken"]).await;
    let parked = stage.parked(1).await;
    assert!(format!("{:?}", parked[0].jobs).contains("refused"), "{parked:?}");
    assert!(parked[0].why.contains("400"), "{parked:?}");
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_status_that_kommo_does_not_take_yet_holds_up_no_answer() {
    let stage = stage().await;
    stage.kommo.fault(Endpoint::DeliveryStatus, Fault::Status { code: 503, body: String::new() }, 5);
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(stage.reply(SALES, ANNA, &format!("answer {n}")).await);
    }
    stage.until("the answers arrive", |stage| in_telegram(stage, SALES, ANNA).len() == 3).await;
    for id in ids {
        assert_eq!(stage.outcome(&id).await, Status::Delivered);
    }
    stage.finish().await;
}
