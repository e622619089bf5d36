//! From a damaged store back to work.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, LINES};
use tokio::process::Command;

use super::process::{Process, finished, run, telekommo, text, with_config};
use crate::support::{BRISK, WITHIN, eventually};

const TOKEN: &str = LINES[0].token;

fn conversation() -> String {
    format!("tg:{}:{ANNA}", LINES[0].source)
}

fn in_kommo(stage: &Harness) -> Vec<String> {
    let messages = stage.kommo.chat(&conversation()).map(|chat| chat.messages).unwrap_or_default();
    messages.into_iter().map(|message| message.text).collect()
}

/// The command that the refused start names.
fn restore(stage: &Harness) -> Command {
    telekommo(&["restore", stage.dir().join("data").to_str().expect("temporary folders have plain names")])
}

/// Whether a finished dump holds this text.
fn dumped(data: &Path, text: &str) -> bool {
    let files = fs::read_dir(data.join("dumps")).into_iter().flatten().map(|entry| entry.unwrap().path());
    let finished =
        files.filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("store-")));
    // A dump may be removed for a newer one while it is looked at.
    finished.filter_map(|file| fs::read_to_string(file).ok()).any(|dump| dump.contains(text))
}

/// Cuts the snapshots to half their lengths, as a disk that was full may.
fn damage(data: &Path) {
    let files = fs::read_dir(data.join("store")).unwrap().map(|entry| entry.unwrap().path());
    let snapshots: Vec<_> =
        files.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with("snap.")).collect();
    assert!(!snapshots.is_empty(), "there is nothing to damage");
    for snapshot in snapshots {
        let file = fs::OpenOptions::new().write(true).open(&snapshot).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }
}

/// Runs a bridge whose store ends with one message that Kommo has and one that waits, and with a dump of both.
async fn leave_a_message_waiting(stage: &Harness) {
    let mut command = run(stage);
    command.env("TELEKOMMO_LOG__LEVEL", "debug");
    let process = Process::start(stage, command).await;
    stage.telegram.write(TOKEN, ANNA, "arrived");
    stage.until("the message is in Kommo", WITHIN, |stage| in_kommo(stage) == ["arrived"]).await.unwrap();
    stage.kommo.down(true).unwrap();
    stage.telegram.write(TOKEN, ANNA, "waiting");
    process.logged("failed, retrying").await;
    let data = stage.dir().join("data");
    process.logs_until("the dump holds the message", |_| dumped(&data, "waiting")).await;
    let ended = process.end(Signal::TERM).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    stage.kommo.down(false).unwrap();
}

