//! Signals, and what becomes of what was in flight.

use std::time::Duration;

use rustix::process::Signal;
use telekommo::{
    lifecycle,
    sandbox::{
        harness::{ANNA, Harness, LINES},
        kommo::Status,
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};

use super::process::{Ended, Process, run};
use crate::support::{BRISK, TestStage, WITHIN, eventually};

/// What a stop takes at most where the disk works.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

const TOKEN: &str = LINES[0].token;

fn conversation() -> String {
    format!("tg:{}:{ANNA}", LINES[0].source)
}

/// The texts of the conversation in Kommo, and how often each message's id is there.
fn in_kommo(stage: &Harness) -> Vec<String> {
    let messages = stage.kommo.chat(&conversation()).map(|chat| chat.messages).unwrap_or_default();
    messages.into_iter().filter(|message| message.client_msgid.is_some()).map(|message| message.text).collect()
}

/// The bot's texts in Telegram.
fn in_telegram(stage: &Harness) -> Vec<String> {
    let messages = stage.telegram.messages(TOKEN, ANNA).into_iter();
    messages.filter(|message| message.from_bot).map(|message| message.text).collect()
}

/// A bridge that has called Kommo with a message, and waits: whoever picks up says nothing.
async fn waiting_for_kommo(stage: &Harness, texts: &[&str]) -> (Process, TcpStream) {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = run(stage);
    command.env("TELEKOMMO_KOMMO__CHATS_URL", format!("http://{}", silent.local_addr().unwrap()));
    let process = Process::start(stage, command).await;
    for text in texts {
        stage.telegram.write(TOKEN, ANNA, text);
    }
    let (call, _) = timeout(WITHIN, silent.accept()).await.expect("Kommo is called").unwrap();
    stage.until("the updates are taken", WITHIN, |stage| stage.telegram.pending(TOKEN) == 0).await.unwrap();
    (process, call)
}

async fn ends_well(process: Process, signal: Signal) -> Ended {
    let asked_at = Instant::now();
    let ended = process.end(signal).await;
    let took = asked_at.elapsed();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(took < STOPS_WITHIN, "the stop took {took:?}");
    ended
}

#[tokio::test]
async fn an_open_long_poll_holds_up_no_stop() {
    for signal in [Signal::TERM, Signal::INT] {
        let stage = Harness::without_bridge(BRISK).unwrap();
        let process = Process::start(&stage, run(&stage)).await;
        stage
            .until("both bots poll", WITHIN, |stage| LINES.iter().all(|line| stage.telegram.poll_count(line.token) > 0))
            .await
            .unwrap();
        let asked_at = Instant::now();
        let ended = ends_well(process, signal).await;
        assert!(asked_at.elapsed() < Duration::from_secs(4), "nothing was in flight");
        assert!(ended.stderr.contains("\"stopped\""), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn what_kommo_was_about_to_take_arrives_after_the_next_start_once() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (process, _call) = waiting_for_kommo(&stage, &["one", "two"]).await;
    let ended = ends_well(process, Signal::TERM).await;
    assert!(ended.stderr.contains("aborting work in flight"), "nothing was in flight: {}", ended.stderr);
    assert_eq!(in_kommo(&stage), Vec::<String>::new());

    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(TOKEN, ANNA, "three");
    stage
        .until("the last one is in Kommo", WITHIN, |stage| in_kommo(stage).iter().any(|text| text == "three"))
        .await
        .unwrap();
    assert_eq!(in_kommo(&stage), ["one", "two", "three"]);
    ends_well(process, Signal::INT).await;
}

#[tokio::test]
async fn an_answer_that_telegram_could_not_take_arrives_after_the_next_start_once() {
    let settings = "retry.telegram = [\"100ms\", \"1m\", \"1m\"]\nretry.kommo = [\"50ms\"]";
    let stage = Harness::without_bridge(settings).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(TOKEN, ANNA, "hello");
    stage.until("the message is in Kommo", WITHIN, |stage| in_kommo(stage) == ["hello"]).await.unwrap();
    stage.telegram.down(true).unwrap();
    let (_, answer) = stage.kommo.reply(&conversation(), "Maria", "good day").await;
    assert_eq!(answer.status, Some(200));
    process.logged("failed, retrying").await;
    ends_well(process, Signal::TERM).await;
    stage.telegram.down(false).unwrap();
    assert_eq!(in_telegram(&stage), Vec::<String>::new());

    let process = Process::start(&stage, run(&stage)).await;
    let told = |stage: &Harness| {
        let messages = stage.kommo.chat(&conversation()).unwrap().messages;
        messages.iter().any(|message| message.status == Status::Delivered)
    };
    stage.until("the answer is delivered", WITHIN, told).await.unwrap();
    assert_eq!(in_telegram(&stage), ["good day"]);
    ends_well(process, Signal::TERM).await;
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    for second in [Signal::TERM, Signal::INT] {
        let stage = Harness::without_bridge(BRISK).unwrap();
        let (process, _call) = waiting_for_kommo(&stage, &["one"]).await;
        process.signal(Signal::TERM);
        process.logged("a second signal ends the process at once").await;
        let asked_at = Instant::now();
        let ended = process.end(second).await;
        assert!(asked_at.elapsed() < Duration::from_secs(2), "it took {:?}", asked_at.elapsed());
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_does_not_close_keeps_no_stop_waiting() {
    let mut stage = TestStage::with("retry.kommo = [\"1h\"]\n").await;
    stage.allow_failures();
    stage.kommo.down(true).unwrap();
    stage.telegram.write(TOKEN, ANNA, "waits");
    eventually("it waits", async || stage.waiting() == 1).await;
    let store = stage.store();
    let lane = store.waiting_lanes(None, 1, |_| true, |_| true).await.unwrap().remove(0);
    let parks = async || store.park_waiting(lane.id, "a test", telekommo::clock::now()).await.unwrap().is_ok();
    eventually("it is parked", parks).await;
    let parked = store.parked(1).unwrap().remove(0).id;
    // Who writes to the store hangs, as on a disk that does not answer.
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let (is_held, holds) = tokio::sync::oneshot::channel();
    let (held, is_held) = (std::sync::Mutex::new(held), std::sync::Mutex::new(Some(is_held)));
    let hang = move |_: &_| {
        is_held.lock().unwrap().take().map(|told| told.send(()));
        let _let_go = held.lock().unwrap().recv();
        Ok(None)
    };
    let (mut hanging, writer) = (JoinSet::new(), store.clone());
    hanging.spawn(async move { writer.drop_parked(vec![parked], hang).await.is_ok() });
    timeout(WITHIN, holds).await.unwrap().unwrap();
    let asked_at = Instant::now();
    let ended = stage.stop_bridge().await;
    let took = asked_at.elapsed();
    assert_eq!(ended, Some(lifecycle::Ended::Failed));
    assert!(took < lifecycle::STOPS_WITHIN, "the stop took {took:?}");
    drop(let_go);
    assert!(hanging.join_next().await.unwrap().unwrap(), "it was asked before the end");
    drop(store);
    stage.start_bridge().await.unwrap();
    stage.kommo.down(false).unwrap();
    stage.finish().await;
}
