//! Files from managers that cannot arrive as they are, or not at all.

use std::time::Duration;

use axum::body::Bytes;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, LINES, Line},
    kommo::{Attachment, AttachmentKind, Draft, Serving, Status},
    telegram::{FileKind, Target},
};

use crate::{
    bridge::samples::{jpeg, opus, pdf, webp},
    support::{TestStage, conversation, eventually, in_telegram},
};

const SALES: Line = LINES[0];

fn file(bytes: impl Into<Bytes>) -> Attachment {
    Attachment::new(AttachmentKind::File, "x.pdf", bytes)
}

fn refusal(text: &str) -> Fault {
    Fault::Status { code: 400, body: format!(r#"{{"ok":false,"error_code":400,"description":"{text}"}}"#) }
}

impl TestStage {
    async fn attempt(&self, draft: impl Into<Draft>) -> String {
        let (id, hook) = self.kommo.say(&conversation(SALES, ANNA), "Maria", draft).await;
        assert_eq!(hook.status, Some(200));
        id
    }

    /// A manager says something, and is told that it failed, in these words.
    async fn assert_fails(&self, draft: impl Into<Draft>, words: &str) {
        let id = self.attempt(draft).await;
        match self.outcome(&id).await {
            Status::Failed { text, .. } => assert!(text.contains(words), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

async fn stage() -> TestStage {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_fetched_is_told_and_holds_up_nothing() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    let elsewhere = |url: &str| Serving::Elsewhere(url.to_owned());
    let port = stage.kommo.url().rsplit_once(':').unwrap().1.to_owned();
    let cases = [
        (Serving::Status(404), "does not have the file any more (HTTP 404)"),
        (Serving::Status(403), "HTTP 403"),
        (Serving::Status(410), "HTTP 410"),
        (elsewhere("https://example.com/x"), "\"example.com\", which is not one of Kommo's servers"),
        (elsewhere(&format!("http://localhost:{port}/x")), "\"localhost\""),
        (elsewhere("http://169.254.169.254/latest/meta-data"), "\"169.254.169.254\""),
        (elsewhere("http://[::ffff:127.0.0.1]/x"), "not one of Kommo's servers"),
        (elsewhere("file:///etc/passwd"), "Not sent"),
        (Serving::WithLength(61 << 20), "the file is 61 MB, and bots can send up to 50 MB"),
    ];
    for (serving, words) in &cases {
        stage.assert_fails(file(pdf(500)).served(serving.clone()), words).await;
    }
    let goes_on = stage.attempt(file(pdf(500))).await;
    assert_eq!(stage.outcome(&goes_on).await, Status::Delivered);
    stage.parked(cases.len()).await;
    assert_eq!(stage.sent().len(), 1, "nothing of those that failed");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_had_costs_no_text() {
    let stage = stage().await;
    let broken = [
        (Serving::Status(404), "HTTP 404"),
        (Serving::Elsewhere("https://example.com/x".to_owned()), "\"example.com\""),
        (Serving::WithLength(61 << 20), "61 MB"),
    ];
    let long = "word ".repeat(400);
    let buttons = serde_json::json!({ "buttons": [[{ "text": "Yes" }]] });
    for (serving, words) in broken {
        for text in ["look", long.trim()] {
            let before = stage.sent().len();
            let draft = Draft::file(file(pdf(500)).served(serving.clone())).saying(text).markup(buttons.clone());
            let id = stage.attempt(draft).await;
            let outcome = stage.outcome(&id).await;
            let Status::Failed { text: told, .. } = &outcome else { panic!("{outcome:?}") };
            assert!(told.contains(words) && told.contains("has got the text without it"), "{told}");
            let sent = stage.sent().split_off(before);
            assert_eq!((sent.len(), sent[0].text.as_str(), sent[0].keyboard.len()), (1, text, 1), "{words}");
        }
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_leads_in_circles_ends() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    let id = stage.attempt(file(pdf(10))).await;
    stage.outcome(&id).await;
    let chat = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
    let url = chat.messages.iter().find(|message| message.id == id).unwrap().media.as_ref().unwrap().url.clone();
    stage.kommo.serve_as(&id, Serving::Elsewhere(url.clone()));
    stage.assert_fails(file(pdf(10)).served(Serving::Elsewhere(url)), "does not say where the file is").await;
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_turns_out_too_large_is_told() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    let large = Bytes::from(vec![7; (50 << 20) + 1]);
    stage.assert_fails(file(large).served(Serving::WithoutLength), "more than 50 MB").await;
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_file_costs_no_text() {
    let stage = stage().await;
    let words = "the file is empty (0 bytes). Attach it again. The customer has got the text without it.";
    stage.assert_fails(Draft::file(file(Bytes::new())).saying("See the file"), words).await;
    let long = "word ".repeat(400);
    stage.assert_fails(Draft::file(file(Bytes::new())).saying(&long), words).await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["See the file", long.trim()]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_file_without_a_text_is_told() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    stage.assert_fails(file(Bytes::new()), "the file is empty (0 bytes)").await;
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_on_the_way_is_tried_again_and_doubles_nothing() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let bytes = pdf(3 << 20);
    for serving in [Serving::Status(500), Serving::Status(429), Serving::BreaksOff(10), Serving::BreaksOff(2 << 20)] {
        let (before, asked) = (stage.sent().len(), stage.kommo.requests().len());
        let id = stage.attempt(file(bytes.clone()).served(serving.clone())).await;
        eventually("it was tried", async || stage.kommo.requests().len() > asked).await;
        stage.kommo.serve_as(&id, Serving::Whole);
        assert_eq!(stage.outcome(&id).await, Status::Delivered, "{serving:?}");
        assert_eq!(stage.sent().len(), before + 1, "{serving:?}");
        stage.assert_holds(&stage.sent()[before], &bytes);
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_does_not_wait_for_a_file_that_does_not_come() {
    let stage = stage().await;
    for serving in [Serving::Status(503), Serving::BreaksOff(10), Serving::BreaksOff(2 << 20)] {
        let before = stage.sent().len();
        let draft = Draft::file(file(pdf(3 << 20)).served(serving.clone())).saying("See the file");
        stage.assert_fails(draft, "The customer has got the text without it.").await;
        let sent = stage.sent().split_off(before);
        assert_eq!(sent.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["See the file"], "{serving:?}");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_telegram_does_not_take_goes_in_the_next_form() {
    let stage = stage().await;
    let cases = [
        (
            "sendPhoto",
            "Bad Request: IMAGE_PROCESS_FAILED",
            AttachmentKind::Picture,
            jpeg(80, 60, 900),
            FileKind::Document,
        ),
        ("sendVoice", "Bad Request: VOICE_MESSAGES_FORBIDDEN", AttachmentKind::Voice, opus(900), FileKind::Audio),
        ("sendPhoto", "Bad Request: BUTTON_DATA_INVALID", AttachmentKind::Picture, jpeg(80, 60, 900), FileKind::Photo),
        (
            "sendPhoto",
            "Bad Request: message caption is too long",
            AttachmentKind::Picture,
            jpeg(80, 60, 900),
            FileKind::Photo,
        ),
    ];
    for (method, why, kind, bytes, arrives_as) in cases {
        let before = stage.sent().len();
        stage.telegram.fault(Target::method(method), refusal(why), 1);
        let buttons = serde_json::json!({ "buttons": [[{ "text": "Yes" }]] });
        let draft = Draft::file(Attachment::new(kind, "x", bytes.clone())).saying("look").markup(buttons);
        let id = stage.attempt(draft).await;
        assert_eq!(stage.outcome(&id).await, Status::Delivered, "{why}");
        let sent = stage.sent().split_off(before);
        assert_eq!(sent[0].file.as_ref().unwrap().kind, arrives_as, "{why}");
        stage.assert_holds(&sent[0], &bytes);
        let texts: Vec<_> = sent.iter().map(|message| (message.text.as_str(), message.keyboard.len())).collect();
        match why {
            why if why.contains("BUTTON") => assert_eq!(texts, [("look\n\n• Yes", 0)]),
            why if why.contains("caption") => assert_eq!(texts, [("", 0), ("look", 1)]),
            _ => assert_eq!(texts, [("look", 1)]),
        }
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_that_have_no_room_below_a_file_come_after_it() {
    let stage = stage().await;
    let buttons = serde_json::json!({ "buttons": [[{ "text": "Yes" }, { "text": "No" }]] });
    let long = "ф".repeat(1020);
    let with_lines = format!("{long}\n\n• Yes\n• No");
    let cases = [
        ("sendPhoto", AttachmentKind::Picture, jpeg(80, 60, 900), FileKind::Photo, long.as_str(), with_lines.as_str()),
        ("sendSticker", AttachmentKind::Sticker, webp(200, 900), FileKind::Sticker, "", "👇\n\n• Yes\n• No"),
    ];
    for (method, kind, bytes, arrives_as, caption, as_lines) in cases {
        for is_text_liked in [true, false] {
            let before = stage.sent().len();
            stage.telegram.fault(Target::method(method), refusal("Bad Request: BUTTON_DATA_INVALID"), 1);
            if !is_text_liked {
                stage.telegram.fault(Target::method("sendMessage"), refusal("Bad Request: BUTTON_DATA_INVALID"), 3);
            }
            let draft = Draft::file(Attachment::new(kind, "x", bytes.clone())).saying(caption).markup(buttons.clone());
            let id = stage.attempt(draft).await;
            assert_eq!(stage.outcome(&id).await, Status::Delivered, "{method}");
            let sent = stage.sent().split_off(before);
            assert_eq!((sent.len(), sent[0].file.as_ref().unwrap().kind), (2, arrives_as), "{method}");
            stage.assert_holds(&sent[0], &bytes);
            let text = as_lines.split("\n\n").next().unwrap();
            let expected = if is_text_liked { (text, 1) } else { (as_lines, 0) };
            assert_eq!((sent[1].text.as_str(), sent[1].keyboard.len()), expected, "{method}");
        }
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_telegram_takes_in_no_form_is_told() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    stage.telegram.fault(Target::method("sendDocument"), refusal("Bad Request: file must be non-empty"), 9);
    let words = "the file is empty";
    stage.assert_fails(file(pdf(100)), words).await;
    assert!(stage.sent().is_empty());
    stage.assert_fails(Draft::file(file(pdf(100))).saying("look"), words).await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["look"]);
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_is_reported_and_not_repeated() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    stage.telegram.fault(Target::method("sendDocument"), Fault::DropAfter, 1);
    stage.assert_fails(file(pdf(100)), "May not have been delivered").await;
    assert_eq!(stage.sent().len(), 1);
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_of_a_file_sends_it_after_the_next_start() {
    let mut stage = stage().await;
    let bytes = pdf(400_000);
    let slow = Serving::Slow { piece_bytes: 70_000, pause: Duration::from_secs(5) };
    let before = stage.kommo.requests().len();
    let id = stage.attempt(file(bytes.clone()).served(slow)).await;
    eventually("the file is fetched", async || stage.kommo.requests().len() > before).await;
    stage.stop_bridge().await;
    stage.kommo.serve_as(&id, Serving::Whole);
    stage.start_bridge().await.unwrap();
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(stage.sent().len(), 1);
    stage.assert_holds(&stage.sent()[0], &bytes);
    stage.finish().await;
}
