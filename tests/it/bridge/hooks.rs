//! Kommo's hooks at the public route: who is let in, and what becomes of them.

use futures_util::future::join_all;
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES, Line},
    kommo::{SignatureMode, Status},
};

use super::raw;
use crate::support::{TestStage, conversation, in_telegram, statuses, stranger};

const SALES: Line = LINES[0];

async fn stage() -> TestStage {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    stage
}

fn hook_url(stage: &TestStage, path: &str) -> String {
    format!("http://{}{path}", stage.bridge().expect("the bridge runs").public_addr())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_turned_away_and_nothing_is_kept() {
    let stage = stage().await;
    let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
    let good = raw::bytes(&raw::message(&id, &conversation(SALES, ANNA), "must not arrive"));
    let large = vec![b' '; 1024 * 1024 + 1];
    let cases = [
        (good.clone(), SignatureMode::Missing, 401),
        (good.clone(), SignatureMode::Wrong, 401),
        (good.clone(), SignatureMode::Literal(String::new()), 401),
        (good.clone(), SignatureMode::Literal("0".repeat(40)), 401),
        (good, SignatureMode::Literal("not hex".to_owned()), 401),
        (large, SignatureMode::Valid, 413),
        (b"not JSON".to_vec(), SignatureMode::Valid, 400),
        (b"[1, 2]".to_vec(), SignatureMode::Valid, 400),
        (vec![0xff, 0xfe, 0x00], SignatureMode::Valid, 400),
        (Vec::new(), SignatureMode::Valid, 400),
        (vec![b'['; 100_000], SignatureMode::Valid, 400),
    ];
    for (bytes, mode, status) in cases {
        let what = format!("{} bytes, {mode:?}", bytes.len());
        assert_eq!(stage.kommo.send_hook(bytes, mode).await.status, Some(status), "{what}");
        assert_eq!(stage.waiting(), 0, "{what}");
    }
    assert_eq!(statuses(&stage, &id), []);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_and_says_nothing_is_taken_and_dropped() {
    let stage = stage().await;
    for text in ["{}", r#"{"message":{}}"#, r#"{"message":7,"action":"x"}"#, r#"{"action":{"reaction":{}}}"#] {
        let answer = stage.kommo.send_hook(text.as_bytes().to_vec(), SignatureMode::Valid).await;
        assert_eq!(answer.status, Some(200), "{text}");
        assert_eq!(stage.waiting(), 0, "{text}");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_signed_with_its_newline_is_good_too() {
    let stage = stage().await;
    let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
    let hook = raw::bytes(&raw::message(&id, &conversation(SALES, ANNA), "hello"));
    assert_eq!(stage.kommo.send_hook(hook, SignatureMode::OverEverything).await.status, Some(200));
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_address_of_the_channel_takes_hooks() {
    let stage = stage().await;
    let scope = stage.kommo.settings().scope_id();
    let paths = ["/", "/kommo", "/kommo/another_scope", &format!("/kommo/{scope}/x"), &format!("/{scope}"), "/metrics"];
    for path in paths {
        stage.kommo.set_hook_url(hook_url(&stage, path));
        let (_, answer) = stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "must not arrive").await;
        assert_eq!(answer.status, Some(404), "{path}");
    }
    let got = reqwest::get(hook_url(&stage, &format!("/kommo/{scope}"))).await.unwrap();
    assert_eq!(got.status(), 404, "GET");
    assert_eq!(stage.waiting(), 0);
    for path in [format!("//kommo//{scope}"), format!("/kommo/{scope}/")] {
        stage.kommo.set_hook_url(hook_url(&stage, &path));
        let id = stage.reply(SALES, ANNA, "arrives").await;
        assert_eq!(stage.outcome(&id).await, Status::Delivered, "{path}");
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["arrives", "arrives"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_is_replayed_is_delivered_once() {
    let stage = stage().await;
    let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
    let hook = raw::message(&id, &conversation(SALES, ANNA), "once");
    let answers = join_all((0..10).map(|_| raw::send(&stage, &hook))).await;
    assert!(answers.iter().all(|answer| answer.status == Some(200)));
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(raw::send(&stage, &hook).await.status, Some(200), "also long after it was delivered");
    stage.until_settled().await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["once"]);
    assert_eq!(statuses(&stage, &id), [Status::Delivered]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_hooks_at_once_are_all_taken_and_delivered() {
    let stage = stage().await;
    let customers: Vec<_> = (600..620).collect();
    for id in &customers {
        stage.telegram.add_customer(stranger(*id));
        stage.telegram.write(SALES.token, *id, "/start");
    }
    let begun = |stage: &Harness| stage.kommo.chats().len() == customers.len() + 1;
    stage.until("all conversations have begun", begun).await;
    // Five hooks of each conversation reach the bridge at the same time, with those of all others.
    let each = |customer: i64| (0..5).map(move |n| (customer, format!("{customer}: {n}")));
    let texts: Vec<_> = customers.iter().copied().flat_map(each).collect();
    let ids = join_all(texts.iter().map(|(customer, text)| stage.reply(SALES, *customer, text))).await;
    assert_eq!(ids.len(), 100);
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    for customer in customers {
        let mut arrived = in_telegram(&stage, SALES, customer);
        arrived.sort();
        assert_eq!(arrived, each(customer).map(|(_, text)| text).collect::<Vec<_>>());
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_somebody_has_kept_for_long_is_not_sent() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let stage = stage().await;
    let hook_of = |id: &str, days: i64| {
        let mut hook = raw::message(id, &conversation(SALES, ANNA), "long ago");
        let at = telekommo::clock::now().0 - days * DAY_MS;
        hook["message"]["msec_timestamp"] = at.into();
        hook["message"]["timestamp"] = (at / 1000).into();
        hook
    };
    // One that was delivered, once its own id is forgotten; that of its message is known for longer.
    let delivered = raw::unannounced(&stage, SALES, ANNA, "x").await;
    assert_eq!(raw::send(&stage, &hook_of(&delivered, 6)).await.status, Some(200));
    assert_eq!(stage.outcome(&delivered).await, Status::Delivered);
    let in_eight_days = telekommo::clock::now().0 + 8 * DAY_MS;
    assert!(stage.store().sweep(telekommo::domain::time::UnixMillis(in_eight_days)).await.unwrap() > 0);
    for days in [6, 9] {
        assert_eq!(raw::send(&stage, &hook_of(&delivered, days)).await.status, Some(200));
    }
    // One of which nothing is known any more.
    let forgotten = raw::unannounced(&stage, SALES, ANNA, "x").await;
    for _ in 0..2 {
        assert_eq!(raw::send(&stage, &hook_of(&forgotten, 8)).await.status, Some(200));
    }
    let outcome = stage.outcome(&forgotten).await;
    assert!(matches!(&outcome, Status::Failed { text, .. } if text.contains("only long after")), "{outcome:?}");
    stage.until_settled().await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["long ago"]);
    assert_eq!(statuses(&stage, &delivered), [Status::Delivered]);
    stage.finish().await;
}
