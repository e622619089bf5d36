//! Customers and managers write to each other.

use futures_util::future::join_all;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::Status,
    telegram::Target,
};

use crate::support::{TestStage, conversation, in_kommo, in_telegram, statuses, stranger};

const ROUNDS: usize = 4;

fn question(line: Line, customer: i64, round: usize) -> String {
    format!("question {round} of {customer} to {}", line.source)
}

fn answer(line: Line, customer: i64, round: usize) -> String {
    format!("answer {round} of {} to {customer}", line.source)
}

/// Customer and manager take turns without waiting for each other's messages to arrive.
async fn talk(stage: &TestStage, line: Line, customer: i64) -> Vec<String> {
    let mut ids = Vec::new();
    stage.telegram.write(line.token, customer, &question(line, customer, 0));
    stage.until("the first question arrives", |stage| !in_kommo(stage, line, customer).is_empty()).await;
    for round in 0..ROUNDS {
        ids.push(stage.reply(line, customer, &answer(line, customer, round)).await);
        stage.telegram.write(line.token, customer, &question(line, customer, round + 1));
    }
    ids
}

fn has_all(stage: &Harness, (line, customer): (Line, i64)) -> bool {
    in_kommo(stage, line, customer).len() > ROUNDS && in_telegram(stage, line, customer).len() >= ROUNDS
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_conversations_cross_in_order_and_never_mix() {
    let stage = TestStage::start().await;
    let strangers = 500..520;
    strangers.clone().for_each(|id| stage.telegram.add_customer(stranger(id)));
    // Half of the customers talk with both bots.
    let on_both = |id: &i64| id % 2 == 0;
    let sales = strangers.clone().map(|id| (LINES[0], id));
    let talks: Vec<_> = sales.chain(strangers.filter(on_both).map(|id| (LINES[1], id))).collect();

    let ids = join_all(talks.iter().map(|(line, customer)| talk(&stage, *line, *customer))).await.concat();
    stage.until("everything has arrived", |stage| talks.iter().all(|talk| has_all(stage, *talk))).await;
    stage.until_settled().await;

    assert_eq!((talks.len(), ids.len()), (30, 30 * ROUNDS));
    for (line, customer) in talks {
        let questions: Vec<_> = (0..=ROUNDS).map(|round| question(line, customer, round)).collect();
        let answers: Vec<_> = (0..ROUNDS).map(|round| answer(line, customer, round)).collect();
        assert_eq!(in_kommo(&stage, line, customer), questions);
        assert_eq!(in_telegram(&stage, line, customer), answers);
    }
    for id in ids {
        assert_eq!(statuses(&stage, &id), [Status::Delivered]);
    }
    assert_eq!(stage.kommo.chats().len(), 30);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_sees_who_writes_and_through_which_bot() {
    let stage = TestStage::start().await;
    for line in LINES {
        stage.begin(line, ANNA).await;
        let chat = stage.kommo.chat(&conversation(line, ANNA)).unwrap();
        assert_eq!(chat.source.as_deref(), Some(line.source));
        assert_eq!(chat.contact.name, "Anna Petrova");
        assert_eq!(chat.contact.client_id, format!("tg-user:{ANNA}"));
        assert_eq!(chat.contact.profile_link.as_deref(), Some("https://t.me/annap"));
        assert!(chat.is_lead, "a customer who writes is a lead");
    }
    assert_eq!(stage.kommo.chats().len(), 2);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_arrive_character_by_character() {
    let stage = TestStage::start().await;
    let texts = [
        "Привет 👋🏽 👩\u{200d}👧 — \"quotes\" \\ / <b>&amp;</b>",
        "*not* _markup_ [a](b) `c`",
        "two\nlines\n\nand a half",
        "\u{202e}right to left\u{202c} e\u{301}",
    ];
    stage.begin(LINES[0], BEN).await;
    for text in texts {
        stage.telegram.write(LINES[0].token, BEN, text);
        let id = stage.reply(LINES[0], BEN, text).await;
        assert_eq!(stage.outcome(&id).await, Status::Delivered);
    }
    stage.until("all are in Kommo", |stage| in_kommo(stage, LINES[0], BEN).len() == 5).await;
    assert_eq!(in_kommo(&stage, LINES[0], BEN)[1..], texts);
    assert_eq!(in_telegram(&stage, LINES[0], BEN), texts);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_answer_arrives_in_parts_with_nothing_in_between() {
    let stage = TestStage::start().await;
    stage.begin(LINES[0], ANNA).await;
    let words: Vec<_> = (0..1250).map(|n| format!("w{n:04}😀")).collect();
    let long = words.join(" ");
    assert!(long.encode_utf16().count() > 9_900);

    let long_id = stage.reply(LINES[0], ANNA, &long).await;
    let short_id = stage.reply(LINES[0], ANNA, "and this comes after it").await;
    assert_eq!(stage.outcome(&short_id).await, Status::Delivered);
    assert_eq!(stage.outcome(&long_id).await, Status::Delivered);

    let mut parts = in_telegram(&stage, LINES[0], ANNA);
    assert_eq!(parts.pop().as_deref(), Some("and this comes after it"));
    assert!(parts.len() >= 3);
    assert!(parts.iter().all(|part| part.encode_utf16().count() <= 4096));
    let arrived: Vec<_> = parts.iter().flat_map(|part| part.split_whitespace()).collect();
    assert_eq!(arrived, words);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_fails_ends_its_answer_and_no_other() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(LINES[0], ANNA).await;
    stage.telegram.fault(Target::method("sendMessage"), Fault::DropAfter, 1);
    let long_id = stage.reply(LINES[0], ANNA, &"word ".repeat(2000)).await;
    let Status::Failed { code: 905, text } = stage.outcome(&long_id).await else { panic!("it has failed") };
    assert!(text.starts_with("Part 1 of 3: May not have been delivered"), "{text}");
    let short_id = stage.reply(LINES[0], ANNA, "the next").await;
    assert_eq!(stage.outcome(&short_id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, LINES[0], ANNA).len(), 2, "the first part and the next answer");
    let parked = stage.parked(1).await;
    assert_eq!(parked[0].jobs.len(), 3, "the part and those behind it");
    stage.finish().await;
}
