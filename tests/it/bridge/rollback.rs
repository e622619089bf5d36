//! A data directory that was rolled back: nothing that was delivered since is sent a second time.

use std::{fs, path::PathBuf, time::Duration};

use telekommo::{
    lifecycle::Ended,
    sandbox::{
        fault::Fault,
        harness::{ANNA, BEN, Harness, LINES, Line},
        kommo::{DuplicateAnswer, Endpoint, Status},
        telegram::{GroupKind, NewGroup},
    },
};

use crate::{
    bridge::admin::change,
    folder::copy,
    support::{TestStage, conversation, eventually, in_kommo, in_telegram, statuses},
};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];
const WENT_BACK: &str = "the data directory was rolled back";

async fn stop(stage: &mut TestStage) {
    assert_eq!(stage.stop_bridge().await, Some(Ended::Stopped));
}

/// Where the bridge keeps its data, and where the test keeps a copy of it.
fn places(stage: &Harness) -> (PathBuf, PathBuf) {
    (stage.dir().join("data"), stage.dir().join("copy"))
}

/// Puts the copy in the place of what has become of it.
fn put_back(stage: &Harness) {
    let (data, kept) = places(stage);
    fs::rename(&data, stage.dir().join("gone")).unwrap();
    copy(&kept, &data);
}

async fn deliver(stage: &TestStage, line: Line, customer: i64, text: &str) {
    let id = stage.reply(line, customer, text).await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
}

/// A customer writes, and Kommo has it.
async fn write(stage: &TestStage, line: Line, customer: i64, text: &str) {
    stage.telegram.write(line.token, customer, text);
    stage.until("it is in Kommo", |stage| in_kommo(stage, line, customer).contains(&text.to_owned())).await;
    stage.until_settled().await;
}

/// Waits until the comparison of the start is over.
async fn compared(stage: &TestStage) {
    let before = telekommo::clock::now();
    assert!(stage.store().history_from().unwrap() <= Some(before));
    eventually("the start has compared", async || {
        stage.store().caught_up_at().unwrap() >= stage.store().history_from().unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_delivered_since_is_not_sent_again_in_any_chat() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.begin(SUPPORT, BEN).await;
    deliver(&stage, SALES, ANNA, "before").await;
    stop(&mut stage).await;
    let (data, kept) = places(&stage);
    copy(&data, &kept);
    stage.start_bridge().await.unwrap();
    // Only one of the customers says anything: the other's chat shows nothing by itself.
    for n in 0..3 {
        deliver(&stage, SALES, ANNA, &format!("Anna {n}")).await;
        deliver(&stage, SUPPORT, BEN, &format!("Ben {n}")).await;
    }
    write(&stage, SALES, ANNA, "thank you").await;
    stop(&mut stage).await;
    stage.kommo.lose_hooks(true);
    let (lost, _) = stage.kommo.reply(&conversation(SUPPORT, BEN), "Maria", "who knows").await;
    stage.kommo.lose_hooks(false);
    put_back(&stage);

    stage.start_bridge().await.unwrap();
    stage.until_ready_says(200, &[WENT_BACK, "telekommo parked list"]).await;
    stage.until_counted("telekommo_store_rewound_total").await;
    deliver(&stage, SALES, ANNA, "after").await;
    deliver(&stage, SUPPORT, BEN, "after").await;
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["before", "Anna 0", "Anna 1", "Anna 2", "after"]);
    assert_eq!(in_telegram(&stage, SUPPORT, BEN), ["Ben 0", "Ben 1", "Ben 2", "after"]);
    assert_eq!(statuses(&stage, &lost), [], "nobody knows, so nothing is said of it");

    // The next start is one like any other.
    stop(&mut stage).await;
    stage.start_bridge().await.unwrap();
    stage.until_ready_says(200, &[]).await;
    compared(&stage).await;
    assert!(!stage.admin("/ready").await.1.contains(WENT_BACK));
    assert_eq!(in_telegram(&stage, SALES, ANNA).len(), 5);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_ends_before_it_has_compared_hides_nothing_from_the_next() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    for (line, customer) in [(SALES, ANNA), (SUPPORT, BEN)] {
        stage.begin(line, customer).await;
    }
    compared(&stage).await;
    stop(&mut stage).await;
    let (data, kept) = places(&stage);
    copy(&data, &kept);
    stage.start_bridge().await.unwrap();
    for (line, customer) in [(SALES, ANNA), (SUPPORT, BEN)] {
        deliver(&stage, line, customer, "delivered").await;
        write(&stage, line, customer, "thank you").await;
    }
    stop(&mut stage).await;
    put_back(&stage);

    // What customers write in every chat meanwhile is later than all that the store does not know.
    stage.kommo.fault(Endpoint::History, Fault::Hang(Duration::from_mins(1)), u32::MAX);
    stage.start_bridge().await.unwrap();
    for (line, customer) in [(SALES, ANNA), (SUPPORT, BEN)] {
        write(&stage, line, customer, "are you there?").await;
    }
    stop(&mut stage).await;
    stage.kommo.heal();
    stage.start_bridge().await.unwrap();
    stage.until_ready_says(200, &[WENT_BACK]).await;
    for (line, customer) in [(SALES, ANNA), (SUPPORT, BEN)] {
        deliver(&stage, line, customer, "after").await;
        assert_eq!(in_telegram(&stage, line, customer), ["delivered", "after"]);
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_in_the_copy_is_set_aside_however_slow_the_comparison_is() {
    let mut stage = TestStage::patient().await;
    stage.allow_failures();
    for (line, customer) in [(SALES, ANNA), (SUPPORT, BEN)] {
        stage.begin(line, customer).await;
    }
    stage.telegram.down(true).unwrap();
    let ids = [stage.reply(SALES, ANNA, "1").await, stage.reply(SALES, ANNA, "2").await];
    let other = stage.reply(SUPPORT, BEN, "one").await;
    stop(&mut stage).await;
    let (data, kept) = places(&stage);
    copy(&data, &kept);
    stage.telegram.down(false).unwrap();
    stage.start_bridge().await.unwrap();
    for id in ids.iter().chain([&other]) {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    write(&stage, SUPPORT, BEN, "thank you").await;
    stop(&mut stage).await;
    put_back(&stage);

    stage.kommo.fault(Endpoint::History, Fault::Hang(Duration::from_secs(1)), 2);
    stage.start_bridge().await.unwrap();
    let new = stage.reply(SALES, ANNA, "3").await;
    stage.until_ready_says(200, &[WENT_BACK]).await;
    // What came after the start is new, and goes out.
    assert_eq!(stage.outcome(&new).await, Status::Delivered);
    let parked = stage.parked(3).await;
    assert!(parked.iter().all(|parked| parked.why.contains("was rolled back")), "{parked:#?}");
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["1", "2", "3"]);
    assert_eq!(in_telegram(&stage, SUPPORT, BEN), ["one"]);
    stage.allow_leftovers();
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kommo_took_without_our_knowing_is_no_sign_of_it() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.begin(SUPPORT, BEN).await;
    // One that is still tried, since no answer has come; one that Kommo takes for a repetition and tells no id of.
    stage.kommo.answer_duplicates(DuplicateAnswer::BadRequest400);
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    write(&stage, SUPPORT, BEN, "taken at last").await;
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, u32::MAX);
    stage.telegram.write(SALES.token, ANNA, "taken in secret");
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).contains(&"taken in secret".to_owned())).await;
    stop(&mut stage).await;
    stage.kommo.lose_hooks(true);
    let mut lost = Vec::new();
    for (line, customer) in [(SALES, ANNA), (SUPPORT, BEN)] {
        lost.push(stage.kommo.reply(&conversation(line, customer), "Maria", "lost").await.0);
    }
    stage.kommo.lose_hooks(false);
    stage.start_bridge().await.unwrap();
    for id in &lost {
        assert_eq!(stage.outcome_though_more_waits(id).await, Status::Delivered);
    }
    assert!(!stage.admin("/ready").await.1.contains(WENT_BACK));
    stage.kommo.heal();
    stage.until_settled().await;
    // One that has failed for long is set aside, although Kommo has it: that is no sign either.
    stop(&mut stage).await;
    stage.start_bridge().await.unwrap();
    compared(&stage).await;
    assert!(!stage.admin("/ready").await.1.contains(WENT_BACK));
    stage.allow_leftovers();
    stage.finish().await;
}

