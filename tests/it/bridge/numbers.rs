//! Phone numbers as people write them: whose contact it is, and whom a manager reaches.

use serde_json::json;
use telekommo::sandbox::{
    harness::{Harness, LINES, Line},
    kommo::Status,
    telegram::{Customer, Piece},
};

use super::crm::{contact, with_account};
use crate::support::{TestStage, in_kommo, in_telegram};

const SALES: Line = LINES[0];

/// A customer opens the bot by sharing this number, which Telegram says is theirs.
fn share(stage: &Harness, customer: i64, phone: &str) {
    let name = format!("Customer {customer}");
    let card =
        Customer { id: customer, first_name: name.clone(), last_name: None, username: None, language_code: None };
    stage.telegram.add_customer(card);
    let value = json!({ "phone_number": phone, "first_name": name, "user_id": customer });
    stage.telegram.send_piece(SALES.token, customer, Piece { field: "contact".to_owned(), value });
}

/// Lets a customer share a number, and waits until everything is done.
async fn introduce(stage: &TestStage, customer: i64, phone: &str) {
    share(stage, customer, phone);
    stage.until("the card is there", |stage| in_kommo(stage, SALES, customer).len() == 1).await;
    stage.until_settled().await;
}

fn phones(stage: &Harness, contact: u64) -> Vec<String> {
    let card = stage.kommo.card(contact).unwrap();
    card.fields.phones().into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_contact_is_found_however_its_number_is_written() {
    let stage = with_account("").await;
    let known = [
        ("+7 (999) 111-00-01", "79991110001"),
        ("8 (999) 111-00-02", "+79991110002"),
        ("89991110004", "79991110004"),
        ("9991110003", "79991110003"),
        ("+7 999 111-00-06 ext. 12", "79991110006"),
        ("+55 11 91234-5678", "5511912345678"),
        ("(11) 91234-5679", "5511912345679"),
        ("+54 9 11 2345-6788", "5491123456788"),
        ("011 15 2345-6789", "5491123456789"),
        ("+52 1 55 1234 5678", "525512345678"),
        ("044 55 1234 5679", "5215512345679"),
    ];
    let cards = known.map(|(written, _)| stage.kommo.add_card(written, written));
    for ((customer, (written, shared)), card) in (500..).zip(known).zip(cards) {
        introduce(&stage, customer, shared).await;
        assert_eq!(contact(&stage, SALES, customer), Some(card), "{written} is {shared}");
        assert_eq!(phones(&stage, card), [written], "the number is not added in another way to write it");
    }
    assert_eq!(stage.kommo.cards().len(), known.len());
    stage.finish().await;
}

#[tokio::test]
async fn a_contact_with_a_number_that_is_merely_alike_stays_alone() {
    let stage = with_account("").await;
    for written in ["111-00-02", "+1 999 111 00 02", "+7 999 111-00-03", "899911100021", "+91 99911 10002"] {
        stage.kommo.add_card(written, written);
    }
    let [one, other] = ["8 999 111-00-05", "+7 (999) 111-00-05"].map(|written| stage.kommo.add_card(written, written));
    introduce(&stage, 500, "79991110002").await;
    introduce(&stage, 501, "79991110005").await;
    let made = [500, 501].map(|customer| contact(&stage, SALES, customer).unwrap());
    assert!(made.iter().all(|made| phones(&stage, *made)[0].starts_with("+7")), "each has a contact of its own");
    assert!(!made.contains(&one) && !made.contains(&other), "two contacts have the number, so neither gets the chat");
    stage.finish().await;
}

#[tokio::test]
async fn the_contact_is_looked_for_on_every_page() {
    let stage = with_account("").await;
    // In Argentina few digits stand together in each way to write a number.
    for n in 0..300 {
        stage.kommo.add_card("somebody", &format!("+54 9 11 2345-6789 {n:03}"));
    }
    let card = stage.kommo.add_card("Ana", "011 15 2345-6789");
    introduce(&stage, 500, "5491123456789").await;
    assert_eq!(contact(&stage, SALES, 500), Some(card));
    stage.finish().await;
}

/// A manager writes first to a number as it is written. Gives what came of it, and the chats where it arrived.
async fn write_first(stage: &TestStage, written: &str) -> (Status, Vec<i64>) {
    let (id, answer) = stage.kommo.write_first(written, SALES.source, written).await;
    assert_eq!(answer.status, Some(200));
    let outcome = stage.outcome(&id).await;
    let has_it = |customer: &i64| in_telegram(stage, SALES, *customer).iter().any(|text| text == written);
    (outcome, (500..504).filter(has_it).collect())
}

#[tokio::test]
async fn a_manager_reaches_the_customer_however_the_number_is_written() {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    for (customer, phone) in
        [(500, "79991110002"), (501, "5215512345678"), (502, "5491123456789"), (503, "919991110002")]
    {
        introduce(&stage, customer, phone).await;
    }
    for (written, customer) in [
        ("+7 (999) 111-00-02", 500),
        ("tel:+79991110002", 500),
        ("8 (999) 111-00-02", 500),
        ("89991110002", 500),
        ("79991110002", 500),
        ("+7 999 111-00-02 доб. 12", 500),
        ("+52 55 1234 5678", 501),
        ("55 1234 5678", 501),
        ("011 15 2345-6789", 502),
        ("099911 10002", 503),
    ] {
        assert_eq!(write_first(&stage, written).await, (Status::Delivered, vec![customer]), "{written}");
    }
    for written in ["9991110002", "1110002", "+7 999 111-00-03", "+9 999 111-00-02"] {
        let (outcome, reached) = write_first(&stage, written).await;
        assert!(matches!(outcome, Status::Failed { code: 904, .. }), "{written}: {outcome:?}");
        assert_eq!(reached, Vec::<i64>::new(), "{written}");
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_number_without_a_country_code_is_that_of_the_operators_country() {
    for (region, customer) in [("RU", 500), ("IN", 501)] {
        let stage = TestStage::with(&format!("telegram.phone_region = \"{region}\"\n")).await;
        introduce(&stage, 500, "79991110002").await;
        introduce(&stage, 501, "919991110002").await;
        assert_eq!(write_first(&stage, "9991110002").await, (Status::Delivered, vec![customer]), "{region}");
        stage.finish().await;
    }
}
