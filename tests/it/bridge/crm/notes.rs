//! What is written down in contacts.

use telekommo::sandbox::stage::{ANNA, LINES, Line, Stage};

use super::{card, contact, with_account};
use crate::support::in_kommo;

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
async fn a_number_that_is_shared_later_joins_those_that_are_there() {
    let stage = with_account("").await;
    let known = stage.kommo.add_card("Anna of the book", "+1 555 0100");
    stage.telegram.write(SALES.token, ANNA, &super::start(&stage, SALES, known, super::HOUR));
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA).len() == 1).await;
    stage.telegram.share_number(SALES.token, ANNA);
    let phones = |stage: &Stage| card(stage, SALES, ANNA).map(|it| it.fields.phones().join(", ")).unwrap_or_default();
    stage.until("both are there", |stage| phones(stage) == "+1 555 0100, +4915177000111").await;
    stage.telegram.share_number(SALES.token, ANNA);
    stage.until("it came again", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    stage.until_settled().await;
    assert_eq!(phones(&stage), "+1 555 0100, +4915177000111");
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
    stage.kommo.set_amojo_id("11111111-2222-4333-8444-555555555555");
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    stage.begin(SALES, ANNA).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start"]);
    stage.finish().await;
}
