//! What customers change after it was sent.

use axum::body::Bytes;
use serde_json::json;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Endpoint, Message, Status},
    telegram::{FileKind, NewFile},
};

use crate::support::{TestStage, conversation, in_kommo};

const SALES: Line = LINES[0];

fn photo(bytes: &'static [u8], caption: Option<&str>) -> NewFile {
    let (kind, name, bytes) = (FileKind::Photo, None, Bytes::from_static(bytes));
    NewFile { kind, bytes, name, caption: caption.map(str::to_owned) }
}

fn messages(stage: &Harness) -> Vec<Message> {
    stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default()
}

/// Type, words and bytes of each message; `None` of a file that Kommo has not fetched yet, in its newest version.
fn shown(stage: &Harness) -> Option<Vec<(String, String, Bytes)>> {
    let one = |message: Message| {
        let bytes = message.media.map_or(Some(Bytes::new()), |media| Some(media.fetched?.bytes))?;
        Some((message.kind, message.text, bytes))
    };
    messages(stage).into_iter().map(one).collect()
}

impl TestStage {
    async fn until_shown(&self, expected: &[(&str, &str, &'static [u8])]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(kind, text, bytes)| ((*kind).to_owned(), (*text).to_owned(), Bytes::from_static(bytes)))
            .collect();
        self.until("Kommo shows it", |stage| shown(stage).as_ref() == Some(&expected)).await;
        self.until_settled().await;
        assert_eq!(shown(self).as_ref(), Some(&expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_caption_changes_the_message_and_doubles_no_file() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    let album = [photo(b"one", None), photo(b"two", Some("the hal"))];
    let ids = stage.telegram.send_album(SALES.token, ANNA, &album);
    stage.until_shown(&[("picture", "", b"one"), ("picture", "the hal", b"two")]).await;
    stage.telegram.edit(SALES.token, ANNA, ids[1], "the hall");
    stage.until_shown(&[("picture", "", b"one"), ("picture", "the hall", b"two")]).await;
    stage.telegram.edit(SALES.token, ANNA, ids[1], "");
    stage.until_shown(&[("picture", "", b"one"), ("picture", "", b"two")]).await;
    assert_eq!(messages(&stage).iter().map(|it| it.edited).collect::<Vec<_>>(), [false, true]);
    // Where Kommo does not take it, nothing is lost.
    let unknown = r#"{"error_code":404,"error_description":"NOT_FOUND"}"#;
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 404, body: unknown.to_owned() }, 1);
    stage.telegram.edit(SALES.token, ANNA, ids[0], "the route");
    let told = ("picture", "[edited] the route", &b"one"[..]);
    stage.until_shown(&[("picture", "", b"one"), ("picture", "", b"two"), told]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_replaced_is_replaced_in_kommo() {
    let stage = TestStage::start().await;
    let first = stage.telegram.send_file(SALES.token, ANNA, &photo(b"one", Some("the hall")));
    stage.telegram.send_file(SALES.token, ANNA, &photo(b"two", None));
    stage.until_shown(&[("picture", "the hall", b"one"), ("picture", "", b"two")]).await;
    let file_id = stage.telegram.messages(SALES.token, ANNA)[1].file.clone().unwrap().file_id;
    let size = json!({ "file_id": file_id, "file_unique_id": "u", "width": 90, "height": 90, "file_size": 3 });
    let edited = json!({
        "message_id": first, "date": 1_786_017_600, "edit_date": 1_786_017_700, "photo": [size], "caption": "the hall",
        "from": { "id": ANNA, "is_bot": false, "first_name": "Anna" },
        "chat": { "id": ANNA, "type": "private", "first_name": "Anna" },
    });
    stage.telegram.push_update(SALES.token, &json!({ "edited_message": edited }));
    stage.until_shown(&[("picture", "the hall", b"two"), ("picture", "", b"two")]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_keeps_the_words_that_it_answers() {
    let mut stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let asked = stage.reply(SALES, ANNA, "When shall we call?").await;
    assert_eq!(stage.outcome(&asked).await, Status::Delivered);
    stage.stop_bridge().await;
    std::fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    let answer = stage.telegram.write_reply(SALES.token, ANNA, "Tomorow", 2);
    for words in ["Tomorow", "Tomorrow"] {
        let expected = ["/start".to_owned(), format!("> When shall we call?\n\n{words}")];
        stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA) == expected).await;
        stage.until_settled().await;
        stage.telegram.edit(SALES.token, ANNA, answer, "Tomorrow");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_words_that_were_picked_out_of_a_known_message_are_told_with_it() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let offer = stage.reply(SALES, ANNA, "A desk, 200\nA chair, 90\nA lamp, 20").await;
    assert_eq!(stage.outcome(&offer).await, Status::Delivered);
    let person = json!({ "id": ANNA, "is_bot": false, "first_name": "Anna" });
    let chat = json!({ "id": ANNA, "type": "private", "first_name": "Anna" });
    let bot = json!({ "id": 1, "is_bot": true, "first_name": "Bot" });
    let message = json!({
        "message_id": 70, "date": 1_786_017_600, "text": "these two", "from": person, "chat": chat,
        "reply_to_message": { "message_id": 2, "date": 1_786_017_600, "from": bot, "chat": chat,
            "text": "A desk, 200\nA chair, 90\nA lamp, 20" },
        "quote": { "text": "A desk, 200\nA chair, 90", "position": 0, "is_manual": true },
    });
    stage.telegram.push_update(SALES.token, &json!({ "message": message }));
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    stage.until_settled().await;
    let said = messages(&stage).pop().unwrap();
    assert_eq!((said.text.as_str(), said.reply_to), ("> A desk, 200\n> A chair, 90\n\nthese two", Some(offer)));
    stage.finish().await;
}
