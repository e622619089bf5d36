//! A large file passes without being held.

use axum::body::Bytes;
use rustix::process::Signal;
use telekommo::sandbox::{
    kommo::{Attachment, AttachmentKind, Status},
    stage::{ANNA, LINES, Line, Stage},
};

use crate::{
    binary::process::{Process, run},
    bridge::samples::noise,
    support::WITHIN,
};

const SALES: Line = LINES[0];
/// More would mean that the file, or much of it, is in memory.
const MOST_ADDED: u64 = 32 << 20;

fn conversation() -> String {
    format!("tg:{}:{ANNA}", SALES.source)
}

async fn sent(stage: &Stage, bytes: &Bytes) {
    let file = Attachment::new(AttachmentKind::File, "large.bin", bytes.clone());
    let (id, _) = stage.kommo.attach(&conversation(), "Maria", file, "").await;
    let is_delivered = |stage: &Stage| {
        let messages = stage.kommo.chat(&conversation()).map(|chat| chat.messages).unwrap_or_default();
        messages.iter().any(|message| message.id == id && message.status == Status::Delivered)
    };
    stage.until("the file is delivered", WITHIN, is_delivered).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_45_megabytes_to_a_customer_adds_little_memory() {
    let stage = Stage::without_bridge("").unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(SALES.token, ANNA, "/start");
    stage.until("Kommo has the chat", WITHIN, |stage| stage.kommo.chat(&conversation()).is_some()).await.unwrap();
    // The first file warms everything up that any file needs.
    sent(&stage, &noise(100_000).into()).await;

    let before = process.most_memory();
    let large: Bytes = noise(45 << 20).into();
    sent(&stage, &large).await;
    let added = process.most_memory() - before;
    assert!(added < MOST_ADDED, "{} KiB were added to {} KiB", added >> 10, before >> 10);

    let message = stage.telegram.messages(SALES.token, ANNA).pop().unwrap();
    let arrived = stage.telegram.file(&message.file.unwrap().file_id).unwrap();
    assert!(arrived == large, "other bytes arrived");
    assert!(process.end(Signal::TERM).await.status.success());
}
