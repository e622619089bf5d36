//! What is found besides texts, and what is said of it.

use std::time::Duration;

use telekommo::sandbox::{
    harness::{ANNA, BEN},
    kommo::{Attachment, AttachmentKind, Draft, Status},
    telegram::{GroupKind, NewGroup},
};

use super::{SALES, lose, reconcile, stage, stop};
use crate::{
    bridge::samples::pdf,
    support::{TestStage, conversation, in_kommo, in_telegram, statuses},
};

const GROUP: i64 = -42;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_places_and_answers_to_groups_are_found_too() {
    let mut stage = TestStage::with("telegram.groups = \"relay\"\n").await;
    stage.allow_failures();
    stage.telegram.set_reads_all(SALES.token, true);
    let members = vec![ANNA, BEN];
    let group = NewGroup { id: GROUP, kind: GroupKind::Group, title: "Team".to_owned(), members };
    stage.telegram.add_group(SALES.token, group);
    stage.begin(SALES, ANNA).await;
    stage.telegram.write_in_group(SALES.token, GROUP, BEN, "when?");
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, GROUP).len() == 1).await;
    stop(&mut stage).await;
    let file = Draft::file(Attachment::new(AttachmentKind::File, "prices.pdf", pdf(500))).saying("our prices");
    let mut ids = vec![lose(&stage, SALES, GROUP, "at six").await];
    for draft in [file, Draft::place(16.37, 48.21), Draft::text("see you")] {
        ids.push(stage.kommo.say(&conversation(SALES, ANNA), "Maria", draft).await.0);
    }
    stage.start_bridge().await.unwrap();
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, GROUP), ["at six"]);
    let sent: Vec<_> = stage.telegram.messages(SALES.token, ANNA).into_iter().filter(|it| it.from_bot).collect();
    let [document, place, text] = &sent[..] else { panic!("{sent:#?}") };
    assert_eq!((document.text.as_str(), text.text.as_str()), ("our prices", "see you"));
    assert_eq!(stage.telegram.file(&document.file.as_ref().unwrap().file_id), Some(pdf(500)));
    assert_eq!(place.piece.as_ref().unwrap().field, "location");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_the_history_tells_nothing_its_manager_is_told() {
    let mut stage = stage().await;
    stage.allow_leftovers();
    stage.kommo.lose_hooks(true);
    let empty = lose(&stage, SALES, ANNA, "").await;
    let text = lose(&stage, SALES, ANNA, "text").await;
    stage.kommo.lose_hooks(false);
    let said = reconcile(&stage, "").await;
    let result = "Result: found 2, sent 1, too old 0, without text and file: 1.";
    assert_eq!(said.lines().last().unwrap(), result);
    assert_eq!(stage.outcome(&text).await, Status::Delivered);
    assert!(matches!(&statuses(&stage, &empty)[..], [Status::Failed { text, .. }] if text.contains("is empty")));
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["text"]);
    // And once only.
    assert_eq!(reconcile(&stage, "").await.lines().last().unwrap(), "Result: found 0, sent 0, too old 0.");
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_before_the_store_is_told_and_not_sent() {
    let stage = stage().await;
    stage.kommo.lose_hooks(true);
    stage.kommo.clock().turn_back(Duration::from_hours(2));
    let before = lose(&stage, SALES, ANNA, "who knows").await;
    stage.kommo.clock().advance(Duration::from_hours(2));
    stage.kommo.lose_hooks(false);
    let said = reconcile(&stage, "/3h").await;
    assert!(said.ends_with("may have been delivered before the store was restored: 1.\n"), "{said}");
    assert!(said.starts_with("Comparing the last 3 hours of 1 conversation "), "{said}");
    stage.until_settled().await;
    assert_eq!(statuses(&stage, &before), [], "who knows whether it was delivered");
    assert!(in_telegram(&stage, SALES, ANNA).is_empty());
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_more_than_is_known_is_told() {
    let stage = TestStage::start().await;
    let said = reconcile(&stage, "/30d").await;
    let [short, begun, _] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    assert!(short.contains("30 days") && short.contains("store.dedupe_for"), "{said}");
    assert!(begun.starts_with("Comparing the last 6 days 23 hours"), "{said}");
    stage.finish().await;
}
