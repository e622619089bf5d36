//! Each kind of target gets what it takes.

use serde_json::json;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, LINES, Line},
    telegram::{NewBot, Target},
};

use super::{
    QUICK,
    inbox::{Inbox, MailServer},
};
use crate::support::{TestStage, eventually, in_telegram};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];

async fn with(targets: &str) -> TestStage {
    let mut stage = TestStage::with(&format!("{QUICK}{targets}")).await;
    stage.allow_failures();
    stage
}

/// Lets the poll of a bot be refused, as if somebody else polled it.
fn plant(stage: &TestStage) {
    let description =
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    let body = json!({ "ok": false, "error_code": 409, "description": description }).to_string();
    let polls = Target { token: Some(SUPPORT.token.to_owned()), method: Some("getUpdates".to_owned()) };
    stage.telegram.fault(polls, Fault::Status { code: 409, body }, u32::MAX);
}

const TITLE: &str = "telekommo at 127.0.0.1: Another program polls bot support";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_with_a_bot_of_a_source() {
    let stage = with(&format!(
        "alert_targets.me.kind = \"telegram\"\nalert_targets.me.chat = {ANNA}\nalert_targets.me.source = \"sales\"\n"
    ))
    .await;
    stage.begin(SALES, ANNA).await;
    plant(&stage);
    stage.until("the alert is in the chat", |stage| in_telegram(stage, SALES, ANNA).len() == 1).await;
    let text = in_telegram(&stage, SALES, ANNA).remove(0);
    assert!(text.starts_with(TITLE) && text.contains("stop it") && text.contains("Since "), "{text}");
    stage.telegram.heal();
    stage.until("that it is over, too", |stage| in_telegram(stage, SALES, ANNA).len() == 2).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_with_a_bot_of_its_own_which_is_not_polled() {
    let token = "7000000009:SANDBOX-alert-bot";
    let mut stage = with(&format!(
        "alert_targets.me.kind = \"telegram\"\nalert_targets.me.chat = {ANNA}\nalert_targets.me.token = {token:?}\n"
    ))
    .await;
    stage.telegram.add_bot(NewBot { token: token.into(), username: "acme_alert_bot".into(), name: "Alerts".into() });
    stage.telegram.write(token, ANNA, "/start");
    plant(&stage);
    let told = |stage: &telekommo::sandbox::harness::Harness| {
        let messages = stage.telegram.messages(token, ANNA).into_iter().filter(|message| message.from_bot);
        messages.map(|message| message.text).collect::<Vec<_>>()
    };
    stage.until("the alert is in the chat", |stage| told(stage).len() == 1).await;
    assert!(told(&stage)[0].starts_with(TITLE));
    assert_eq!(stage.telegram.poll_count(token), 0);
    stage.allow_leftovers();
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_of_ntfy() {
    let inbox = Inbox::open().await;
    let stage = with(&format!(
        "alert_targets.phone.kind = \"ntfy\"\nalert_targets.phone.url = \"http://{}/topic\"\nalert_targets.phone.token \
         = \"hushpassword\"\n",
        inbox.address
    ))
    .await;
    plant(&stage);
    eventually("it is told", async || inbox.calls().len() == 1).await;
    let call = inbox.calls().remove(0);
    let header = |name: &str| call.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/topic"));
    assert_eq!(header("title").as_deref(), Some(TITLE));
    assert_eq!((header("priority").as_deref(), header("tags").as_deref()), (Some("high"), Some("warning")));
    assert_eq!(header("authorization").as_deref(), Some("Bearer hushpassword"));
    assert!(call.body.starts_with("bot support: another program is polling"), "{}", call.body);
    stage.telegram.heal();
    eventually("it is over", async || inbox.calls().len() == 2).await;
    assert_eq!(inbox.calls()[1].headers["priority"], "low");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox() {
    let server = MailServer::open().await;
    let stage = with(&format!(
        "alert_targets.mail.kind = \"email\"\nalert_targets.mail.host = \"127.0.0.1\"\nalert_targets.mail.port = {}\n\
         alert_targets.mail.tls = \"none\"\nalert_targets.mail.from = \"telekommo <bridge@acme.test>\"\n\
         alert_targets.mail.to = [\"owner@acme.test\", \"Ops <ops@acme.test>\"]\n",
        server.address.port()
    ))
    .await;
    plant(&stage);
    eventually("it is told", async || server.mails().len() == 1).await;
    let mail = server.mails().remove(0);
    for part in [
        "MAIL FROM:<bridge@acme.test>",
        "RCPT TO:<owner@acme.test>",
        "RCPT TO:<ops@acme.test>",
        "From: telekommo <bridge@acme.test>",
        &format!("Subject: {TITLE}"),
        "Date: ",
        "another program is polling",
    ] {
        assert!(mail.contains(part), "{part} is not in {mail}");
    }
    stage.finish().await;
}
