//! Kommo or Telegram is away, refuses everybody, or dislikes one message: who waits, and for how long.

use std::time::{Duration, Instant};

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    kommo::{Attachment, AttachmentKind, Draft, Endpoint, Status},
    telegram::Target,
};

use crate::{
    bridge::{outage_figures::wished, samples::mp4},
    support::{TestStage, conversation, in_kommo, in_telegram, statuses, stranger},
};

const SALES: Line = LINES[0];

/// Waits that no test outlives: only that the way is free again lets anything go.
const HOURS: &str = r#"
retry.kommo = ["1s", "5h"]
retry.telegram = ["5h"]
retry.give_up_after = "6h"
retry.probe_every = "1m"
"#;
/// What is free again within a probe, on a machine that has much else to do.
const SOON: Duration = Duration::from_secs(8);

/// So many customers whom Kommo knows.
async fn with_customers(settings: &str, count: i64) -> (TestStage, Vec<i64>) {
    let mut stage = TestStage::with(settings).await;
    stage.allow_failures();
    let customers: Vec<_> = (1..=count).map(|n| 888_000_000 + n).collect();
    for customer in &customers {
        stage.telegram.add_customer(stranger(*customer));
        stage.telegram.write(SALES.token, *customer, "/start");
    }
    for customer in &customers {
        stage.until("the conversation is in Kommo", |stage| in_kommo(stage, SALES, *customer) == ["/start"]).await;
    }
    stage.until_settled().await;
    (stage, customers)
}

