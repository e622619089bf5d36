//! Files in the private chats of a person, sent in that person's name.

use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Attachment, AttachmentKind, CaptionOn, Draft, Pace, Status},
    telegram::{ChatMessage, Customer, FileKind},
};

use crate::{
    bridge::samples::{gif, jpeg, mp3, mp4, opus, pdf, webp},
    support::{TestStage, in_telegram, stranger},
};

const SALES: Line = LINES[0];
const OLGA: i64 = 5_000_001;

fn with_olga() -> String {
    format!("tg:sales:{OLGA}/{ANNA}")
}

/// A bridge for a bot that answers in Olga's name, to whom Anna has written. Gives the id of the connection.
async fn connected() -> (TestStage, String) {
    let stage = TestStage::start().await;
    stage.telegram.add_customer(Customer { first_name: "Olga".to_owned(), ..stranger(OLGA) });
    let id = stage.telegram.connect_business(SALES.token, OLGA, &["can_reply", "can_read_messages"]);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "Hello Olga");
    stage.until("Kommo has it", |stage| stage.kommo.chat(&with_olga()).is_some()).await;
    stage.until_settled().await;
    (stage, id)
}

/// What was sent in Olga's name.
fn from_olga(stage: &Harness) -> Vec<ChatMessage> {
    let messages = stage.telegram.business_messages(SALES.token, OLGA, ANNA);
    messages.into_iter().filter(|message| message.from_bot).collect()
}

/// Everything that was sent went by this connection, and by these methods.
fn assert_sent_by(stage: &Harness, connection: &str, methods: &[&str]) {
    let sent: Vec<_> = stage.telegram.requests().into_iter().filter(|it| it.method.starts_with("send")).collect();
    let sent: Vec<_> = sent.into_iter().filter(|it| it.method != "sendchataction").collect();
    assert!(sent.iter().all(|it| it.args["business_connection_id"] == connection), "{sent:#?}");
    assert_eq!(sent.iter().map(|it| it.method.as_str()).collect::<Vec<_>>(), methods);
    assert!(in_telegram(stage, SALES, ANNA).is_empty(), "the bot's own chat with her has none of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_file_goes_out_in_the_owners_name() {
    use AttachmentKind::{Audio, File, Picture, Sticker, Video, Voice};
    let (stage, connection) = connected().await;
    let cases = [
        (Picture, jpeg(800, 600, 3001), FileKind::Photo, "sendphoto"),
        (Picture, gif(3002), FileKind::Animation, "sendanimation"),
        (Video, mp4(3003), FileKind::Video, "sendvideo"),
        (Voice, opus(3004), FileKind::Voice, "sendvoice"),
        (Audio, mp3(3005), FileKind::Audio, "sendaudio"),
        (Sticker, webp(200, 3006), FileKind::Sticker, "sendsticker"),
        (File, pdf(3007), FileKind::Document, "senddocument"),
    ];
    for (n, (kind, bytes, arrives_as, _)) in cases.iter().enumerate() {
        let draft = Draft::file(Attachment::new(*kind, "x.bin", bytes.clone()));
        let (id, hook) = stage.kommo.say(&with_olga(), "Maria", draft).await;
        assert_eq!((hook.status, stage.outcome(&id).await), (Some(200), Status::Delivered), "{kind:?}");
        let sent = from_olga(&stage);
        assert_eq!((sent.len(), sent[n].file.as_ref().unwrap().kind), (n + 1, *arrives_as));
        stage.assert_holds(&sent[n], bytes);
    }
    assert_sent_by(&stage, &connection, &cases.map(|(.., method)| method));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_goes_out_in_the_owners_name() {
    let (stage, connection) = connected().await;
    let photo = |n: usize| jpeg(800, 600, 1000 + n);
    let files = (0..3).map(|n| Attachment::new(AttachmentKind::Picture, format!("{n}.jpg"), photo(n)));
    let drafts = Draft::files(files.collect(), "The hall", CaptionOn::First);
    let said = stage.kommo.say_together(&with_olga(), "Maria", drafts, Pace::InTurn).await;
    for (id, _) in &said {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    let sent = from_olga(&stage);
    assert_eq!(sent.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["The hall", "", ""]);
    assert!(sent[0].media_group_id.is_some() && sent.iter().all(|it| it.media_group_id == sent[0].media_group_id));
    for (n, message) in sent.iter().enumerate() {
        stage.assert_holds(message, &photo(n));
    }
    assert_sent_by(&stage, &connection, &["sendmediagroup"]);
    stage.finish().await;
}
