//! Kommo took a message and its answer was lost: the repetition is refused, and that is no reason to set it aside.

use telekommo::sandbox::{
    fault::Fault,
    kommo::{DuplicateAnswer, Endpoint},
    stage::{ANNA, LINES, Stage},
};

use crate::support::TestStage;

const TOKEN: &str = LINES[0].token;

fn conversation() -> String {
    format!("tg:{}:{ANNA}", LINES[0].source)
}

/// The customer's texts in Kommo.
fn written(stage: &Stage) -> Vec<String> {
    let messages = stage.kommo.chat(&conversation()).map(|chat| chat.messages).unwrap_or_default();
    messages.into_iter().filter(|message| message.client_msgid.is_some()).map(|message| message.text).collect()
}

async fn nothing_is_set_aside(stage: &TestStage) {
    stage.telegram.write(TOKEN, ANNA, "the last one");
    stage
        .until("the last one is in Kommo", |stage| written(stage).last().is_some_and(|text| text == "the last one"))
        .await;
    assert_eq!(stage.bridge().unwrap().store().counts().parked, 0);
}

#[tokio::test]
async fn the_first_message_of_a_conversation() {
    for answer in [DuplicateAnswer::BadRequest400, DuplicateAnswer::SameIds200] {
        let stage = TestStage::start().await;
        stage.kommo.answer_duplicates(answer);
        stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
        stage.telegram.write(TOKEN, ANNA, "hello");
        nothing_is_set_aside(&stage).await;
        assert_eq!(written(&stage), ["hello", "the last one"], "{answer:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_older_than_a_page_of_answers() {
    let stage = TestStage::start().await;
    stage.telegram.write(TOKEN, ANNA, "hello");
    stage.until("the message is in Kommo", |stage| written(stage) == ["hello"]).await;
    // It is written now, and the repetition comes when managers have said much.
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    stage.kommo.fault(Endpoint::Message, Fault::RetryAfter(1), 1);
    stage.telegram.write(TOKEN, ANNA, "patience");
    stage.until("the message is in Kommo", |stage| written(stage).len() == 2).await;
    for number in 0..60 {
        stage.kommo.reply(&conversation(), "Maria", &format!("answer {number}")).await;
    }
    nothing_is_set_aside(&stage).await;
    assert_eq!(written(&stage), ["hello", "patience", "the last one"]);
}
