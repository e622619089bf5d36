//! Files from managers: the same bytes on both ends, each as what it is.

use std::time::Duration;

use serde_json::json;
use telekommo::sandbox::{
    harness::{ANNA, LINES, Line},
    kommo::{Attachment, AttachmentKind, Draft, FileAddress, FileNames, Serving, Status},
    telegram::{ChatMessage, FileKind},
};

use crate::{
    bridge::samples::{gif, jpeg, mp3, mp4, noise, opus, pdf, webp},
    support::{TestStage, conversation},
};

const SALES: Line = LINES[0];

impl TestStage {
    /// What the bot has sent.
    pub(crate) fn sent(&self) -> Vec<ChatMessage> {
        let messages = self.telegram.messages(SALES.token, ANNA);
        messages.into_iter().filter(|message| message.from_bot).collect()
    }

    /// A manager says something, and it is delivered as these messages.
    async fn delivered(&self, draft: Draft) -> Vec<ChatMessage> {
        let before = self.sent().len();
        let (id, hook) = self.kommo.say(&conversation(SALES, ANNA), "Maria", draft).await;
        assert_eq!(hook.status, Some(200));
        assert_eq!(self.outcome(&id).await, Status::Delivered);
        self.sent().split_off(before)
    }

    /// The same, of one file that arrives as one message, byte by byte.
    async fn arrives(&self, file: Attachment, bytes: &[u8]) -> ChatMessage {
        let mut messages = self.delivered(Draft::file(file)).await;
        assert_eq!(messages.len(), 1, "{messages:#?}");
        let message = messages.remove(0);
        self.assert_holds(&message, bytes);
        message
    }

    pub(crate) fn assert_holds(&self, message: &ChatMessage, bytes: &[u8]) {
        let file = message.file.as_ref().expect("a message with a file");
        let arrived = self.telegram.file(&file.file_id).expect("Telegram has it");
        assert!(arrived == bytes, "{file:?}: other bytes arrived, {} of {}", arrived.len(), bytes.len());
    }
}

fn kind(message: &ChatMessage) -> FileKind {
    message.file.as_ref().unwrap().kind
}

