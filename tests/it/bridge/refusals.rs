//! Answers that cannot arrive: the manager is told, once, with a code and a sentence.

use serde_json::json;
use telekommo::sandbox::{
    harness::{ANNA, BEN, LINES, Line},
    kommo::Status,
};

use super::raw;
use crate::support::{TestStage, conversation, in_telegram, statuses};

const SALES: Line = LINES[0];

async fn stage() -> TestStage {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage
}

async fn assert_failed(stage: &TestStage, id: &str, want_code: i64, words: &str) {
    let outcome = stage.outcome(id).await;
    let fits = matches!(&outcome, Status::Failed { code, text } if *code == want_code && text.contains(words));
    assert!(fits, "{outcome:?} is not {want_code} with {words:?}");
}

/// Whatever failed before, the conversation goes on.
async fn assert_goes_on(stage: &TestStage, customer: i64) {
    let id = stage.reply(SALES, customer, "still here").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(stage, SALES, customer), ["still here"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_blocked_the_bot() {
    let stage = stage().await;
    stage.telegram.block(SALES.token, ANNA, true);
    let id = stage.reply(SALES, ANNA, "hello?").await;
    assert_failed(&stage, &id, 901, "the customer has blocked the bot").await;
    stage.telegram.block(SALES.token, ANNA, false);
    assert_goes_on(&stage, ANNA).await;
    assert_eq!(stage.parked(1).await[0].lane.thread, conversation(SALES, ANNA));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_deleted_their_account() {
    let stage = stage().await;
    stage.telegram.deactivate(ANNA);
    let id = stage.reply(SALES, ANNA, "hello?").await;
    assert_failed(&stage, &id, 901, "account has been deleted").await;
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_writes_first() {
    let stage = stage().await;
    let (id, answer) = stage.kommo.write_first("+15550001", "sales", "Good morning").await;
    assert_eq!(answer.status, Some(200));
    assert_failed(&stage, &id, 904, "cannot write first").await;
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_elsewhere_is_not_fetched_and_costs_no_words() {
    let stage = stage().await;
    let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
    let mut hook = raw::message(&id, &conversation(SALES, ANNA), "look");
    hook["message"]["message"]["media"] = json!("https://example.com/file");
    assert_eq!(raw::send(&stage, &hook).await.status, Some(200));
    assert_failed(&stage, &id, 902, "not one of Kommo's servers").await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["look"]);
    stage.finish().await;
}

/// Hooks about messages that Kommo has, altered: what is changed, the code, the words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_that_lead_nowhere() {
    let stage = stage().await;
    stage.begin(SALES, BEN).await;
    let cases = [
        ("/message/conversation/client_id", json!("wa:15550001"), 905, "not known to the Telegram bridge"),
        ("/message/conversation/client_id", json!("tg:gone:5"), 902, "no bot is configured for the source \"gone\""),
        ("/message/conversation/client_id", json!(conversation(LINES[1], ANNA)), 904, "press Start"),
        ("/message/conversation/client_id", json!(conversation(SALES, 1)), 904, "press Start"),
        ("/message/conversation/client_id", json!(""), 904, "neither a conversation nor a phone number"),
        ("/message/message/text", json!(" \n "), 905, "the message is empty"),
        ("/message/message/text", json!("\u{200f}\u{200b}"), 905, "the message is empty"),
    ];
    for (place, value, code, words) in &cases {
        let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
        let mut hook = raw::message(&id, &conversation(SALES, ANNA), "must not arrive");
        match hook.pointer_mut(place) {
            Some(field) => *field = value.clone(),
            None => hook["message"]["source"] = value.clone(),
        }
        assert_eq!(raw::send(&stage, &hook).await.status, Some(200), "{place}");
        assert_failed(&stage, &id, *code, words).await;
    }
    for line in LINES {
        assert_eq!(in_telegram(&stage, line, ANNA), [""; 0], "nothing has arrived anywhere");
    }
    stage.parked(cases.len()).await;
    assert_goes_on(&stage, ANNA).await;
    assert_goes_on(&stage, BEN).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_kommo_fell_back_to_does_not_hold_an_answer() {
    let stage = stage().await;
    // The conversation says which bot it is, whatever Kommo made of a source that it does not know.
    for source in ["widget_code", LINES[1].source] {
        let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
        let mut hook = raw::message(&id, &conversation(SALES, ANNA), source);
        hook["message"]["source"] = json!({ "external_id": source });
        raw::send(&stage, &hook).await;
        assert_eq!(stage.outcome(&id).await, Status::Delivered);
        assert_eq!(statuses(&stage, &id), [Status::Delivered]);
        assert_eq!(in_telegram(&stage, SALES, ANNA).last().map(String::as_str), Some(source));
        assert_eq!(in_telegram(&stage, LINES[1], ANNA), [""; 0]);
    }
    stage.parked(0).await;
    stage.finish().await;
}
