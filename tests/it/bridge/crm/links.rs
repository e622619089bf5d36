//! Links to contacts.

use std::time::Duration;

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES},
    kommo::Subject,
};

use super::{HOUR, contact, start, with_account};
use crate::support::{TestStage, in_kommo, stranger};

const SALES: telekommo::sandbox::harness::Line = LINES[0];

#[tokio::test]
async fn who_opens_a_link_is_the_contact_and_makes_no_other() {
    let stage = with_account("").await;
    let anna = stage.kommo.add_card("Anna of the book", "");
    stage.telegram.write(SALES.token, ANNA, &start(&stage, SALES, anna, HOUR));
    stage.until("Kommo has the start", |stage| in_kommo(stage, SALES, ANNA) == ["/start"]).await;
    assert_eq!(contact(&stage, SALES, ANNA), Some(anna));
    assert_eq!((stage.kommo.cards().len(), stage.kommo.leads().len()), (1, 1));
    stage.finish().await;
}

#[tokio::test]
async fn a_link_is_good_once_also_after_a_restart() {
    let mut stage = with_account("").await;
    let anna = stage.kommo.add_card("Anna of the book", "");
    let link = start(&stage, SALES, anna, HOUR);
    stage.telegram.write(SALES.token, ANNA, &link);
    stage.until("Kommo has the start", |stage| in_kommo(stage, SALES, ANNA).len() == 1).await;
    stage.until_settled().await;
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    stage.telegram.write(SALES.token, BEN, &link);
    stage.until("Ben is a customer as any other", |stage| in_kommo(stage, SALES, BEN) == ["/start"]).await;
    assert_ne!(contact(&stage, SALES, BEN), Some(anna));
    assert_eq!(contact(&stage, SALES, ANNA), Some(anna));
    stage.finish().await;
}

