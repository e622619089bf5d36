//! No secret reaches the log, whatever happens and however much is logged.

use rustix::process::Signal;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES},
    kommo::{Endpoint, Status},
    telegram::Target,
};

use super::process::{Process, run};
use crate::support::WITHIN;

/// Nothing is given up while Telegram is away; and the account is asked, too.
const PATIENT: &str = "retry.kommo = [\"50ms\"]\nretry.telegram = [\"50ms\", \"200ms\", \"200ms\", \"1m\", \"1m\"]\n\
                       retry.probe_every = \"100ms\"\nkommo.account_url = \"{account_url}\"\n\
                       kommo.access_token = \"{access_token}\"\nkommo.contact_tags = [\"telegram\"]\n";

fn conversation(line: usize, customer: i64) -> String {
    format!("tg:{}:{customer}", LINES[line].source)
}

async fn delivered(stage: &Harness, conversation: &str, text: &str) {
    let told = |stage: &Harness| {
        let messages = stage.kommo.chat(conversation).map(|chat| chat.messages).unwrap_or_default();
        messages.iter().any(|message| message.text == text && message.status == Status::Delivered)
    };
    stage.until("the answer is delivered", WITHIN, told).await.unwrap();
}

async fn arrived(stage: &Harness, customer: i64, text: &str) {
    let there = |stage: &Harness| {
        let messages = stage.kommo.chat(&conversation(0, customer)).map(|chat| chat.messages).unwrap_or_default();
        messages.iter().any(|message| message.text == text)
    };
    stage.until("the message is in Kommo", WITHIN, there).await.unwrap();
}

#[tokio::test]
async fn the_log_at_its_loudest_is_silent_about_secrets() {
    let stage = Harness::without_bridge(PATIENT).unwrap();
    let mut command = run(&stage);
    command.env("TELEKOMMO_LOG__LEVEL", "trace,hyper=trace,reqwest=trace,teloxide=trace,sled=trace");
    let process = Process::start(&stage, command).await;
    let (sales, support) = (LINES[0], LINES[1]);

    for customer in [ANNA, BEN] {
        stage.telegram.write(sales.token, customer, "hello");
        arrived(&stage, customer, "hello").await;
    }
    // Answers that are no answers, and lines that break before and after.
    let broken = Fault::Status { code: 502, body: "<html>Bad Gateway</html>".to_owned() };
    for fault in [Fault::Garbage, broken, Fault::DropBefore, Fault::RetryAfter(1)] {
        stage.kommo.fault(Endpoint::Message, fault, 1);
    }
    stage.telegram.write(sales.token, ANNA, "through faults");
    arrived(&stage, ANNA, "through faults").await;
    let unauthorized = r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#.to_owned();
    stage.telegram.fault(Target::method("sendMessage"), Fault::Status { code: 401, body: unauthorized }, 1);
    stage.telegram.fault(Target::method("sendMessage"), Fault::Garbage, 1);
    stage.kommo.reply(&conversation(0, ANNA), "Maria", "after a 401").await;
    delivered(&stage, &conversation(0, ANNA), "after a 401").await;
    stage.telegram.fault(Target::method("sendMessage"), Fault::DropAfter, 1);
    stage.telegram.fault(Target::method("sendChatAction"), Fault::DropBefore, 1);
    stage.kommo.typing(&conversation(0, BEN)).await;
    stage.kommo.reply(&conversation(0, BEN), "Maria", "uncertain").await;
    process.logged("parked: it cannot be delivered").await;

    // Telegram is away, and one token is revoked when it is back.
    stage.telegram.down(true).unwrap();
    stage.kommo.reply(&conversation(0, ANNA), "Maria", "while away").await;
    process.logged("polling failed").await;
    let retried = |line: &str| line.contains("failed, retrying") && line.contains("outbound:sales");
    process.logs_until("the answer is retried", |log: &str| log.lines().any(retried)).await;
    stage.telegram.revoke(support.token);
    stage.telegram.down(false).unwrap();
    delivered(&stage, &conversation(0, ANNA), "while away").await;
    process.logged("polling is blocked").await;

    // The channel is not connected.
    stage.kommo.set_connected(false);
    stage.telegram.write(sales.token, BEN, "while disconnected");
    process.logged("paused until somebody fixes this").await;
    stage.kommo.set_connected(true);
    arrived(&stage, BEN, "while disconnected").await;

    // What it has said is looked through at its end.
    let ended = process.end(Signal::TERM).await;
    assert!(ended.stderr.contains("\"DEBUG\"") && ended.stderr.lines().count() > 30, "not loud: {}", ended.stderr);
}
