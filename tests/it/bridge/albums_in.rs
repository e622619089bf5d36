//! What customers send within one second: albums above all. Telegram tells the second, Kommo sorts by the millisecond.

use axum::body::Bytes;
use serde_json::json;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Endpoint, Message},
    telegram::{FileKind, NewFile},
};

use crate::support::{TestStage, conversation};

const SALES: Line = LINES[0];
/// When everything here is sent.
const DATE: i64 = 1_786_017_600;

/// The chat as its history shows it.
fn sorted(stage: &Harness) -> Vec<Message> {
    let mut messages = stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default();
    messages.sort_by_key(|message| message.at_ms);
    messages
}

impl TestStage {
    /// A text with a number of its own, sent at [`DATE`]; waits until Kommo has `count` messages.
    async fn said(&self, number: i64, count: usize) {
        let message = json!({
            "message_id": number, "date": DATE, "text": number.to_string(),
            "from": { "id": ANNA, "is_bot": false, "first_name": "Anna" },
            "chat": { "id": ANNA, "type": "private", "first_name": "Anna" },
        });
        self.telegram.push_update(SALES.token, &json!({ "message": message }));
        self.until("Kommo has it", |stage| sorted(stage).len() == count).await;
        self.until_settled().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_arrives_in_order_with_its_caption_where_it_was() {
    for last_id in [0, 997] {
        let mut stage = TestStage::start().await;
        stage.allow_failures();
        stage.telegram.count_from(SALES.token, ANNA, last_id);
        let files = [b"one", b"two", b"six", b"ten"].map(|bytes| NewFile {
            kind: FileKind::Photo,
            bytes: Bytes::from_static(bytes),
            name: None,
            caption: (bytes == b"two").then(|| "the hall".to_owned()),
        });
        // Whatever has to be tried again stays where it was.
        stage.kommo.fault(Endpoint::Message, Fault::Status { code: 503, body: String::new() }, 2);
        stage.telegram.send_album(SALES.token, ANNA, &files);
        let fetched = |message: Message| Some((message.text, message.media?.fetched?.bytes));
        let shown = |stage: &Harness| sorted(stage).into_iter().filter_map(fetched).collect::<Vec<_>>();
        stage.until("Kommo has fetched all", |stage| shown(stage).len() == files.len()).await;
        stage.until_settled().await;
        let sent = files.map(|file| (file.caption.unwrap_or_default(), file.bytes));
        assert_eq!(shown(&stage), sent, "from {last_id}");
        let instants: Vec<_> = sorted(&stage).into_iter().map(|message| message.at_ms).collect();
        assert!(instants.is_sorted_by(|one, other| one < other), "{instants:?}");
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_within_a_second_stays_in_order_over_a_restart() {
    let mut stage = TestStage::start().await;
    for (count, number) in (1..).zip([998, 999, 1000, 1201]) {
        stage.said(number, count).await;
        stage.stop_bridge().await;
        stage.start_bridge().await.unwrap();
    }
    let instants: Vec<_> = sorted(&stage).into_iter().map(|it| (it.text, it.at_ms - DATE * 1000)).collect();
    let expected = [("998", 998), ("999", 999), ("1000", 1000), ("1201", 1001)];
    assert_eq!(instants, expected.map(|(text, at_ms)| (text.to_owned(), at_ms)));
    stage.finish().await;
}
