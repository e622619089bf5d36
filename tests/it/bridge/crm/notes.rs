//! What is written down in contacts.

use std::time::Duration;

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::Subject,
};

use super::{HOUR, card, contact, start, with_account};
use crate::support::{TestStage, conversation, eventually, in_kommo};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];

const NOTED: &str = r#"
kommo.username_field = "Telegram"
kommo.contact_tags = ["telegram", "vip"]
"#;

#[tokio::test]
async fn a_contact_gets_the_public_name_and_the_tags_once() {
    let stage = with_account(NOTED).await;
    stage.begin(SALES, ANNA).await;
    let anna = card(&stage, SALES, ANNA).unwrap();
    assert_eq!(anna.fields.texts(3003), ["@annap"]);
    assert_eq!(Vec::from_iter(&anna.tags), ["telegram", "vip"]);
    let asked = stage.kommo.rest_requests().len();
    stage.telegram.write(SALES.token, ANNA, "hello");
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    stage.until_settled().await;
    assert_eq!(stage.kommo.rest_requests().len(), asked);
    stage.finish().await;
}

#[tokio::test]
async fn a_field_that_takes_no_text_costs_nothing_else() {
    let mut stage = with_account(&NOTED.replace("Telegram", "Visits")).await;
    stage.allow_failures();
    stage.telegram.write(SALES.token, ANNA, "hello");
    let tagged = |stage: &Harness| card(stage, SALES, ANNA).is_some_and(|anna| anna.tags.len() == 2);
    stage.until("the rest is noted", tagged).await;
    assert!(card(&stage, SALES, ANNA).unwrap().fields.texts(3004).is_empty());
    stage.parked(0).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_contact_that_comes_without_its_number_is_written_all_the_same() {
    let stage = with_account(NOTED).await;
    let odd = Fault::Status { code: 200, body: r#"{"name":"Anna"}"#.to_owned() };
    stage.kommo.rest_fault(Subject::Contacts, odd, 1);
    stage.begin(SALES, ANNA).await;
    assert_eq!(card(&stage, SALES, ANNA).unwrap().tags.len(), 2);
    stage.finish().await;
}

#[tokio::test]
async fn a_number_that_is_shared_later_joins_those_that_are_there() {
    let stage = with_account("").await;
    let known = stage.kommo.add_card("Anna of the book", "+1 555 0100");
    stage.telegram.write(SALES.token, ANNA, &super::start(&stage, SALES, known, super::HOUR));
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA).len() == 1).await;
    stage.telegram.share_number(SALES.token, ANNA);
    let phones = |stage: &Harness| card(stage, SALES, ANNA).map(|it| it.fields.phones().join(", ")).unwrap_or_default();
    stage.until("both are there", |stage| phones(stage) == "+1 555 0100, +4915177000111").await;
    stage.telegram.share_number(SALES.token, ANNA);
    stage.until("it came again", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    stage.until_settled().await;
    assert_eq!(phones(&stage), "+1 555 0100, +4915177000111");
    stage.finish().await;
}

/// What was asked of the account right before each change.
fn asked_before_changes(stage: &Harness) -> Vec<(String, String)> {
    let asked = stage.kommo.rest_requests();
    let path = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    let changes = asked.windows(2).filter(|pair| pair[1].method == "PATCH");
    changes.map(|pair| (format!("{} {}", pair[0].method, path(&pair[0].path)), path(&pair[1].path))).collect()
}

#[tokio::test]
async fn a_contact_and_a_lead_are_read_right_before_they_are_written() {
    let stage = with_account(&format!("{NOTED}campaigns.summer.utm_source = \"telegram\"\n")).await;
    stage.begin(SALES, ANNA).await;
    let anna = contact(&stage, SALES, ANNA).unwrap();
    for _ in 0..2 {
        stage.kommo.add_deal(anna);
    }
    stage.telegram.write(SALES.token, ANNA, "/start summer");
    let is_noted = |stage: &Harness| stage.kommo.leads().iter().any(|lead| lead.fields.texts(4001) == ["telegram"]);
    stage.until("the campaign is noted", is_noted).await;
    let changes = asked_before_changes(&stage);
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!(changes.iter().all(|(before, change)| *before == format!("GET {change}")), "{changes:?}");
    stage.finish().await;
}

#[tokio::test]
async fn two_customers_of_one_contact_add_their_numbers_one_after_the_other() {
    let stage = with_account("").await;
    let known = stage.kommo.add_card("The Petrovs", "");
    for (line, customer) in [(SALES, ANNA), (SUPPORT, BEN)] {
        let valid = HOUR + Duration::from_secs(customer.unsigned_abs() % 1000);
        stage.telegram.write(line.token, customer, &start(&stage, line, known, valid));
        stage.until("the chat is the contact's", |stage| contact(stage, line, customer) == Some(known)).await;
    }
    stage.until_settled().await;
    let asked = |stage: &Harness| {
        stage.kommo.rest_requests().iter().filter(|request| request.subject == Some(Subject::Contacts)).count()
    };
    let before = asked(&stage);
    // What is first read is long in being written.
    for hang in [Duration::ZERO, Duration::from_secs(2)] {
        stage.kommo.rest_fault(Subject::Contacts, Fault::Hang(hang), 1);
    }
    stage.telegram.share_number(SALES.token, ANNA);
    stage.until("the contact is read", |stage| asked(stage) == before + 1).await;
    stage.telegram.share_number(SUPPORT.token, BEN);
    stage.until("the second is there", |stage| in_kommo(stage, SUPPORT, BEN).len() == 2).await;
    stage.until_settled().await;
    assert_eq!(card(&stage, SALES, ANNA).unwrap().fields.phones().len(), 2);
    stage.finish().await;
}

#[tokio::test]
async fn a_lead_that_does_not_come_holds_up_nothing_about_the_contact() {
    let mut stage = with_account("campaigns.summer.tags = [\"summer\"]\n").await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let lead = stage.kommo.leads()[0].id;
    stage.kommo.close_deal(lead);
    stage.telegram.write(SALES.token, ANNA, "/start summer");
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    stage.telegram.share_number(SALES.token, ANNA);
    let phones = |stage: &Harness| card(stage, SALES, ANNA).is_some_and(|card| card.fields.phones().len() == 1);
    stage.until("the number is noted", phones).await;
    let open = stage.kommo.add_deal(contact(&stage, SALES, ANNA).unwrap());
    let tagged = |stage: &Harness| stage.kommo.leads().into_iter().find(|it| it.id == open).unwrap().tags;
    stage.until("the campaign is noted", |stage| tagged(stage).contains("summer")).await;
    assert!(stage.kommo.leads().iter().all(|it| it.id == open || it.tags.is_empty()), "lost is lost");
    stage.finish().await;
}

/// Asks the bridge for what `telekommo chats link` asks for.
async fn link(stage: &TestStage, line: Line, customer: i64, contact: u64) {
    let name = conversation(line, customer);
    let is_known = async || stage.store().chat(&name.parse().unwrap()).unwrap().is_some();
    eventually("the bridge knows the chat", is_known).await;
    let url = format!("http://localhost/chats/link?conversation={name}&contact={contact}");
    let answer = stage.commands().post(url).send().await.expect("it answers");
    assert_eq!(answer.status(), 204);
}

#[tokio::test]
async fn what_is_still_to_be_noted_holds_up_no_repair_and_follows_it() {
    let mut stage = with_account(NOTED).await;
    stage.allow_failures();
    stage.kommo.make_cards_after(usize::MAX);
    stage.telegram.write(SALES.token, ANNA, "hello");
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA) == ["hello"]).await;
    let known = stage.kommo.add_card("Anna of the book", "");
    link(&stage, SALES, ANNA, known).await;
    stage.until("the chat has moved", |stage| contact(stage, SALES, ANNA) == Some(known)).await;
    stage.until("the tags follow", |stage| card(stage, SALES, ANNA).is_some_and(|card| card.tags.len() == 2)).await;
    stage.finish().await;
}

