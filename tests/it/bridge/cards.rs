//! What managers send that is neither a text nor a file.

use serde_json::{Value, json};
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, LINES, Line},
    kommo::{Attachment, AttachmentKind, Draft, Status},
    telegram::{ChatMessage, FileKind, NewFile, Target},
};

use crate::{
    bridge::samples::{jpeg, pdf},
    support::{TestStage, conversation},
};

const SALES: Line = LINES[0];

impl TestStage {
    /// A manager says something, and all of it arrives. Gives what the customer sees of it.
    async fn shown(&self, draft: Draft) -> Vec<ChatMessage> {
        let before = self.telegram.messages(SALES.token, ANNA).len();
        let (id, hook) = self.kommo.say(&conversation(SALES, ANNA), "Maria", draft).await;
        assert_eq!(hook.status, Some(200));
        assert_eq!(self.outcome(&id).await, Status::Delivered);
        self.telegram.messages(SALES.token, ANNA).split_off(before)
    }
}

fn piece(message: &ChatMessage) -> Value {
    message.piece.as_ref().map(|piece| json!({ &piece.field: piece.value })).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_and_people_are_shown_as_such() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let place = json!({ "lon": 2.3522, "lat": 48.8566 });
    let buttons = json!({ "buttons": [[{ "text": "Coming" }]] });
    let shown =
        stage.shown(Draft::text("We are here").of_type("location").markup(buttons).with("location", place)).await;
    let [pin, text] = &shown[..] else { panic!("{shown:?}") };
    assert_eq!(piece(pin), json!({ "location": { "latitude": 48.8566, "longitude": 2.3522 } }));
    assert_eq!((text.text.as_str(), text.keyboard.len()), ("We are here", 1));

    let card = json!({ "name": "Bob", "phone": "+15550101" });
    let shown = stage.shown(Draft::text("").of_type("contact").with("contact", card)).await;
    let [card] = &shown[..] else { panic!("{shown:?}") };
    assert_eq!(piece(card), json!({ "contact": { "phone_number": "+15550101", "first_name": "Bob" } }));

    let card = json!({ "name": "Bob", "phone": "+15550101, +15550102" });
    let shown = stage.shown(Draft::text("").of_type("contact").with("contact", card)).await;
    let [card] = &shown[..] else { panic!("{shown:?}") };
    let vcard = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:;Bob;;;\r\nFN:Bob\r\nTEL;TYPE=CELL:+15550101\r\n\
                 TEL;TYPE=CELL:+15550102\r\nEND:VCARD\r\n";
    let want = json!({ "phone_number": "+15550101", "first_name": "Bob", "vcard": vcard });
    assert_eq!(piece(card), json!({ "contact": want }));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_telegram_does_not_take_is_a_text() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: PHONE_NUMBER_INVALID"}"#.to_owned();
    stage.telegram.fault(Target::method("sendContact"), Fault::Status { code: 400, body }, 1);
    let card = json!({ "name": "Bob", "phone": "call me" });
    let shown = stage.shown(Draft::text("").of_type("contact").with("contact", card)).await;
    let [card] = &shown[..] else { panic!("{shown:?}") };
    assert_eq!(card.text, "Bob, call me");
    stage.finish().await;
}

/// Without all of its numbers in it, a card would show the first one alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_with_more_numbers_than_fit_is_a_text() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let name = "Bob ".repeat(250);
    let card = json!({ "name": name.trim(), "phone": "+15550101, +15550102" });
    let shown = stage.shown(Draft::text("").of_type("contact").with("contact", card)).await;
    let [card] = &shown[..] else { panic!("{shown:?}") };
    assert!(card.text.starts_with("Bob Bob") && card.text.ends_with("Bob, +15550101, +15550102"), "{card:?}");
    // One number needs no room.
    let card = json!({ "name": name.trim(), "phone": "+15550101" });
    let shown = stage.shown(Draft::text("").of_type("contact").with("contact", card)).await;
    let [card] = &shown[..] else { panic!("{shown:?}") };
    assert_eq!(piece(card)["contact"]["phone_number"], "+15550101");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_manager_passes_on_is_quoted() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let chat = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
    let shown = stage.shown(Draft::text("See above").forwarding([chat.messages[0].id.as_str()])).await;
    let texts: Vec<_> = shown.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, [format!("> {}:\n> /start\n\nSee above", chat.contact.name)]);
    stage.finish().await;
}

/// A customer's own file, which Kommo may have under our link, and one of a manager's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_a_manager_passes_on_come_along() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let photo = NewFile { kind: FileKind::Photo, bytes: jpeg(800, 600, 1500), name: None, caption: None };
    stage.telegram.send_file(SALES.token, ANNA, &photo);
    stage
        .until("Kommo has it", |stage| stage.kommo.chat(&conversation(SALES, ANNA)).unwrap().messages.len() == 2)
        .await;
    stage.until_settled().await;
    stage.shown(Draft::file(Attachment::new(AttachmentKind::File, "prices.pdf", pdf(700)))).await;
    let chat = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
    let ids = [chat.messages[1].id.as_str(), chat.messages[2].id.as_str()];
    let shown = stage.shown(Draft::text("See both").forwarding(ids)).await;
    let [text, first, second] = &shown[..] else { panic!("{shown:?}") };
    assert!(text.text.ends_with("\n\nSee both") && text.text.contains("> [file]"), "{}", text.text);
    let kinds = [first, second].map(|message| message.file.as_ref().map(|file| file.kind));
    assert_eq!(kinds, [Some(FileKind::Photo), Some(FileKind::Document)]);
    // One that does not come along is told, and so is that all else did.
    let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: FILE_REFERENCE_EMPTY"}"#.to_owned();
    stage.telegram.fault(Target::method("sendDocument"), Fault::Status { code: 400, body }, 1);
    let prices = Draft::text("Again").forwarding([ids[1]]);
    let (id, _) = stage.kommo.say(&conversation(SALES, ANNA), "Maria", prices).await;
    let Status::Failed { text, .. } = stage.outcome(&id).await else { panic!("it was refused") };
    assert!(text.ends_with("The customer has got the rest of the message."), "{text}");
    stage.parked(1).await;
    stage.finish().await;
}
