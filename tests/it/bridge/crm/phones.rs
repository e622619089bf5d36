//! The question for a phone number.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::{Endpoint, Subject},
    telegram::Asks,
};

use super::{contact, with_account};
use crate::support::{TestStage, conversation, in_kommo, in_telegram};

const SALES: Line = LINES[0];

const ASKING: &str = "telegram.ask_phone = \"on_start\"\n";

fn is_asked(stage: &Harness, customer: i64) -> bool {
    let keyboard = stage.telegram.reply_keyboard(SALES.token, customer);
    keyboard.is_some_and(|it| it.rows[0][0].asks == Some(Asks::Contact) && it.is_one_time && it.is_resized)
}

/// The customer starts the bot and is asked; Kommo has nothing of it yet.
async fn ask(stage: &TestStage, customer: i64) {
    stage.telegram.write(SALES.token, customer, "/start");
    stage.until("the customer is asked", |stage| is_asked(stage, customer)).await;
}

/// Ends a test in which a job still waits for the time of a `/start` that is not held any more.
async fn finish(mut stage: TestStage) {
    stage.allow_leftovers();
    assert_eq!(stage.store().parked(10).unwrap(), []);
    stage.finish().await;
}

#[tokio::test]
async fn who_shares_a_number_that_a_contact_has_is_that_contact() {
    let stage = with_account(ASKING).await;
    let ben = stage.kommo.add_card("Ben of the book", "+49 (151) 77 000-222");
    let longer = stage.kommo.add_card("Somebody else", "+49151770002229");
    ask(&stage, BEN).await;
    stage.telegram.press_key(SALES.token, BEN, 0, 0);
    stage.until("Kommo has both", |stage| in_kommo(stage, SALES, BEN).len() == 2).await;
    assert_eq!(in_kommo(&stage, SALES, BEN)[0], "/start");
    assert_eq!(contact(&stage, SALES, BEN), Some(ben));
    assert!(stage.kommo.cards().iter().all(|card| [ben, longer].contains(&card.id)));
    let said = in_telegram(&stage, SALES, BEN);
    assert_eq!(said.last().map(String::as_str), Some("Thank you!"), "{said:?}");
    assert_eq!(stage.telegram.reply_keyboard(SALES.token, BEN), None);
    finish(stage).await;
}

#[tokio::test]
async fn a_number_of_nobody_or_of_several_makes_a_contact_as_ever() {
    let stage = with_account(ASKING).await;
    let twins = ["one", "two"].map(|name| stage.kommo.add_card(name, "+49 151 77000111"));
    ask(&stage, ANNA).await;
    stage.telegram.press_key(SALES.token, ANNA, 0, 0);
    ask(&stage, BEN).await;
    stage.telegram.press_key(SALES.token, BEN, 0, 0);
    stage.until("both are there", |stage| [ANNA, BEN].iter().all(|it| in_kommo(stage, SALES, *it).len() == 2)).await;
    for customer in [ANNA, BEN] {
        let contact = contact(&stage, SALES, customer);
        assert!(contact.is_some_and(|it| !twins.contains(&it)), "{contact:?}");
    }
    finish(stage).await;
}

#[tokio::test]
async fn who_writes_instead_is_heard_at_once_and_in_order() {
    let stage = with_account(ASKING).await;
    ask(&stage, ANNA).await;
    assert!(in_kommo(&stage, SALES, ANNA).is_empty());
    stage.telegram.write(SALES.token, ANNA, "How much is it?");
    stage.until("both are there", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "How much is it?"]).await;
    // Nobody is asked twice.
    let said = in_telegram(&stage, SALES, ANNA).len();
    stage.telegram.write(SALES.token, ANNA, "/start");
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    assert_eq!(in_telegram(&stage, SALES, ANNA).len(), said);
    finish(stage).await;
}

#[tokio::test]
async fn an_edit_lets_a_held_start_go_before_it() {
    let stage = with_account(ASKING).await;
    ask(&stage, ANNA).await;
    let written = stage.telegram.messages(SALES.token, ANNA)[0].message_id;
    stage.telegram.edit(SALES.token, ANNA, written, "/start, please");
    stage.until("the start has its new wording", |stage| in_kommo(stage, SALES, ANNA) == ["/start, please"]).await;
    finish(stage).await;
}