#[tokio::test]
async fn who_opens_a_used_link_is_asked_for_their_number_as_any_other() {
    let mut stage = with_account("telegram.ask_phone = \"on_start\"\n").await;
    stage.allow_leftovers();
    let anna = stage.kommo.add_card("Anna of the book", "");
    let link = start(&stage, SALES, anna, HOUR);
    stage.telegram.write(SALES.token, ANNA, &link);
    stage.until("Kommo has the start", |stage| in_kommo(stage, SALES, ANNA).len() == 1).await;
    assert_eq!(stage.telegram.reply_keyboard(SALES.token, ANNA), None);
    stage.telegram.write(SALES.token, BEN, &link);
    stage.until("Ben is asked", |stage| stage.telegram.reply_keyboard(SALES.token, BEN).is_some()).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_forged_link_an_expired_one_and_one_of_another_bot_are_just_a_start() {
    let stage = with_account("").await;
    let anna = stage.kommo.add_card("Anna of the book", "");
    let good = start(&stage, SALES, anna, HOUR);
    let changed = format!("{}{}", &good[..good.len() - 1], if good.ends_with('A') { "B" } else { "A" });
    let bad = [changed, start(&stage, SALES, anna, Duration::ZERO), start(&stage, LINES[1], anna, HOUR)];
    for (customer, link) in [(ANNA, &bad[0]), (BEN, &bad[1])] {
        stage.telegram.write(SALES.token, customer, link);
        stage.until("it is a start", |stage| in_kommo(stage, SALES, customer) == ["/start"]).await;
    }
    stage.telegram.write(SALES.token, ANNA, &bad[2]);
    stage.until("it is a start", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    let contacts = [ANNA, BEN].map(|customer| contact(&stage, SALES, customer));
    assert!(contacts.iter().all(|it| it.is_some() && *it != Some(anna)), "{contacts:?}");
    stage.finish().await;
}

#[tokio::test]
async fn a_chat_that_is_there_moves_to_the_contact_and_leaves_word() {
    let stage = with_account("").await;
    stage.begin(SALES, ANNA).await;
    let before = contact(&stage, SALES, ANNA).unwrap();
    let anna = stage.kommo.add_card("Anna of the book", "");
    stage.telegram.write(SALES.token, ANNA, &start(&stage, SALES, anna, HOUR));
    stage.until("the chat has moved", |stage| contact(stage, SALES, ANNA) == Some(anna)).await;
    // A second link to the same contact finds that it is so already.
    stage.telegram.write(SALES.token, ANNA, &start(&stage, SALES, anna, 2 * HOUR));
    stage.until("Kommo has all of it", |stage| in_kommo(stage, SALES, ANNA) == ["/start"; 3]).await;
    stage.parked(0).await;
    let notes = stage.kommo.card(before).unwrap().notes;
    assert!(matches!(&notes[..], [note] if note.contains(&format!("merge it with contact {anna}"))), "{notes:?}");
    assert!(stage.kommo.card(anna).unwrap().notes.is_empty());
    stage.finish().await;
}

#[tokio::test]
async fn a_message_waits_for_no_account_and_the_link_follows() {
    for is_down in [true, false] {
        let mut stage = with_account("").await;
        stage.allow_failures();
        let anna = stage.kommo.add_card("Anna of the book", "");
        if is_down {
            stage.kommo.rest_down(true).unwrap();
        } else {
            stage.kommo.rest_fault(Subject::Contacts, Fault::Hang(HOUR), 1);
        }
        let begun = std::time::Instant::now();
        stage.telegram.write(SALES.token, ANNA, &start(&stage, SALES, anna, HOUR));
        stage.until("the message is there", |stage| in_kommo(stage, SALES, ANNA) == ["/start"]).await;
        assert!(begun.elapsed() < Duration::from_secs(15), "it took {:?}", begun.elapsed());
        stage.kommo.rest_down(false).unwrap();
        stage.until("the chat is the contact's", |stage| contact(stage, SALES, ANNA) == Some(anna)).await;
        stage.finish().await;
    }
}

#[tokio::test]
async fn a_first_message_goes_before_all_that_is_still_to_be_noted() {
    let mut stage = with_account("kommo.contact_tags = [\"telegram\"]\n").await;
    stage.allow_failures();
    stage.allow_leftovers();
    let anna = stage.kommo.add_card("Anna of the book", "");
    stage.kommo.forbid(&[Subject::ContactChats]);
    let crowd = 1000..1040;
    for customer in crowd.clone() {
        stage.telegram.add_customer(stranger(customer));
        stage.telegram.write(SALES.token, customer, "hello");
    }
    stage.until("they are there", |stage| crowd.clone().all(|it| !in_kommo(stage, SALES, it).is_empty())).await;
    stage.kommo.forbid(&[]);
    stage.until("tags are noted", |stage| stage.kommo.cards().iter().any(|card| !card.tags.is_empty())).await;
    stage.telegram.write(SALES.token, ANNA, &start(&stage, SALES, anna, HOUR));
    stage.until("Kommo has the start", |stage| in_kommo(stage, SALES, ANNA) == ["/start"]).await;
    let tagged = stage.kommo.cards().iter().filter(|card| !card.tags.is_empty()).count();
    assert!(tagged < crowd.count(), "all of it was noted before");
    assert_eq!(contact(&stage, SALES, ANNA), Some(anna));
    assert_eq!(stage.kommo.cards().len(), 41, "nobody was made for her");
    stage.finish().await;
}

#[tokio::test]
async fn a_contact_that_was_deleted_or_merged_is_told_and_stops_nothing() {
    let mut stage = with_account("").await;
    stage.allow_leftovers();
    let [deleted, merged, stays] = ["a", "b", "c"].map(|name| stage.kommo.add_card(name, ""));
    stage.kommo.delete_card(deleted);
    stage.kommo.merge_cards(stays, merged);
    for (customer, contact) in [(ANNA, deleted), (BEN, merged)] {
        stage.telegram.write(SALES.token, customer, &start(&stage, SALES, contact, HOUR));
        stage.until("the message is there", |stage| in_kommo(stage, SALES, customer) == ["/start"]).await;
    }
    for parked in stage.parked(2).await {
        assert!(parked.why.contains("deleted, or merged") && parked.why.contains("telekommo chats link"), "{parked:?}");
    }
    stage.finish().await;
}

#[tokio::test]
async fn without_a_right_or_with_a_dead_token_only_the_account_waits() {
    let mut stage = with_account("").await;
    stage.allow_failures();
    let [anna, ben] = ["Anna of the book", "Ben of the book"].map(|name| stage.kommo.add_card(name, ""));
    stage.kommo.forbid(&[Subject::ContactChats]);
    // One that fails alone would be set aside.
    for (customer, contact) in [(ANNA, anna), (BEN, ben)] {
        stage.telegram.write(SALES.token, customer, &start(&stage, SALES, contact, HOUR));
    }
    stage.until("the message is there", |stage| in_kommo(stage, SALES, ANNA) == ["/start"]).await;
    stage.until_ready_says(503, &["account has paused", "the token lacks a right"]).await;
    stage.telegram.write(SALES.token, ANNA, "hello?");
    stage.until("messages go on", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    stage.kommo.forbid(&[]);
    stage.until("the chat is the contact's", |stage| contact(stage, SALES, ANNA) == Some(anna)).await;
    stage.until("the other one too", |stage| contact(stage, SALES, BEN) == Some(ben)).await;
    stage.finish().await;
}

#[tokio::test]
async fn without_a_token_nothing_is_asked_of_the_account() {
    let stage = TestStage::with("kommo.contact_tags = [\"telegram\"]\ncampaigns.summer.tags = [\"summer\"]").await;
    stage.telegram.write(SALES.token, ANNA, &start(&stage, SALES, 5, HOUR));
    stage.telegram.write(SALES.token, BEN, "/start summer");
    stage.until("both are there", |stage| [ANNA, BEN].iter().all(|it| in_kommo(stage, SALES, *it) == ["/start"])).await;
    stage.until_settled().await;
    assert!(stage.kommo.rest_requests().is_empty());
    stage.finish().await;
}

#[tokio::test]
async fn a_contact_that_somebody_has_chosen_keeps_the_chat_though_the_store_is_new() {
    for is_down in [false, true] {
        let mut stage = with_account("telegram.ask_phone = \"on_start\"\n").await;
        stage.allow_failures();
        stage.allow_leftovers();
        stage.telegram.write(SALES.token, ANNA, "hello");
        stage.until("Kommo has it", |stage| contact(stage, SALES, ANNA).is_some()).await;
        stage.kommo.clock().turn_back(2 * HOUR);
        let chosen = stage.kommo.add_card("Anna as a manager knows her", "");
        stage.kommo.clock().advance(2 * HOUR);
        stage.kommo.merge_cards(chosen, contact(&stage, SALES, ANNA).unwrap());
        let by_phone = stage.kommo.add_card("Somebody with this number", "+49 151 77000111");
        stage.stop_bridge().await;
        std::fs::remove_dir_all(stage.dir().join("data")).unwrap();
        stage.start_bridge().await.unwrap();
        stage.telegram.write(SALES.token, ANNA, "/start");
        let asks = |stage: &Harness| stage.telegram.reply_keyboard(SALES.token, ANNA).is_some();
        stage.until("she is asked for her number", asks).await;
        stage.kommo.rest_down(is_down).unwrap();
        stage.telegram.press_key(SALES.token, ANNA, 0, 0);
        stage.until("Kommo has both", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
        stage.kommo.rest_down(false).unwrap();
        let noted = |stage: &Harness| stage.kommo.card(chosen).is_some_and(|card| !card.fields.phones().is_empty());
        stage.until("what follows the link is noted with the one", noted).await;
        assert_eq!(contact(&stage, SALES, ANNA), Some(chosen), "not {by_phone}, is down: {is_down}");
        stage.finish().await;
    }
}