/// Starts the bridge anew, and sees that it compares and finds no rollback.
async fn assert_whole_after_restart(stage: &mut TestStage) {
    stop(stage).await;
    stage.kommo.lose_hooks(true);
    let (lost, _) = stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "lost").await;
    stage.kommo.lose_hooks(false);
    stage.start_bridge().await.unwrap();
    eventually("it is known what became of the answer", async || {
        !statuses(stage, &lost).is_empty() || stage.admin("/ready").await.1.contains(WENT_BACK)
    })
    .await;
    assert!(!stage.admin("/ready").await.1.contains(WENT_BACK));
    assert_eq!(stage.outcome_though_more_waits(&lost).await, Status::Delivered);
    assert!(!stage.admin("/ready").await.1.contains(WENT_BACK));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_drops_is_no_sign_of_it() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.begin(SUPPORT, BEN).await;
    compared(&stage).await;
    // Kommo takes them, refuses their repetitions, and its history does not show them.
    stage.kommo.answer_duplicates(DuplicateAnswer::BadRequest400);
    for (n, (line, customer)) in [(SALES, ANNA), (SUPPORT, BEN)].into_iter().enumerate() {
        stage.kommo.fault(Endpoint::History, Fault::Status { code: 204, body: String::new() }, u32::MAX);
        stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
        write(&stage, line, customer, "taken in secret").await;
        stage.parked(n + 1).await;
        stage.kommo.heal();
    }
    // Something comes behind one of them.
    write(&stage, SALES, ANNA, "hello?").await;
    for parked in stage.parked(2).await {
        change(&stage, parked.id.0, "drop").await;
    }
    assert_whole_after_restart(&mut stage).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_more_relayed_is_no_sign_of_it() {
    const TEAM: i64 = -42;
    let mut stage = TestStage::with("telegram.groups = \"relay\"\n").await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.set_reads_all(SALES.token, true);
    let group = NewGroup { id: TEAM, kind: GroupKind::Group, title: "Team".to_owned(), members: vec![ANNA, BEN] };
    stage.telegram.add_group(SALES.token, group);
    let say = |stage: &TestStage, text: &str| stage.telegram.write_in_group(SALES.token, TEAM, ANNA, text);
    let says = |stage: &Harness, text: &str| in_kommo(stage, SALES, TEAM).iter().any(|said| said.contains(text));
    say(&stage, "one");
    stage.until("it is in Kommo", |stage| says(stage, "one")).await;
    stage.until_settled().await;
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, u32::MAX);
    say(&stage, "taken in secret");
    stage.until("it is in Kommo", |stage| says(stage, "taken in secret")).await;
    stop(&mut stage).await;
    stage.kommo.heal();
    stage.configure("");
    stage.start_bridge().await.unwrap();
    stage.until_settled().await;
    assert_whole_after_restart(&mut stage).await;
    stage.finish().await;
}