#[tokio::test]
async fn a_start_is_not_held_for_ever_and_a_restart_loses_none() {
    let mut stage = with_account(&format!("{ASKING}telegram.phone_wait = \"1s\"\n")).await;
    ask(&stage, ANNA).await;
    stage.stop_bridge().await;
    assert!(stage.kommo.chat(&conversation(SALES, ANNA)).is_none());
    stage.start_bridge().await.unwrap();
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA) == ["/start"]).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_held_start_does_not_wait_for_the_account() {
    let settings = "telegram.phone_wait = \"1s\"\nkommo.contact_tags = [\"telegram\"]\nretry.probe_every = \"50m\"\n";
    let mut stage = with_account(&format!("{ASKING}{settings}")).await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.kommo.forbid(&[Subject::ContactChats]);
    stage.telegram.write(SALES.token, BEN, "How much is it?");
    stage.until_counted("telekommo_jobs_total{route=\"account\",outcome=\"retried\"}").await;
    ask(&stage, ANNA).await;
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA) == ["/start"]).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_start_that_kommo_refuses_takes_nothing_else_with_it() {
    let mut stage = with_account(ASKING).await;
    ask(&stage, ANNA).await;
    // The held one, and once more by itself behind what made it go.
    stage.allow_failures();
    stage.allow_leftovers();
    let refusal = || Fault::Status { code: 400, body: r#"{"error_code":400,"error_description":"no"}"#.to_owned() };
    stage.kommo.fault(Endpoint::Message, refusal(), 1);
    stage.telegram.write(SALES.token, ANNA, "How much is it?");
    stage
        .until("the question is there", |stage| in_kommo(stage, SALES, ANNA).contains(&"How much is it?".to_owned()))
        .await;
    stage.telegram.write(SALES.token, ANNA, "Hello?");
    stage.until("so is the next", |stage| in_kommo(stage, SALES, ANNA).contains(&"Hello?".to_owned())).await;
    assert_eq!(stage.store().parked(10).unwrap(), []);
    assert_eq!(in_kommo(&stage, SALES, ANNA).iter().filter(|text| *text == "/start").count(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn somebody_elses_number_is_a_card_and_no_more() {
    let stage = with_account(ASKING).await;
    let known = stage.kommo.add_card("Ben of the book", "+4915177000222");
    ask(&stage, ANNA).await;
    let piece = telekommo::sandbox::telegram::Piece::contact("+4915177000222", "Ben");
    stage.telegram.send_piece(SALES.token, ANNA, piece);
    stage.until("both are there", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    assert_ne!(contact(&stage, SALES, ANNA), Some(known));
    assert!(is_silent(&stage, ANNA));
    finish(stage).await;
}

#[tokio::test]
async fn the_contact_is_found_though_kommo_has_made_one_for_an_attempt_whose_answer_was_lost() {
    let mut stage = with_account("").await;
    stage.allow_failures();
    let ben = stage.kommo.add_card("Ben of the book", "+49 (151) 77 000-222");
    stage.kommo.rest_fault(Subject::Contacts, Fault::Page { code: 502 }, 1);
    // What fails for the way does not count as a failed attempt.
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    stage.telegram.share_number(SALES.token, BEN);
    stage.until("the chat is the contact's", |stage| contact(stage, SALES, BEN) == Some(ben)).await;
    assert_eq!(in_kommo(&stage, SALES, BEN).len(), 1);
    stage.finish().await;
}

fn is_silent(stage: &Harness, customer: i64) -> bool {
    in_telegram(stage, SALES, customer).iter().all(|text| text != "Thank you!")
}

#[tokio::test]
async fn the_question_is_asked_without_a_token_too_and_in_the_customers_language() {
    let settings = format!("{ASKING}phone_texts.en.ask = \"Your number, please?\"\n");
    let stage = TestStage::with(&settings).await;
    ask(&stage, ANNA).await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["Your number, please?"]);
    stage.telegram.press_key(SALES.token, ANNA, 0, 0);
    stage.until("both are there", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    assert!(stage.kommo.rest_requests().iter().all(|request| request.subject != Some(Subject::Contacts)));
    finish(stage).await;
}
