//! What the log says of messages: that they arrive, that they fail, and that they go through after all.

use rustix::process::Signal;
use serde_json::Value;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES},
    kommo::Endpoint,
};

use super::process::{Process, run};
use crate::support::{BRISK, WITHIN, by_socket, conversation};

const TOKEN: &str = LINES[0].token;

async fn start(stage: &Harness, level: &str) -> Process {
    let mut command = run(stage);
    command.env("TELEKOMMO_LOG__LEVEL", level);
    Process::start(stage, command).await
}

/// The first line of the log with this in it.
async fn line(process: &Process, part: &str) -> Value {
    serde_json::from_str(&process.logged(part).await).unwrap()
}

async fn write(stage: &Harness, text: &str) {
    stage.telegram.write(TOKEN, ANNA, text);
    let is_there = |stage: &Harness| {
        let chat = stage.kommo.chat(&conversation(LINES[0], ANNA));
        chat.is_some_and(|chat| chat.messages.iter().any(|message| message.text == text))
    };
    stage.until("the message is in Kommo", WITHIN, is_there).await.unwrap();
}

#[tokio::test]
async fn one_line_tells_that_a_message_arrived_and_nothing_of_what_it_says() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = start(&stage, "info").await;
    write(&stage, "a secret question").await;
    let accepted = line(&process, "message accepted by Kommo").await;
    assert_eq!((&accepted["level"], &accepted["kind"]), (&"INFO".into(), &"text".into()), "{accepted}");
    assert_eq!(accepted["conversation"], conversation(LINES[0], ANNA));
    let (bot, _) = TOKEN.split_once(':').unwrap();
    assert!(accepted["message_id"].as_str().unwrap().starts_with(&format!("tg:{bot}:{ANNA}:")), "{accepted}");
    let chat = stage.kommo.chat(&conversation(LINES[0], ANNA)).unwrap();
    assert_eq!(accepted["kommo_id"], chat.messages[0].id);
    assert!(accepted["took_ms"].is_u64(), "{accepted}");
    let span = &accepted["span"];
    assert_eq!(
        (&span["kind"], &span["direction"], &span["attempt"]),
        (&"update".into(), &"to Kommo".into(), &1.into())
    );
    assert!(span["job"].as_str().unwrap().starts_with(&conversation(LINES[0], ANNA)), "{span}");

    let (id, _) = stage.kommo.reply(&conversation(LINES[0], ANNA), "Maria", "a secret answer").await;
    let sent = line(&process, "sent to Telegram").await;
    assert_eq!((&sent["level"], &sent["kind"], &sent["message_id"]), (&"INFO".into(), &"text".into(), &id.into()));
    assert!(sent["telegram_id"].as_str().unwrap().starts_with(&format!("tg:{bot}:{ANNA}:")), "{sent}");
    assert!(sent["took_ms"].is_u64(), "{sent}");
    let span = &sent["span"];
    assert_eq!((&span["kind"], &span["direction"]), (&"call".into(), &"to Telegram".into()), "{sent}");
    assert_eq!(span["source"], LINES[0].source);
    let ended = process.end(Signal::TERM).await;
    for secret in ["secret", "Anna", "Maria"] {
        assert!(!ended.stderr.contains(secret), "{secret}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_failure_names_the_message_and_so_does_its_end() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = start(&stage, "debug").await;
    write(&stage, "first").await;
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 500, body: String::new() }, 1);
    write(&stage, "second").await;
    let retried = line(&process, "failed, retrying").await;
    let id = retried["message_id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("tg:"), "{retried}");
    assert!(!retried["message"].as_str().unwrap().contains("0 seconds"), "{retried}");
    let through = line(&process, "succeeded after it had failed").await;
    assert_eq!((&through["message_id"], &through["level"]), (&id.into(), &"INFO".into()), "{through}");
    for line in [&retried, &through] {
        assert_eq!(line["span"]["conversation"], conversation(LINES[0], ANNA), "{line}");
    }
    assert_eq!(through["span"]["attempt"], 2, "{through}");

    let refusal = r#"{"error_code":400,"error_type":"BAD","error_description":"no"}"#;
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 400, body: refusal.to_owned() }, 1);
    stage.telegram.write(TOKEN, ANNA, "third");
    let parked = line(&process, "parked: it cannot be delivered").await;
    let list = by_socket(stage.dir()).get("http://localhost/parked").send().await.unwrap().text().await.unwrap();
    assert!(list.contains(&format!("\"id\":{}", parked["parked"])), "{parked} is not in {list}");

    let (id, _) = stage.kommo.reply(&conversation(LINES[0], ANNA), "Maria", "an answer").await;
    let stored = line(&process, "hook stored").await;
    assert_eq!(stored["id"], format!("hook:{id}"));
    line(&process, "delivery status sent").await;
    let ended = process.end(Signal::TERM).await;
    assert!(!ended.stderr.contains("IdempotencyKey("), "{}", ended.stderr);
    let doubled: Vec<_> = ended.stderr.lines().filter(|line| line.matches("\"message\":").count() > 1).collect();
    assert!(doubled.is_empty(), "programs read only the last of two fields of one name: {doubled:#?}");
}
