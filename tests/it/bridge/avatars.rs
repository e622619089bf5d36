//! Customers' pictures of themselves, and files that Kommo does not take.

use std::time::Duration;

use axum::body::Bytes;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Avatar, Endpoint, Message},
    telegram::{Customer, FileKind, GroupKind, NewFile, NewGroup, Target},
};

use crate::support::{TestStage, conversation, in_kommo};

const SALES: Line = LINES[0];
const TEAM: i64 = -42;
const FACE: &[u8] = b"a face";
const ASKS: &str = "getUserProfilePhotos";

fn avatar(stage: &Harness, customer: i64) -> Option<Avatar> {
    stage.kommo.chat(&conversation(SALES, customer))?.contact.avatar
}

/// How often the bot has asked for this.
fn asked(stage: &Harness, method: &str) -> usize {
    stage.telegram.requests().iter().filter(|it| it.method.eq_ignore_ascii_case(method)).count()
}

fn show(stage: &Harness, picture: &'static [u8]) {
    stage.telegram.set_avatar(ANNA, Some(Bytes::from_static(picture)));
}

fn rename(stage: &Harness, first_name: &str) {
    let anna = stage.telegram.customers().into_iter().find(|it| it.id == ANNA).unwrap();
    stage.telegram.add_customer(Customer { first_name: first_name.to_owned(), ..anna });
}

impl TestStage {
    /// Anna writes, and it arrives.
    async fn hears(&self, text: &str) {
        self.telegram.write(SALES.token, ANNA, text);
        self.until("it arrives", |stage| in_kommo(stage, SALES, ANNA).iter().any(|it| it == text)).await;
    }

    /// What Kommo has fetched as the picture of a customer.
    async fn fetched(&self, customer: i64) -> (String, Bytes) {
        let fetched = |stage: &Harness| Some((avatar(stage, customer)?.url, avatar(stage, customer)?.fetched?));
        self.until("Kommo has fetched the picture", |stage| fetched(stage).is_some()).await;
        let (url, fetched) = fetched(self).unwrap();
        assert_eq!((fetched.status, fetched.content_type.as_str()), (Some(200), "image/jpeg"));
        (url, fetched.bytes)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_picture_is_asked_for_once_and_shown_with_every_message() {
    let mut stage = TestStage::start().await;
    show(&stage, FACE);
    stage.hears("one").await;
    let (url, bytes) = stage.fetched(ANNA).await;
    assert_eq!(bytes, FACE);
    stage.hears("two").await;
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    stage.hears("three").await;
    assert_eq!(asked(&stage, ASKS), 1);
    let paths = [url, avatar(&stage, ANNA).unwrap().url].map(|url| url.splitn(4, '/').last().unwrap().to_owned());
    assert_eq!(paths[0], paths[1], "only the port differs after the restart");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_name_is_a_reason_to_look_again_and_the_same_picture_keeps_its_link() {
    let stage = TestStage::start().await;
    show(&stage, FACE);
    stage.hears("one").await;
    let (url, _) = stage.fetched(ANNA).await;
    rename(&stage, "Annabel");
    stage.hears("two").await;
    assert_eq!((asked(&stage, ASKS), &avatar(&stage, ANNA).unwrap().url), (2, &url));

    show(&stage, b"another face");
    rename(&stage, "Anna");
    stage.hears("three").await;
    let (other, bytes) = stage.fetched(ANNA).await;
    assert_eq!(bytes, &b"another face"[..]);
    assert_ne!(other, url);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_without_a_picture_where_there_is_none() {
    let stage = TestStage::start().await;
    stage.hears("one").await;
    stage.hears("two").await;
    assert_eq!((asked(&stage, ASKS), avatar(&stage, ANNA)), (1, None));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telegram_that_does_not_answer_holds_up_no_message() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    show(&stage, FACE);
    let hang = Fault::Hang(Duration::from_mins(1));
    stage.telegram.fault(Target::method(ASKS), hang, 1);
    stage.hears("one").await;
    // Nor is it asked again at once; now it would answer.
    stage.hears("two").await;
    assert_eq!(avatar(&stage, ANNA), None);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_shown_by_its_photo() {
    let stage = TestStage::with("telegram.groups = \"relay\"\n").await;
    stage.telegram.set_reads_all(SALES.token, true);
    let group = NewGroup { id: TEAM, kind: GroupKind::Group, title: "Team".to_owned(), members: vec![ANNA] };
    stage.telegram.add_group(SALES.token, group);
    stage.telegram.set_group_photo(SALES.token, TEAM, Some(Bytes::from_static(FACE)));
    stage.telegram.write_in_group(SALES.token, TEAM, ANNA, "when?");
    stage.until("it arrives", |stage| !in_kommo(stage, SALES, TEAM).is_empty()).await;
    assert_eq!(stage.fetched(TEAM).await.1, FACE);
    assert_eq!(asked(&stage, "getChat"), 1);
    stage.finish().await;
}

fn refusal() -> Fault {
    Fault::Status { code: 400, body: r#"{"type":"ValidationError","title":"Bad Request","detail":"no"}"#.to_owned() }
}

fn messages(stage: &Harness) -> Vec<Message> {
    stage.kommo.chat(&conversation(SALES, ANNA)).map(|chat| chat.messages).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_not_lost_with_a_picture_that_kommo_does_not_take() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    show(&stage, FACE);
    stage.kommo.fault(Endpoint::Message, refusal(), 1);
    stage.hears("one").await;
    assert_eq!(avatar(&stage, ANNA), None);
    stage.hears("two").await;
    assert_eq!(stage.fetched(ANNA).await.1, FACE);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_kommo_does_not_take_is_told_with_its_link() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.kommo.fault(Endpoint::Message, refusal(), 1);
    let (kind, bytes) = (FileKind::Document, Bytes::from(vec![7; 3000]));
    let (name, caption) = (Some("plan.pdf".to_owned()), Some("please sign".to_owned()));
    stage.telegram.send_file(SALES.token, ANNA, &NewFile { kind, bytes: bytes.clone(), name, caption });
    stage.until("the text is there", |stage| messages(stage).len() == 1).await;
    let message = messages(&stage).pop().unwrap();
    let lines: Vec<_> = message.text.lines().collect();
    assert_eq!((message.kind.as_str(), lines[0], lines[2]), ("text", "[file \"plan.pdf\" of 3 KB]", "please sign"));
    assert!(reqwest::get(lines[1]).await.unwrap().bytes().await.unwrap() == bytes);
    // It was one message all the time.
    stage.until_settled().await;
    let ids = || stage.kommo.requests().into_iter().filter_map(|it| it.body.contains("msgid").then_some(it.body));
    assert_eq!(ids().filter(|body| body.contains(":1\"")).count(), 2);
    stage.finish().await;
}