fn name(message: &ChatMessage) -> Option<&str> {
    message.file.as_ref().unwrap().name.as_deref()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_every_kind_arrive_byte_by_byte() {
    use AttachmentKind::{Audio, File, Picture, Sticker, Video, Voice};
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let cases = [
        (Picture, jpeg(800, 600, 3001), FileKind::Photo),
        (Picture, jpeg(9000, 2000, 3002), FileKind::Document),
        (Picture, jpeg(2100, 100, 3003), FileKind::Document),
        (Picture, pdf(3004), FileKind::Document),
        (Picture, gif(3005), FileKind::Animation),
        (Picture, jpeg(800, 600, (10 << 20) + 1), FileKind::Document),
        (Video, mp4(200_000), FileKind::Video),
        (Video, pdf(3006), FileKind::Document),
        (Voice, opus(3007), FileKind::Voice),
        (Voice, mp3(3008), FileKind::Audio),
        (Voice, pdf(3009), FileKind::Document),
        (Audio, mp3(3010), FileKind::Audio),
        (Sticker, webp(200, 3011), FileKind::Sticker),
        (Sticker, jpeg(300, 300, 3012), FileKind::Photo),
        (File, pdf(100_000), FileKind::Document),
        (File, jpeg(800, 600, 3013), FileKind::Document),
        (File, gif(3014), FileKind::Document),
    ];
    for (sent_as, bytes, arrives_as) in cases {
        let message = stage.arrives(Attachment::new(sent_as, "x.bin", bytes.clone()), &bytes).await;
        assert_eq!((kind(&message), message.text.as_str()), (arrives_as, ""), "{sent_as:?} of {}", bytes.len());
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_kept_whether_kommo_tells_them_or_not() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    for habit in [FileNames::Blank, FileNames::Present] {
        stage.kommo.quirks(|quirks| quirks.file_names = habit);
        for (given, kept) in [
            ("Договор 📄 №7.pdf", "Договор 📄 №7.pdf"),
            ("100% \"off\"; a+b&c=d.pdf", "100% \"off\"; a+b&c=d.pdf"),
            ("\u{202e}fdp.exe", "_fdp.exe"),
            ("../a/b\\c\u{1}.pdf", "_a_b_c_.pdf"),
            ("\u{200f}\u{2067}שלום.pdf", "__שלום.pdf"),
            ("no ending", "no ending"),
        ] {
            let file = Attachment::new(AttachmentKind::File, given, pdf(500));
            let message = stage.arrives(file, &pdf(500)).await;
            assert_eq!(name(&message), Some(kept), "{habit:?}");
        }
    }
    stage.kommo.quirks(|quirks| quirks.files = FileAddress::Newer);
    let message = stage.arrives(Attachment::new(AttachmentKind::File, "a b.pdf", pdf(500)), &pdf(500)).await;
    assert_eq!(name(&message), Some("a b.pdf"), "at /v2/ACCOUNT/attachments/");
    let picture = jpeg(9000, 9000, 500);
    let message = stage.arrives(Attachment::new(AttachmentKind::Picture, "scan", picture.clone()), &picture).await;
    assert_eq!(name(&message), Some("scan.jpg"), "an ending by which it can be opened");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_goes_with_its_file_if_it_fits() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let picture = || Draft::file(Attachment::new(AttachmentKind::Picture, "x.jpg", jpeg(80, 60, 500)));
    let buttons = json!({ "mode": "inline", "buttons": [[{ "text": "Yes" }]] });
    let fitting = "ф".repeat(1024);

    let said = stage.delivered(picture().saying(&fitting).markup(buttons.clone())).await;
    assert_eq!((said.len(), said[0].text.as_str(), said[0].keyboard.len()), (1, fitting.as_str(), 1));

    let long = format!("{fitting} and more");
    let said = stage.delivered(picture().saying(&long).markup(buttons)).await;
    let texts: Vec<_> = said.iter().map(|message| (message.text.as_str(), message.keyboard.len())).collect();
    assert_eq!(texts, [("", 0), (long.as_str(), 1)]);
    assert!(said[0].file.is_some() && said[1].file.is_none());

    let said = stage.delivered(picture().saying(" \n\u{a0}")).await;
    assert_eq!((said.len(), said[0].text.as_str()), (1, ""));

    let sticker = Attachment::new(AttachmentKind::Sticker, "s.webp", webp(200, 500));
    let said = stage.delivered(Draft::file(sticker).saying("Hi")).await;
    assert_eq!((said.len(), kind(&said[0]), said[1].text.as_str()), (2, FileKind::Sticker, "Hi"));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_answers_what_its_message_answers() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let asked = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap().messages[0].id.clone();
    let file = Attachment::new(AttachmentKind::File, "x.pdf", pdf(500));
    let said = stage.delivered(Draft::file(file).answering(asked)).await;
    let start = stage.telegram.messages(SALES.token, ANNA)[0].message_id;
    assert_eq!(said[0].reply_to, Some(start));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_unknown_length_or_slow_pace_arrives() {
    let stage = TestStage::with("telegram.send_timeout = \"2s\"\n").await;
    stage.begin(SALES, ANNA).await;
    let bytes = jpeg(800, 600, 300_000);
    let photo = |serving| Attachment::new(AttachmentKind::Picture, "x.jpg", bytes.clone()).served(serving);
    stage.arrives(photo(Serving::WithoutLength), &bytes).await;
    // Longer than a call may take, but never silent for as long.
    let slow = Serving::Slow { piece_bytes: 100_000, pause: Duration::from_millis(900) };
    let arrives = stage.arrives(photo(slow), &bytes);
    let shown = stage.until("the customer sees that a photo comes", |stage| {
        stage.telegram.bot_action(SALES.token, ANNA).as_deref() == Some("upload_photo")
    });
    tokio::join!(arrives, shown);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_that_grows_too_large_on_its_way_goes_as_a_document() {
    let mut stage = TestStage::start().await;
    // Telegram sees half a photo first.
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let bytes = jpeg(800, 600, (10 << 20) + 1);
    let file = Attachment::new(AttachmentKind::Picture, "x.jpg", bytes.clone()).served(Serving::WithoutLength);
    let message = stage.arrives(file, &bytes).await;
    assert_eq!(kind(&message), FileKind::Document);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_any_type_is_a_file() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let bytes = noise(70_000);
    let draft = Draft::file(Attachment::new(AttachmentKind::File, "x", bytes.clone())).with("type", "hologram");
    let said = stage.delivered(draft).await;
    assert_eq!((said.len(), kind(&said[0])), (1, FileKind::Document));
    stage.assert_holds(&said[0], &bytes);
    stage.finish().await;
}
