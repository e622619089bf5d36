//! A large file passes without being held.

use std::path::Path;

use axum::body::Bytes;
use rustix::process::Signal;
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES, Line, unused_address},
    kommo::{Attachment, AttachmentKind, Status},
    telegram::{FileKind, Hosting, NewFile},
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

async fn sent(stage: &Harness, bytes: &Bytes) {
    let file = Attachment::new(AttachmentKind::File, "large.bin", bytes.clone());
    let (id, _) = stage.kommo.attach(&conversation(), "Maria", file, "").await;
    let is_delivered = |stage: &Harness| {
        let messages = stage.kommo.chat(&conversation()).map(|chat| chat.messages).unwrap_or_default();
        messages.iter().any(|message| message.id == id && message.status == Status::Delivered)
    };
    stage.until("the file is delivered", WITHIN, is_delivered).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_45_megabytes_to_a_customer_adds_little_memory() {
    let stage = Harness::without_bridge("").unwrap();
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

/// An own Bot API server's bridge, at an address that Kommo can fetch files from.
fn own_server(directory: &Path) -> String {
    let free = unused_address();
    let directory = directory.display();
    format!(
        "telegram.local = true\ntelegram.local_dir = \"{directory}\"\n\
         server.listen = \"{free}\"\nserver.public_url = \"http://{free}\"\n"
    )
}

/// Anna sends a file, and Kommo fetches it.
async fn fetched(stage: &Harness, bytes: &Bytes) {
    let file =
        NewFile { kind: FileKind::Document, bytes: bytes.clone(), name: Some("large.bin".into()), caption: None };
    stage.telegram.send_file(SALES.token, ANNA, &file);
    let newest = |stage: &Harness| {
        let media = stage.kommo.chat(&conversation())?.messages.pop()?.media?;
        media.fetched.filter(|_| media.size == Some(bytes.len() as u64))
    };
    stage.until("Kommo has fetched the file", WITHIN, |stage| newest(stage).is_some()).await.unwrap();
    let fetched = newest(stage).unwrap();
    assert_eq!(fetched.status, Some(200));
    assert!(fetched.bytes == *bytes, "other bytes arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_45_megabytes_from_a_customer_adds_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    let stage = Harness::without_bridge(&own_server(directory.path())).unwrap();
    stage.telegram.host(Hosting::Local(directory.path().to_owned()));
    let process = Process::start(&stage, run(&stage)).await;
    fetched(&stage, &noise(100_000).into()).await;

    let before = process.most_memory();
    fetched(&stage, &noise(45 << 20).into()).await;
    let added = process.most_memory() - before;
    assert!(added < MOST_ADDED, "{} KiB were added to {} KiB", added >> 10, before >> 10);
    assert!(process.end(Signal::TERM).await.status.success());
}
