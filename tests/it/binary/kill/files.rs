//! `kill -9` amid files: each arrives once, whole, and with its neighbours.

use std::time::Duration;

use axum::body::Bytes;
use rustix::process::Signal;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Attachment, AttachmentKind, CaptionOn, Draft, Pace, Serving, Status},
    telegram::{ChatMessage, Target},
};

use crate::{
    binary::process::{Process, run},
    bridge::samples::jpeg,
    support::{BRISK, WITHIN, conversation, eventually},
};

const SALES: Line = LINES[0];
/// So slow that no file is through when the bridge is killed.
const SLOW: Serving = Serving::Slow { piece_bytes: 70_000, pause: Duration::from_secs(5) };

fn photo(number: usize) -> Bytes {
    jpeg(800, 600, 300_000 + number)
}

fn sent(stage: &Harness) -> Vec<ChatMessage> {
    stage.telegram.messages(SALES.token, ANNA).into_iter().filter(|message| message.from_bot).collect()
}

fn is_delivered(stage: &Harness, id: &str) -> bool {
    let messages = stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default();
    messages.iter().any(|message| message.id == id && message.status == Status::Delivered)
}

/// A manager sends photos, and the bridge is killed while it fetches them.
async fn killed_amid(stage: &Harness, count: usize, serving: &Serving) -> Vec<String> {
    let process = Process::start(stage, run(stage)).await;
    if stage.kommo.chats().is_empty() {
        stage.telegram.write(SALES.token, ANNA, "/start");
        stage.until("Kommo has the chat", WITHIN, |stage| !stage.kommo.chats().is_empty()).await.unwrap();
    }
    let asked = stage.kommo.requests().len();
    let file = |n| Attachment::new(AttachmentKind::Picture, "x.jpg", photo(n)).served(serving.clone());
    let drafts = Draft::files((0..count).map(file).collect(), "", CaptionOn::First);
    let said = stage.kommo.say_together(&conversation(SALES, ANNA), "Maria", drafts, Pace::InTurn).await;
    assert!(said.iter().all(|(_, hook)| hook.status == Some(200)));
    eventually("the files are fetched", async || stage.kommo.requests().len() >= asked + count).await;
    process.end(Signal::KILL).await;
    said.into_iter().map(|(id, _)| id).collect()
}

/// The next bridge delivers them, each once.
async fn arrive(stage: &Harness, ids: &[String], before: usize) {
    let process = Process::start(stage, run(stage)).await;
    let all = |stage: &Harness| ids.iter().all(|id| is_delivered(stage, id));
    stage.until("the files are delivered", WITHIN, all).await.unwrap();
    let sent = sent(stage).split_off(before);
    assert_eq!(sent.len(), ids.len(), "{sent:#?}");
    assert!(sent.iter().all(|message| message.media_group_id == sent[0].media_group_id), "{sent:#?}");
    assert_eq!(sent[0].media_group_id.is_some(), ids.len() > 1);
    for (n, message) in sent.iter().enumerate() {
        let arrived = stage.telegram.file(&message.file.as_ref().unwrap().file_id).unwrap();
        assert!(arrived == photo(n), "other bytes arrived");
    }
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_were_half_sent_arrive_once_and_together() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    for count in [1, 3] {
        let before = sent(&stage).len();
        let ids = killed_amid(&stage, count, &SLOW).await;
        assert_eq!(sent(&stage).len(), before, "half a request does nothing");
        for id in &ids {
            stage.kommo.serve_as(id, Serving::Whole);
        }
        arrive(&stage, &ids, before).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_telegram_had_not_dealt_with_arrive_once_and_together() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    for (method, count) in [("sendPhoto", 1), ("sendMediaGroup", 3)] {
        let before = sent(&stage).len();
        stage.telegram.fault(Target::method(method), Fault::Hang(Duration::from_hours(1)), 1);
        let ids = killed_amid(&stage, count, &Serving::Whole).await;
        stage.telegram.heal();
        arrive(&stage, &ids, before).await;
    }
}
