//! Customers who block the bot and come back.

use serde_json::json;
use telekommo::{
    domain::{address::SourceId, job::Route},
    sandbox::{
        fault::Fault,
        harness::{ANNA, BEN, Harness, LINES, Line},
        kommo::{Author, Status},
        telegram::Target,
    },
    store::Due,
};

use crate::support::{TestStage, conversation, eventually, in_kommo, in_telegram, statuses};

const SALES: Line = LINES[0];
const BLOCKED: &str = "The customer has blocked the bot: messages do not arrive until they unblock it.";
const BACK: &str = "The customer has unblocked the bot: messages arrive again.";

/// What the channel's bot has said in the customer's chat.
fn notices(stage: &Harness) -> Vec<String> {
    let chat = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
    chat.messages.into_iter().filter(|it| it.from == Author::Bot).map(|it| it.text).collect()
}

async fn begun() -> TestStage {
    begin(TestStage::start().await).await
}

async fn begin(mut stage: TestStage) -> TestStage {
    stage.allow_leftovers();
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manager_is_told_once_and_all_resumes_on_return() {
    let mut stage = begun().await;
    stage.telegram.block(SALES.token, ANNA, true);
    stage.until("the manager is told", |stage| notices(stage) == [BLOCKED]).await;
    let id = stage.reply(SALES, ANNA, "hello?").await;
    assert!(matches!(stage.outcome(&id).await, Status::Failed { code: 901, .. }));
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    stage.telegram.block(SALES.token, ANNA, false);
    stage.until("the manager is told", |stage| notices(stage) == [BLOCKED, BACK]).await;
    let id = stage.reply(SALES, ANNA, "welcome back").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.parked(1).await;
    assert_eq!(notices(&stage), [BLOCKED, BACK]);
    stage.finish().await;
}

/// The first answer is to be tried again in ten minutes, and fails at once all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_wait_fail_at_once() {
    let stage = begin(TestStage::retrying("\"10m\"").await).await;
    stage.begin(SALES, BEN).await;
    let body = json!({
        "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 600",
        "parameters": { "retry_after": 600 },
    });
    let patience = Fault::Status { code: 429, body: body.to_string() };
    stage.telegram.fault(Target::method("sendMessage"), patience, 1);
    let waiting = [stage.reply(SALES, ANNA, "one").await, stage.reply(SALES, ANNA, "two").await];
    let outbound = Route::Outbound(SourceId::parse(SALES.source).unwrap());
    let waits = || matches!(stage.store().due(&outbound), Some(Due::At(_)));
    eventually("the first waits for its next try", async || waits()).await;
    stage.telegram.block(SALES.token, ANNA, true);
    stage.until("both have failed", |stage| waiting.iter().all(|id| !statuses(stage, id).is_empty())).await;
    for id in &waiting {
        let is_blocked = |text: &str| text.contains("has blocked the bot");
        let fits = matches!(&statuses(&stage, id)[..], [Status::Failed { code: 901, text }] if is_blocked(text));
        assert!(fits, "{:?}", statuses(&stage, id));
    }
    let other = stage.reply(SALES, BEN, "you are not concerned").await;
    assert_eq!(stage.outcome(&other).await, Status::Delivered);
    stage.parked(2).await;
    stage.finish().await;
}

/// What we were told may be wrong by now: an answer that came later is tried, and Telegram decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_was_missed_makes_nobody_mute() {
    let stage = begun().await;
    let bot = json!({ "id": 7_000_000_001_i64, "is_bot": true, "first_name": SALES.name });
    let member = |status: &str, date: i64| {
        json!({ "my_chat_member": {
            "chat": { "id": ANNA, "type": "private", "first_name": "Anna" },
            "from": { "id": ANNA, "is_bot": false, "first_name": "Anna" },
            "date": date,
            "old_chat_member": { "status": "member", "user": bot },
            "new_chat_member": { "status": status, "user": bot, "until_date": 0 },
        } })
    };
    stage.telegram.push_update(SALES.token, &member("kicked", 1_786_017_600));
    stage.until("the manager is told", |stage| notices(stage) == [BLOCKED]).await;
    let id = stage.reply(SALES, ANNA, "still there?").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    // An older word changes nothing, and the same word again is no news.
    stage.telegram.push_update(SALES.token, &member("member", 1_786_017_000));
    stage.telegram.push_update(SALES.token, &member("kicked", 1_786_017_700));
    // Whoever writes is back.
    stage.telegram.write(SALES.token, ANNA, "yes");
    stage.until("it arrives", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "yes"]).await;
    stage.telegram.push_update(SALES.token, &member("member", 2_000_000_000));
    stage.telegram.write(SALES.token, ANNA, "really");
    stage.until("it arrives", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    stage.until_settled().await;
    assert_eq!(notices(&stage), [BLOCKED]);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["still there?"]);
    stage.finish().await;
}