/// How long until something holds.
async fn takes(stage: &TestStage, what: &str, condition: impl Fn(&TestStage) -> bool) -> Duration {
    let began = Instant::now();
    crate::support::eventually(what, async || condition(stage)).await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kommo_that_is_back_gets_what_waited_within_seconds_and_in_order() {
    let (stage, customers) = with_customers(HOURS, 20).await;
    stage.kommo.down(true).unwrap();
    for n in 0..5 {
        for customer in &customers {
            stage.telegram.write(SALES.token, *customer, &format!("message {n}"));
        }
    }
    stage.until("Telegram may forget them", |stage| stage.telegram.pending(SALES.token) == 0).await;
    stage.until_ready_says(503, &["kommo: "]).await;
    stage.kommo.down(false).unwrap();
    let all = |stage: &TestStage| customers.iter().all(|customer| in_kommo(stage, SALES, *customer).len() == 6);
    let took = takes(&stage, "everything has arrived", all).await;
    assert!(took < SOON, "{took:?}");
    for customer in &customers {
        let texts = in_kommo(&stage, SALES, *customer);
        assert_eq!(texts[1..], (0..5).map(|n| format!("message {n}")).collect::<Vec<_>>());
    }
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telegram_that_is_back_gets_what_waited_within_seconds_and_in_order() {
    let (stage, customers) = with_customers(HOURS, 10).await;
    stage.telegram.down(true).unwrap();
    let mut ids = Vec::new();
    for n in 0..3 {
        for customer in &customers {
            ids.push(stage.reply(SALES, *customer, &format!("answer {n}")).await);
        }
    }
    stage.until_ready_says(503, &["outbound:sales has paused: Telegram cannot be reached"]).await;
    stage.telegram.down(false).unwrap();
    let all = |stage: &TestStage| customers.iter().all(|customer| in_telegram(stage, SALES, *customer).len() == 3);
    let took = takes(&stage, "everything has arrived", all).await;
    assert!(took < SOON, "{took:?}");
    for customer in &customers {
        assert_eq!(in_telegram(&stage, SALES, *customer), ["answer 0", "answer 1", "answer 2"]);
    }
    for id in &ids {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    let began = Instant::now();
    stage.telegram.write(SALES.token, customers[0], "and back");
    stage.until("polling goes on", |stage| in_kommo(stage, SALES, customers[0]).len() == 2).await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_that_is_away_is_asked_by_nothing_but_probes() {
    let (stage, customers) = with_customers(HOURS, 10).await;
    let body = "<html>maintenance</html>".to_owned();
    stage.kommo.fault(None, Fault::Status { code: 503, body }, u32::MAX);
    let before = stage.kommo.requests().len();
    for customer in &customers {
        stage.telegram.write(SALES.token, *customer, "anybody there?");
    }
    stage.until_ready_says(503, &["kommo: "]).await;
    let began = Instant::now();
    let probes = |stage: &TestStage| {
        let asked = stage.kommo.requests().split_off(before);
        asked.iter().filter(|it| it.endpoint == Some(Endpoint::History)).count()
    };
    let first = probes(&stage);
    stage.until("three more probes were made", |_| probes(&stage) >= first + 3).await;
    assert!(began.elapsed() >= Duration::from_secs(4), "three in {:?}", began.elapsed());
    let asked = stage.kommo.requests().split_off(before);
    let messages = asked.iter().filter(|it| it.endpoint == Some(Endpoint::Message)).count();
    assert!(messages <= customers.len() + 2, "each of what was under way has failed once: {messages}");
    stage.kommo.heal();
    let all = |stage: &TestStage| customers.iter().all(|customer| in_kommo(stage, SALES, *customer).len() == 2);
    let took = takes(&stage, "everything has arrived", all).await;
    assert!(took < SOON, "{took:?}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_fails_while_others_pass_holds_up_its_own_chat_for_a_while_and_nobody_else() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    stage.begin(SALES, BEN).await;
    stage.kommo.fault_of("poison", Fault::Status { code: 500, body: String::new() });
    stage.telegram.write(SALES.token, ANNA, "poison");
    stage.telegram.write(SALES.token, ANNA, "behind it");
    for n in 0..20 {
        stage.telegram.write(SALES.token, BEN, &format!("Ben {n}"));
    }
    stage.until("Ben's arrive", |stage| in_kommo(stage, SALES, BEN).len() == 21).await;
    stage.until_ready_says(200, &[]).await;
    stage.until("what is behind it arrives", |stage| in_kommo(stage, SALES, ANNA) == ["/start", "behind it"]).await;
    assert!(stage.parked(1).await[0].why.contains("500"));
    let tried = stage.kommo.requests().into_iter().filter(|it| it.body.contains("poison")).count();
    assert_eq!(tried, 6);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_refuses_all_messages_costs_none_of_them_an_attempt() {
    let (stage, customers) = with_customers(HOURS, 3).await;
    // Whatever asks for nothing is answered: only messages are refused.
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 500, body: String::new() }, u32::MAX);
    for customer in &customers {
        stage.telegram.write(SALES.token, *customer, "first");
        stage.telegram.write(SALES.token, *customer, "second");
    }
    stage.until_ready_says(503, &["kommo: ", "500"]).await;
    let id = stage.reply(SALES, customers[0], "answers go out").await;
    stage.until("statuses pass, for Kommo takes them", |stage| statuses(stage, &id) == [Status::Delivered]).await;
    stage.kommo.heal();
    let all = |stage: &TestStage| customers.iter().all(|customer| in_kommo(stage, SALES, *customer).len() == 3);
    let took = takes(&stage, "everything has arrived", all).await;
    assert!(took < SOON, "{took:?}");
    stage.until_ready_says(200, &[]).await;
    stage.finish().await;
}

/// `TELEKOMMO_BROADCAST=4000` makes it as large as that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_of_files_delays_no_managers_words() {
    let count = i64::try_from(wished("TELEKOMMO_BROADCAST", 60)).unwrap();
    let (stage, customers) = with_customers("", count).await;
    stage.begin(SALES, ANNA).await;
    let sending = Target { token: Some(SALES.token.to_owned()), method: Some("sendVideo".to_owned()) };
    stage.telegram.fault(sending, Fault::Hang(Duration::from_secs(2)), u32::MAX);
    for customer in &customers {
        let video = Attachment::new(AttachmentKind::Video, "v.mp4", mp4(20_000));
        let (_, hook) = stage.kommo.say(&conversation(SALES, *customer), "Salesbot", Draft::file(video)).await;
        assert_eq!(hook.status, Some(200));
    }
    let began = Instant::now();
    let id = stage.reply(SALES, ANNA, "in between").await;
    stage.until("the words arrive", |stage| in_telegram(stage, SALES, ANNA) == ["in between"]).await;
    let took = began.elapsed();
    let waiting = stage.waiting();
    assert!(took < Duration::from_secs(2) && waiting > 10, "{took:?}, {waiting} of the broadcast wait");
    println!("a text among {count} files: {took:.0?}, with {waiting} still waiting");
    stage.telegram.heal();
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.finish().await;
}

/// What may have arrived, with what is wanted for it: what the customer has in the end.
async fn uncertain(when: &str, fault: Fault, arrived: &[&str], status: fn(&Status) -> bool) {
    let mut stage = TestStage::with(&format!("telegram.when_uncertain = \"{when}\"")).await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let sending = Target { token: Some(SALES.token.to_owned()), method: Some("sendMessage".to_owned()) };
    stage.telegram.fault(sending, fault, 1);
    let id = stage.reply(SALES, ANNA, "perhaps").await;
    let outcome = stage.outcome(&id).await;
    assert!(status(&outcome), "{when}: {outcome:?}");
    assert_eq!(in_telegram(&stage, SALES, ANNA), arrived, "{when}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_arrived_is_sent_again_once_where_that_is_wanted() {
    let is_delivered = |status: &Status| *status == Status::Delivered;
    let is_failed = |status: &Status| matches!(status, Status::Failed { code: 905, .. });
    uncertain("report", Fault::DropAfter, &["perhaps"], is_failed).await;
    uncertain("report", Fault::DropBefore, &[], is_failed).await;
    uncertain("repeat", Fault::DropAfter, &["perhaps", "perhaps"], is_delivered).await;
    uncertain("repeat", Fault::DropBefore, &["perhaps"], is_delivered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_messages_of_one_chat_keep_its_pace_and_those_of_others_do_not_wait_for_it() {
    let stage = TestStage::with("telegram.chat_requests_per_second = 1\ntelegram.chat_burst = 2").await;
    stage.begin(SALES, ANNA).await;
    stage.begin(SALES, BEN).await;
    let began = Instant::now();
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(stage.reply(SALES, ANNA, &format!("{n}")).await);
    }
    let other = stage.reply(SALES, BEN, "meanwhile").await;
    stage.until("Ben's arrives", |stage| in_telegram(stage, SALES, BEN) == ["meanwhile"]).await;
    assert!(in_telegram(&stage, SALES, ANNA).len() < 5, "Anna's chat keeps its pace");
    for id in ids.iter().chain([&other]) {
        assert_eq!(stage.outcome(id).await, Status::Delivered);
    }
    assert!(began.elapsed() >= Duration::from_millis(2900), "{:?}", began.elapsed());
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["0", "1", "2", "3", "4"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_courtesy_that_kommo_never_takes_holds_up_nothing_for_long() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let sent = stage.telegram.write(SALES.token, ANNA, "Can I have one?");
    stage.until("it is there", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    stage.until_settled().await;
    stage.kommo.fault(Endpoint::React, Fault::Status { code: 500, body: String::new() }, u32::MAX);
    stage.telegram.react(SALES.token, ANNA, sent, Some("👍"));
    stage.telegram.write(SALES.token, ANNA, "behind it");
    stage.until("what is behind it arrives", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    let tried = stage.kommo.requests().into_iter().filter(|it| it.endpoint == Some(Endpoint::React)).count();
    assert_eq!(tried, 6);
    stage.finish().await;
}