#[tokio::test]
async fn who_writes_to_a_second_bot_before_kommo_knows_them_is_one_contact_in_the_end() {
    let mut stage = with_account("").await;
    stage.allow_failures();
    stage.kommo.make_cards_after(5);
    stage.begin(SALES, ANNA).await;
    stage.telegram.write(SUPPORT.token, ANNA, "hello");
    stage.until("it is there", |stage| in_kommo(stage, SUPPORT, ANNA) == ["hello"]).await;
    let is_one =
        |stage: &Harness| contact(stage, SALES, ANNA).is_some_and(|it| contact(stage, SUPPORT, ANNA) == Some(it));
    stage.until("both chats are one contact's", is_one).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_repair_ends_the_wait_for_the_contact_of_another_chat() {
    let mut stage = with_account("").await;
    stage.allow_failures();
    stage.kommo.make_cards_after(usize::MAX);
    stage.begin(SALES, ANNA).await;
    stage.telegram.write(SUPPORT.token, ANNA, "hello");
    stage.until("it is there", |stage| in_kommo(stage, SUPPORT, ANNA) == ["hello"]).await;
    let known = stage.kommo.add_card("Anna of the book", "");
    link(&stage, SUPPORT, ANNA, known).await;
    stage.until("the chat has moved", |stage| contact(stage, SUPPORT, ANNA) == Some(known)).await;
    stage.finish().await;
}

#[tokio::test]
async fn who_shares_a_number_is_known_by_it_where_the_other_chat_has_no_contact() {
    let mut stage = with_account("telegram.ask_phone = \"on_start\"\n").await;
    stage.allow_leftovers();
    stage.telegram.write(SALES.token, ANNA, "hello");
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA) == ["hello"]).await;
    stage.kommo.delete_card(contact(&stage, SALES, ANNA).unwrap());
    let known = stage.kommo.add_card("Anna of the book", "+4915177000111");
    stage.telegram.write(SUPPORT.token, ANNA, "/start");
    stage.until("she is asked", |stage| stage.telegram.reply_keyboard(SUPPORT.token, ANNA).is_some()).await;
    stage.telegram.press_key(SUPPORT.token, ANNA, 0, 0);
    stage.until("Kommo has both", |stage| in_kommo(stage, SUPPORT, ANNA).len() == 2).await;
    assert_eq!(contact(&stage, SUPPORT, ANNA), Some(known));
    stage.finish().await;
}

