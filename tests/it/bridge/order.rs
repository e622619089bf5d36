//! In which order Kommo shows a conversation, whatever the clocks of both sides say.

use std::time::Duration;

use axum::body::Bytes;
use serde_json::json;
use telekommo::{
    lifecycle::Ended,
    sandbox::{
        harness::{ANNA, Harness, LINES, Line},
        kommo::{Doubtful, Message, Status},
        telegram::{FileKind, NewFile},
    },
};

use crate::support::{TestStage, conversation};

const SALES: Line = LINES[0];
const HOUR: Duration = Duration::from_hours(1);

/// The chat as its history shows it.
fn shown(stage: &Harness) -> Vec<Message> {
    let mut messages = stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default();
    messages.sort_by_key(|message| message.at_ms);
    messages
}

fn texts(stage: &Harness) -> Vec<String> {
    shown(stage).into_iter().map(|message| message.text).collect()
}

impl TestStage {
    /// A manager answers, and the customer gets it.
    async fn manager_says(&self, text: &str) {
        let id = self.reply(SALES, ANNA, text).await;
        assert_eq!(self.outcome(&id).await, Status::Delivered);
        self.until_settled().await;
    }

    /// The customer writes, and Kommo gets it.
    async fn customer_says(&self, text: &str) {
        self.telegram.write(SALES.token, ANNA, text);
        self.until("Kommo has it", |stage| texts(stage).iter().any(|said| said == text)).await;
        self.until_settled().await;
    }

    async fn restart(&mut self) {
        assert_eq!(self.stop_bridge().await, Some(Ended::Stopped));
        self.start_bridge().await.unwrap();
    }
}

