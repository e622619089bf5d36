//! Managers' messages that did not come: found in Kommo's history, and sent once and in order.

use std::time::Duration;

use futures_util::future::join_all;
use telekommo::{
    domain::time::UnixMillis,
    kommo::{
        chats::Chats,
        sign::Signer,
        wire::{Event, Message, NewMessage, Sender, Source},
    },
    lifecycle::Ended,
    net::Egress,
    sandbox::{
        fault::Fault,
        harness::{ANNA, BEN, Harness, LINES, Line},
        kommo::{Endpoint, HistoryOrder, Status},
    },
};

use crate::support::{TestStage, by_socket, conversation, eventually, in_telegram, statuses, stranger};

mod found;
mod refused_hooks;

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];

async fn stage() -> TestStage {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage
}

/// A manager writes, and nobody is told. Gives the message's id.
async fn lose(stage: &Harness, line: Line, customer: i64, text: &str) -> String {
    let (id, answer) = stage.kommo.reply(&conversation(line, customer), "Maria", text).await;
    assert_eq!(answer.status, None, "the hook of {text:?} is lost");
    id
}

async fn lose_all(stage: &Harness, line: Line, customer: i64, texts: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for text in texts {
        ids.push(lose(stage, line, customer, text).await);
    }
    ids
}