#[tokio::test]
async fn a_contact_that_kommo_does_not_show_yet_is_the_second_chats_too() {
    let mut stage = with_account(NOTED).await;
    stage.allow_failures();
    stage.kommo.show_incoming(false);
    for line in [SALES, SUPPORT] {
        stage.telegram.write(line.token, ANNA, "hello");
        stage.until("it is there", |stage| in_kommo(stage, line, ANNA) == ["hello"]).await;
    }
    assert_eq!(contact(&stage, SALES, ANNA), contact(&stage, SUPPORT, ANNA));
    assert_eq!((stage.kommo.cards().len(), stage.store().parked(10).unwrap().len()), (1, 0));
    stage.kommo.accept(stage.kommo.leads()[0].id);
    stage.until("the tags are there", |stage| card(stage, SALES, ANNA).is_some_and(|card| card.tags.len() == 2)).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_person_who_writes_to_two_bots_is_one_contact() {
    let stage = with_account("").await;
    stage.begin(SALES, ANNA).await;
    stage.begin(SUPPORT, ANNA).await;
    assert_eq!(contact(&stage, SALES, ANNA), contact(&stage, SUPPORT, ANNA));
    assert_eq!(stage.kommo.cards().len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn a_foreign_account_is_noticed_and_takes_nothing_with_it() {
    let mut stage = with_account(NOTED).await;
    stage.allow_leftovers();
    stage.kommo.set_amojo_id("11111111-2222-4333-8444-555555555555");
    stage.stop_bridge().await;
    let before = stage.kommo.rest_requests().len();
    stage.start_bridge().await.unwrap();
    let known = stage.kommo.add_card("Anna of the book", "");
    stage.telegram.write(SALES.token, ANNA, &start(&stage, SALES, known, HOUR));
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA) == ["/start"]).await;
    stage.until_ready_says(503, &["account has paused", "the token is for the account 11111111"]).await;
    assert_ne!(contact(&stage, SALES, ANNA), Some(known));
    assert!(stage.kommo.cards().iter().all(|card| card.tags.is_empty()));
    let asked = stage.kommo.rest_requests().split_off(before);
    assert!(asked.iter().all(|request| request.subject == Some(Subject::Account)), "{asked:?}");
    stage.finish().await;
}