/// A talk in which each waits for the other, with a restart between. Gives what stands in Kommo, and what was said.
async fn talk(stage: &mut TestStage) {
    stage.manager_says("m1").await;
    stage.customer_says("c1").await;
    stage.manager_says("m2").await;
    stage.restart().await;
    for text in ["c2", "c3"] {
        stage.customer_says(text).await;
    }
    for text in ["m3", "m4"] {
        stage.manager_says(text).await;
    }
    stage.customer_says("c4").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_stands_behind_what_it_answers() {
    for behind in [Duration::ZERO, Duration::from_secs(5), HOUR] {
        let mut stage = TestStage::start().await;
        stage.allow_failures();
        stage.telegram.clock().turn_back(behind);
        stage.begin(SALES, ANNA).await;
        talk(&mut stage).await;
        let said = texts(&stage);
        assert_eq!(said[1..], ["m1", "c1", "m2", "c2", "c3", "m3", "m4", "c4"], "Telegram is {behind:?} behind");
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_that_telegram_was_ahead_turns_nothing_round_that_the_customer_says() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.clock().advance(HOUR);
    talk(&mut stage).await;
    stage.telegram.clock().turn_back(HOUR);
    stage.customer_says("c5").await;
    let said = texts(&stage);
    let of_customer: Vec<_> = said.iter().filter(|text| text.starts_with('c')).collect();
    assert_eq!(of_customer, ["c1", "c2", "c3", "c4", "c5"]);
    let place = |text: &str| said.iter().position(|it| it == text).unwrap();
    assert!(place("m1") < place("c1") && place("m2") < place("c2") && place("m4") < place("c4"), "{said:?}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_telegram_was_ahead_is_soon_forgotten() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    stage.telegram.clock().advance(24 * HOUR);
    stage.customer_says("tomorrow").await;
    stage.telegram.clock().turn_back(24 * HOUR);
    stage.customer_says("today").await;
    let now = stage.kommo.clock().now();
    let today = shown(&stage).into_iter().find(|message| message.text == "today").unwrap();
    assert!(today.at_ms <= now.0 + 1000, "{today:?} at {now:?}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_and_a_press_stand_behind_what_they_answer() {
    let stage = TestStage::with("telegram.keep_buttons = true\n").await;
    stage.telegram.clock().turn_back(Duration::from_secs(5));
    stage.begin(SALES, ANNA).await;
    let markup = json!({ "mode": "inline", "buttons": [[{ "text": "Yes" }]] });
    // Kommo's clock is ahead of this machine's as well, by which a press is dated.
    stage.kommo.clock().advance(Duration::from_secs(5));
    let (id, _) = stage.kommo.reply_with(&conversation(SALES, ANNA), "Maria", "Shall we?", markup).await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.until_settled().await;
    let message = stage.telegram.messages(SALES.token, ANNA).last().unwrap().message_id;
    stage.telegram.press(SALES.token, ANNA, message, 0, 0);
    stage.until("Kommo has the press", |stage| shown(stage).len() == 3).await;
    stage.manager_says("And which?").await;
    let file = |name: &str| NewFile {
        kind: FileKind::Photo,
        bytes: Bytes::copy_from_slice(name.as_bytes()),
        name: None,
        caption: Some(name.to_owned()),
    };
    stage.telegram.send_album(SALES.token, ANNA, &["one", "two", "three"].map(file));
    stage.until("Kommo has the album", |stage| shown(stage).len() == 7).await;
    assert_eq!(texts(&stage)[1..], ["Shall we?", "Yes", "And which?", "one", "two", "three"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_is_told_as_a_message_stands_behind_what_was_said_before_it() {
    for behind in [Duration::ZERO, Duration::from_secs(5), HOUR] {
        let mut stage = TestStage::start().await;
        stage.allow_failures();
        stage.kommo.quirks(|quirks| quirks.customer_edits = Doubtful::Refused);
        stage.telegram.clock().turn_back(behind);
        stage.begin(SALES, ANNA).await;
        let edited = stage.telegram.write(SALES.token, ANNA, "c1");
        stage.until("Kommo has it", |stage| shown(stage).len() == 2).await;
        stage.manager_says("m1").await;
        stage.customer_says("c2").await;
        stage.telegram.edit(SALES.token, ANNA, edited, "c3");
        stage.until("Kommo has the edit", |stage| shown(stage).len() == 5).await;
        stage.customer_says("c4").await;
        assert_eq!(texts(&stage)[1..], ["c1", "m1", "c2", "[edited] c3", "c4"], "Telegram is {behind:?} behind");
        let told = shown(&stage);
        assert!(told[4].at_ms < told[5].at_ms, "{told:?}");
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_customer_writes_after_a_press_stands_behind_it() {
    let stage = TestStage::start().await;
    // A press is dated by this machine's clock, and what is written by Telegram's.
    stage.telegram.clock().turn_back(Duration::from_secs(5));
    stage.begin(SALES, ANNA).await;
    let markup = json!({ "mode": "inline", "buttons": [[{ "text": "Yes" }]] });
    let (id, _) = stage.kommo.reply_with(&conversation(SALES, ANNA), "Maria", "Shall we?", markup).await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.until_settled().await;
    let message = stage.telegram.messages(SALES.token, ANNA).last().unwrap().message_id;
    stage.telegram.press(SALES.token, ANNA, message, 0, 0);
    stage.until("Kommo has the press", |stage| shown(stage).len() == 3).await;
    for text in ["c1", "c2"] {
        stage.customer_says(text).await;
    }
    assert_eq!(texts(&stage)[1..], ["Shall we?", "Yes", "c1", "c2"]);
    let told = shown(&stage);
    assert!(told[2].at_ms < told[3].at_ms, "{told:?}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_a_message_that_is_not_known_to_be_there_stands_behind_what_was_said_before_it() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.telegram.clock().turn_back(Duration::from_secs(5));
    stage.begin(SALES, ANNA).await;
    let edited = stage.telegram.write(SALES.token, ANNA, "c1");
    stage.until("Kommo has it", |stage| shown(stage).len() == 2).await;
    assert_eq!(stage.stop_bridge().await, Some(Ended::Stopped));
    std::fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    stage.manager_says("m1").await;
    stage.customer_says("c2").await;
    stage.telegram.edit(SALES.token, ANNA, edited, "c3");
    stage.until("Kommo has the edit", |stage| shown(stage).len() == 5).await;
    stage.customer_says("c4").await;
    assert_eq!(texts(&stage)[1..], ["c1", "m1", "c2", "[edited] c3", "c4"]);
    let told = shown(&stage);
    assert!(told[4].at_ms < told[5].at_ms, "{told:?}");
    stage.finish().await;
}
