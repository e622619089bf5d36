//! A large upload of a program's passes without being held.

use reqwest::multipart::{Form, Part};
use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, unused_address};

use super::{SALES, SECRET};
use crate::{
    binary::process::{Process, run},
    bridge::samples::noise,
    support::{WITHIN, conversation},
};

/// More would mean that the file, or much of it, is in memory.
const MOST_ADDED: u64 = 32 << 20;

async fn sent(url: &str, bytes: Vec<u8>) {
    let file = Part::bytes(bytes).file_name("large.bin");
    let form = Form::new().text("chat_id", ANNA.to_string()).part("document", file);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(url).multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_45_megabytes_of_a_program_adds_little_memory() {
    let gateway = unused_address();
    let program =
        format!("gateway.listen = \"{gateway}\"\n[programs.shop]\nsource = \"sales\"\nsecret = \"{SECRET}\"\n");
    let stage = Harness::without_bridge(&program).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(SALES.token, ANNA, "/start");
    let is_known = |stage: &Harness| stage.kommo.chat(&conversation(SALES, ANNA)).is_some();
    stage.until("Kommo has the chat", WITHIN, is_known).await.unwrap();
    let url = format!("http://{gateway}/bot{SECRET}/sendDocument");
    // The first file warms everything up that any file needs.
    sent(&url, noise(100_000)).await;

    let before = process.most_memory();
    let large = noise(45 << 20);
    sent(&url, large.clone()).await;
    let added = process.most_memory() - before;
    assert!(added < MOST_ADDED, "{} KiB were added to {} KiB", added >> 10, before >> 10);

    let message = stage.telegram.messages(SALES.token, ANNA).pop().unwrap();
    let arrived = stage.telegram.file(&message.file.unwrap().file_id).unwrap();
    assert!(arrived == large, "other bytes arrived");
    assert!(process.end(Signal::TERM).await.status.success());
}