async fn stop(stage: &mut TestStage) {
    assert_eq!(stage.stop_bridge().await, Some(Ended::Stopped));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_messages_in_ten_chats_arrive_after_the_start_once_and_in_order() {
    let mut stage = stage().await;
    let customers: Vec<_> = (600..609).collect();
    for id in &customers {
        stage.telegram.add_customer(stranger(*id));
        stage.begin(SALES, *id).await;
    }
    let everybody: Vec<_> = customers.into_iter().chain([ANNA]).collect();
    for customer in &everybody {
        let id = stage.reply(SALES, *customer, "before").await;
        assert_eq!(stage.outcome(&id).await, Status::Delivered);
    }
    stop(&mut stage).await;
    let mut ids = Vec::new();
    for round in 0..5 {
        for customer in &everybody {
            ids.push(lose(&stage, SALES, *customer, &format!("{customer}: {round}")).await);
        }
    }
    stage.start_bridge().await.unwrap();
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(ids.len(), 50);
    for customer in &everybody {
        let want: Vec<_> =
            [String::from("before")].into_iter().chain((0..5).map(|round| format!("{customer}: {round}"))).collect();
        assert_eq!(in_telegram(&stage, SALES, *customer), want);
    }
    // And the next start finds nothing that is missing.
    stop(&mut stage).await;
    let before = telekommo::clock::now();
    stage.start_bridge().await.unwrap();
    compared(&stage, before).await;
    assert_eq!(in_telegram(&stage, SALES, ANNA).len(), 6);
    stage.finish().await;
}

/// Waits until the comparison of a start that came after `before` is over.
async fn compared(stage: &TestStage, before: UnixMillis) {
    eventually("nothing is missing any more", async || stage.store().caught_up_at().unwrap() > Some(before)).await;
    stage.until_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_after_the_start_waits_for_what_is_missing() {
    let mut stage = stage().await;
    stage.begin(SUPPORT, BEN).await;
    stop(&mut stage).await;
    let mut ids = lose_all(&stage, SALES, ANNA, &["1", "2", "3"]).await;
    ids.extend(lose_all(&stage, SUPPORT, BEN, &["one"]).await);
    stage.kommo.fault(Endpoint::History, Fault::Hang(Duration::from_millis(700)), 2);
    stage.start_bridge().await.unwrap();
    ids.extend(join_all([stage.reply(SALES, ANNA, "4"), stage.reply(SUPPORT, BEN, "two")]).await);
    assert_eq!(stage.store().withheld(), 2);
    ids.push(stage.reply(SALES, ANNA, "5").await);
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["1", "2", "3", "4", "5"]);
    assert_eq!(in_telegram(&stage, SUPPORT, BEN), ["one", "two"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_before_the_stop_goes_before_what_came_after_it() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.down(true).unwrap();
    let mut ids = vec![stage.reply(SALES, ANNA, "1").await, stage.reply(SALES, ANNA, "2").await];
    stop(&mut stage).await;
    ids.extend(lose_all(&stage, SALES, ANNA, &["3", "4"]).await);
    stage.start_bridge().await.unwrap();
    ids.push(stage.reply(SALES, ANNA, "5").await);
    eventually("what is missing waits too", async || stage.waiting() == 5).await;
    stage.telegram.down(false).unwrap();
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["1", "2", "3", "4", "5"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_cut_short_leaves_nothing_behind() {
    let mut stage = stage().await;
    stop(&mut stage).await;
    let mut ids = lose_all(&stage, SALES, ANNA, &["1", "2"]).await;
    stage.kommo.fault(Endpoint::History, Fault::Status { code: 500, body: String::new() }, u32::MAX);
    stage.start_bridge().await.unwrap();
    let asked = |stage: &Harness| stage.kommo.requests().iter().any(|it| it.endpoint == Some(Endpoint::History));
    stage.until("the history is asked", asked).await;
    ids.push(stage.reply(SALES, ANNA, "4").await);
    let caught_up = stage.store().caught_up_at().unwrap();
    stop(&mut stage).await;
    // The order in which Kommo got them is what counts.
    stage.kommo.heal();
    ids.push(lose(&stage, SALES, ANNA, "5").await);
    stage.start_bridge().await.unwrap();
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["1", "2", "4", "5"]);
    eventually("the comparison is over", async || stage.store().caught_up_at().unwrap() > caught_up).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_fails_is_asked_again() {
    let mut stage = stage().await;
    stop(&mut stage).await;
    let ids = lose_all(&stage, SALES, ANNA, &["1", "2"]).await;
    for fault in [
        Fault::Status { code: 500, body: String::new() },
        Fault::RetryAfter(1),
        Fault::DropBefore,
        Fault::Garbage,
        // An address that is wrong for a while, behind a proxy: it says nothing of the chat.
        Fault::Status { code: 404, body: String::new() },
        Fault::Status { code: 403, body: r#"{"error_type":"ORIGIN_INVALID_SIGNATURE"}"#.to_owned() },
    ] {
        stage.kommo.fault(Endpoint::History, fault, 1);
    }
    stage.start_bridge().await.unwrap();
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["1", "2"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_is_read_page_by_page() {
    let mut stage = stage().await;
    stop(&mut stage).await;
    let texts: Vec<_> = (0..120).map(|n| format!("message {n}")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let ids = lose_all(&stage, SALES, ANNA, &texts).await;
    stage.start_bridge().await.unwrap();
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), texts);
    let pages = stage.kommo.requests().into_iter().filter(|it| it.endpoint == Some(Endpoint::History)).count();
    assert_eq!(pages, 3);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_among_the_newest_does_not_end_the_reading() {
    let mut stage = stage().await;
    stage.kommo.quirks(|quirks| quirks.history = HistoryOrder::Arrived);
    stop(&mut stage).await;
    let texts: Vec<_> = (0..60).map(|n| format!("message {n}")).collect();
    let ids = lose_all(&stage, SALES, ANNA, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    import(&stage, UnixMillis::from_seconds(1_714_557_600)).await;
    stage.start_bridge().await.unwrap();
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), texts);
    stage.finish().await;
}

/// What Anna wrote at that time, long before there was a bridge, is imported.
async fn import(stage: &Harness, at: UnixMillis) {
    let kommo = stage.kommo.settings();
    let signer = Signer::new(&kommo.channel_secret);
    let url = stage.kommo.url().parse().unwrap();
    let chats = Chats::new(&Egress::default(), url, &kommo.scope_id(), signer, Duration::from_secs(5), 1000).unwrap();
    let payload = NewMessage {
        timestamp: at.seconds(),
        msec_timestamp: at.0,
        msgid: "tg:7000000001:555/777000111:i1".to_owned(),
        conversation_id: conversation(SALES, ANNA),
        conversation_ref_id: None,
        source: Source { external_id: SALES.source.to_owned() },
        sender: Sender {
            id: format!("tg-user:{ANNA}"),
            ref_id: None,
            name: "Anna".to_owned(),
            avatar: None,
            profile: None,
            profile_link: None,
        },
        receiver: None,
        message: Message { r#type: "text", text: Some("long ago".to_owned()), ..Message::default() },
        reply_to: None,
        silent: true,
    };
    chats.send(&Event { event_type: "new_message", payload }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_is_told_of_and_not_sent() {
    let mut stage = TestStage::with("reconcile.max_age = \"3s\"").await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.kommo.lose_hooks(true);
    let old = lose(&stage, SALES, ANNA, "too old").await;
    let sent_at = stage.kommo.clock().now();
    eventually("it has grown old", async || sent_at.until(stage.kommo.clock().now()) > Duration::from_secs(3)).await;
    let late = lose(&stage, SALES, ANNA, "late").await;
    stage.kommo.lose_hooks(false);
    assert_eq!(reconcile(&stage, "/3h").await.lines().last().unwrap(), "Result: found 2, sent 1, too old 1.");
    assert_eq!(stage.outcome(&late).await, Status::Delivered);
    // Nobody gives up what a hook may still bring.
    assert_eq!(statuses(&stage, &old), []);
    let hook = super::raw::message(&old, &conversation(SALES, ANNA), "too old");
    assert_eq!(super::raw::send(&stage, &hook).await.status, Some(200));
    assert_eq!(stage.outcome(&old).await, Status::Delivered);
    assert_eq!(reconcile(&stage, "/3h").await.lines().last().unwrap(), "Result: found 0, sent 0, too old 0.");
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["late", "too old"]);
    stage.finish().await;
}

/// Asks the running bridge, as `telekommo reconcile` does.
async fn reconcile(stage: &Harness, below: &str) -> String {
    let request = by_socket(stage.dir()).post(format!("http://localhost/reconcile{below}"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_bridge_looks_when_it_is_asked() {
    let mut stage = stage().await;
    let ids = [stage.reply(SALES, ANNA, "1").await];
    assert_eq!(stage.outcome(&ids[0]).await, Status::Delivered);
    stage.kommo.lose_hooks(true);
    let lost = lose_all(&stage, SALES, ANNA, &["2", "3"]).await;
    stage.kommo.lose_hooks(false);
    // Two at once find each message once.
    let (one, other) = tokio::join!(reconcile(&stage, ""), reconcile(&stage, "/2h"));
    let results: Vec<_> = [&one, &other].map(|said| said.lines().last().unwrap().to_owned()).into();
    assert!(results.contains(&"Result: found 2, sent 2, too old 0.".to_owned()), "{one}{other}");
    assert!(results.contains(&"Result: found 0, sent 0, too old 0.".to_owned()), "{one}{other}");
    assert!(one.starts_with("Comparing the last ") || one.starts_with("Another"), "{one}");
    for id in &lost {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["1", "2", "3"]);
    assert_eq!(stage.admin("/reconcile").await.0, 404, "it is for commands alone");
    stage.allow_failures();
    stage.kommo.fault(Endpoint::History, Fault::Status { code: 500, body: String::new() }, u32::MAX);
    assert!(reconcile(&stage, "").await.contains("1 conversation could not be read"));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_page_cannot_ask_for_it_and_nobody_for_nonsense() {
    let stage = TestStage::start().await;
    let admin = stage.bridge().unwrap().admin_addr();
    let by_port = reqwest::Client::new().post(format!("http://{admin}/reconcile")).header("X-Telekommo", "1");
    assert_eq!(by_port.send().await.unwrap().status(), 404);
    let soon = stage.commands().post("http://localhost/reconcile/soon");
    assert_eq!(soon.send().await.unwrap().status(), 400);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_comes_after_all_is_known() {
    let mut stage = stage().await;
    stop(&mut stage).await;
    let id = lose(&stage, SALES, ANNA, "once").await;
    stage.start_bridge().await.unwrap();
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    let hook = super::raw::message(&id, &conversation(SALES, ANNA), "once");
    assert_eq!(super::raw::send(&stage, &hook).await.status, Some(200));
    stage.until_settled().await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["once"]);
    stage.finish().await;
}