#[tokio::test]
async fn a_damaged_store_says_what_to_do_and_a_restore_brings_it_back() {
    let stage = Harness::without_bridge(&format!("{BRISK}store.dump_every = \"100ms\"")).unwrap();
    let data = stage.dir().join("data");
    leave_a_message_waiting(&stage).await;
    damage(&data);

    let refused = finished(run(&stage)).await;
    let message = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{message}");
    assert!(
        message.contains(&format!("`telekommo restore {}`", data.display())) && message.contains("nothing was changed"),
        "{message}"
    );

    let restored = finished(restore(&stage)).await;
    let summary = text(&restored.stdout);
    assert_eq!((restored.status.code(), text(&restored.stderr)), (Some(0), ""), "{summary}");
    assert!(summary.contains("restored from") && summary.contains("store.before-restore-1"), "{summary}");
    assert!(data.join("store.before-restore-1").exists(), "the former store must be kept");

    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(TOKEN, ANNA, "new");
    stage
        .until("the new message is in Kommo", WITHIN, |stage| in_kommo(stage).contains(&"new".to_owned()))
        .await
        .unwrap();
    assert_eq!(in_kommo(&stage), ["arrived", "waiting", "new"], "each once and in order");
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

/// A manager writes while nobody listens, or is not listened to. Gives the text as what Telegram must not or must have.
async fn lose(stage: &Harness, text: &'static str) -> &'static str {
    stage.kommo.lose_hooks(true);
    stage.kommo.reply(&conversation(), "Maria", text).await;
    stage.kommo.lose_hooks(false);
    text
}

fn in_telegram(stage: &Harness) -> Vec<String> {
    let messages = stage.telegram.messages(TOKEN, ANNA).into_iter();
    messages.filter(|message| message.from_bot).map(|message| message.text).collect()
}

/// Runs a bridge that delivers an answer of which its dump does not know. Gives the dump.
async fn deliver_behind_the_dump(stage: &Harness) -> PathBuf {
    let process = Process::start(stage, run(stage)).await;
    stage.telegram.write(TOKEN, ANNA, "hello");
    stage.until("the message is in Kommo", WITHIN, |stage| in_kommo(stage) == ["hello"]).await.unwrap();
    let (chat, dumps) = (stage.kommo.chat(&conversation()).unwrap().chat_id, stage.dir().join("data/dumps"));
    eventually("the dump knows the chat", async || dumped(&stage.dir().join("data"), &chat)).await;
    let whole = |file: &PathBuf| fs::read_to_string(file).is_ok_and(|text| text.contains(&chat));
    let dump = fs::read_dir(dumps).unwrap().map(|entry| entry.unwrap().path()).find(whole).unwrap();
    let kept = stage.dir().join("kept.jsonl");
    fs::copy(dump, &kept).unwrap();
    let (_, hook) = stage.kommo.reply(&conversation(), "Maria", "arrived").await;
    assert_eq!(hook.status, Some(200));
    stage.until("it has arrived", WITHIN, |stage| in_telegram(stage) == ["arrived"]).await.unwrap();
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
    kept
}

#[tokio::test]
async fn what_a_restored_store_cannot_know_is_told_and_what_it_misses_later_is_sent() {
    let stage = Harness::without_bridge(&format!("{BRISK}store.dump_every = \"100ms\"")).unwrap();
    let dump = deliver_behind_the_dump(&stage).await;
    lose(&stage, "written while it was down").await;
    let mut restoring = restore(&stage);
    restoring.arg(&dump);
    let restored = finished(restoring).await;
    assert_eq!((restored.status.code(), text(&restored.stderr)), (Some(0), ""));

    let process = Process::start(&stage, run(&stage)).await;
    process.logged("may have been delivered before the store was restored: 2").await;
    let late = lose(&stage, "written when it was up").await;
    let mut reconcile = with_config("reconcile", &stage.write_config().unwrap());
    reconcile.env("TELEKOMMO_ADMIN__LISTEN", process.ports().await.admin.to_string());
    let compared = finished(reconcile).await;
    let result = "Result: found 3, sent 1, too old 0, may have been delivered before the store was restored: 2.\n";
    assert!(text(&compared.stdout).ends_with(result), "{}", text(&compared.stdout));
    stage.until("it has arrived", WITHIN, |stage| in_telegram(stage).len() > 1).await.unwrap();
    assert_eq!(in_telegram(&stage), ["arrived", late]);
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn a_store_in_use_is_not_restored() {
    let stage = Harness::without_bridge(&format!("{BRISK}store.dump_every = \"100ms\"")).unwrap();
    let mut command = run(&stage);
    command.env("TELEKOMMO_LOG__LEVEL", "debug");
    let process = Process::start(&stage, command).await;
    stage.telegram.write(TOKEN, ANNA, "hello");
    stage.until("the message is in Kommo", WITHIN, |stage| in_kommo(stage) == ["hello"]).await.unwrap();
    process.logged("store dumped").await;
    let refused = finished(restore(&stage)).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("in use by another telekommo"), "{}", text(&refused.stderr));
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn without_a_dump_a_restore_says_where_it_looked() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let refused = finished(restore(&stage)).await;
    let message = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{message}");
    assert!(message.contains("dumps") && message.contains(stage.dir().to_str().unwrap()), "{message}");
}
