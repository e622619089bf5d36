//! `telekommo parked`: many messages at once.

use telekommo::{
    domain::{
        address::{Conversation, KommoMessageId},
        delivery::{Delivery, DeliveryReport},
        job::{Job, Lane},
    },
    sandbox::{
        harness::{ANNA, BEN, LINES, Line},
        kommo::Status,
    },
    store::{Intake, NewJob, Outcome, Store},
};

use super::process::{finished, telekommo, text};
use crate::support::{TestStage, in_telegram};

const SALES: Line = LINES[0];

/// How a command ended, what it printed, and what it complained of.
async fn command(stage: &TestStage, words: &[&str]) -> (Option<i32>, String, String) {
    let config = stage.write_config_for_commands().unwrap();
    let words = [&["parked"], words, &["--config", config.to_str().unwrap()]].concat();
    let output = finished(telekommo(&words)).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

async fn done(stage: &TestStage, words: &[&str]) -> String {
    let (code, printed, complaint) = command(stage, words).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{words:?}: {printed}");
    printed
}

/// Parks a message in the lane of a conversation, as a job that needs a person.
async fn park(store: &Store, conversation: &str, why: &str) {
    let lane = Lane::outbound(&conversation.parse::<Conversation>().unwrap());
    let report = DeliveryReport { message: KommoMessageId("m".to_owned()), delivery: Delivery::Delivered };
    let job = NewJob { id: None, lane: lane.clone(), job: Job::from(report) };
    let now = telekommo::clock::now();
    store.push(Intake { jobs: vec![job], offset: None }, now).await.unwrap();
    let lease = store.claim(&lane.route, now).unwrap().unwrap();
    lease.settle(Outcome::Park { why: why.to_owned(), then: Vec::new(), needs_person: true }, now).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_listed_and_sent_after_all_or_forgotten_at_once() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    for customer in [ANNA, BEN] {
        stage.begin(SALES, customer).await;
        stage.telegram.block(SALES.token, customer, true);
    }
    for (customer, text) in [(ANNA, "first"), (ANNA, "second"), (BEN, "to Ben")] {
        let id = stage.reply(SALES, customer, text).await;
        assert!(matches!(stage.outcome(&id).await, Status::Failed { code: 901, .. }));
    }
    stage.until_settled().await;
    stage.telegram.block(SALES.token, ANNA, false);

    let printed = done(&stage, &["list"]).await;
    assert!(
        printed.contains(
            "outbound:sales  tg:sales:777000111  Anna Petrova\n        Answer for the customer: second\n        told: "
        ),
        "{printed}"
    );
    assert!(printed.contains("COUNT  ROUTE           REASON\n3      outbound:sales  "), "{printed}");
    assert!(printed.contains("Ben Okafor\n        Answer for the customer: to Ben\n"), "{printed}");
    let first_of = |printed: &str| printed.split_whitespace().next().unwrap().parse::<u64>().unwrap();
    let newest = first_of(&printed);
    assert!(done(&stage, &["list", "--route", "inbound"]).await.starts_with("Nothing is parked."));
    assert!(done(&stage, &["list", "--reason", "901", "--older-than", "7d"]).await.starts_with("Nothing is parked."));
    assert!(done(&stage, &["list", "--reason", "901", "--route", "outbound"]).await.contains("3 messages"));

    assert_eq!(done(&stage, &["drop", &newest.to_string()]).await, "1 message was deleted.\n");
    let (code, printed, complaint) = command(&stage, &["retry", &newest.to_string()]).await;
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(complaint.contains("no parked message has this number"), "{complaint}");
    assert!(complaint.contains("nothing was changed"), "{complaint}");
    let sent = done(&stage, &["retry", "--all", "--route", "outbound:sales", "--reason", "901"]).await;
    assert_eq!(sent, "2 messages are back in their queues.\n");
    stage.until_settled().await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["first", "second"], "in their order");
    assert_eq!(done(&stage, &["drop", "--all"]).await, "0 messages were deleted.\n");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_to_a_source_that_is_gone_is_not_retried() {
    let stage = TestStage::start().await;
    park(&stage.store(), "tg:gone:7", "hopeless").await;
    let id = stage.store().parked(1).unwrap()[0].id.0;
    let (code, printed, complaint) = command(&stage, &["retry", &id.to_string()]).await;
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(complaint.contains("source gone has no bot any more"), "{complaint}");
    assert_eq!(stage.store().parked(9).unwrap().len(), 1, "it is as it was");
    assert_eq!(done(&stage, &["drop", &id.to_string()]).await, "1 message was deleted.\n");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_page_are_listed_and_dropped() {
    let stage = TestStage::start().await;
    let store = stage.store();
    for number in 0..450 {
        park(&store, "tg:gone:7", if number % 3 == 0 { "one reason" } else { "another" }).await;
    }
    let printed = done(&stage, &["list"]).await;
    assert!(printed.contains("300    outbound:gone  another\n150    outbound:gone  one reason\n"), "{printed}");
    assert!(printed.contains("450 messages: 450 need a person."), "{printed}");
    assert_eq!(done(&stage, &["drop", "--all", "--reason", "another"]).await, "300 messages were deleted.\n");
    assert_eq!(done(&stage, &["drop", "--all"]).await, "150 messages were deleted.\n");
    stage.finish().await;
}

#[tokio::test]
async fn numbers_or_all_are_named_and_not_both() {
    for words in [&["parked", "retry"][..], &["parked", "drop", "--all", "7"], &["parked", "drop", "seven"]] {
        let output = finished(telekommo(words)).await;
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}
