//! A manager writes first, to a phone number: whom it reaches, and where the answer goes.

use telekommo::{
    clock,
    domain::{
        address::UserId,
        job::{Hook, Job, Lane},
    },
    sandbox::{
        fault::Fault,
        harness::{ANNA, BEN, Harness, LINES, Line},
        kommo::{Attachment, AttachmentKind, Chat, Draft, Endpoint, Status, TwoChats},
        telegram::{ChatMessage, Target},
    },
    store::{Intake, NewJob},
};

use super::{raw, samples::jpeg};
use crate::support::{TestStage, conversation, eventually, in_kommo, in_telegram};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];

/// As a manager may have it in the account; the fake's customers have a number each.
fn number(customer: i64) -> String {
    let digits = format!("49151{}", customer % 100_000_000);
    format!("+{} ({}) {}-{}", &digits[..2], &digits[2..5], &digits[5..9], &digits[9..])
}

/// The customer begins a conversation, and shares their number in it.
async fn introduce(stage: &TestStage, line: Line, customer: i64) {
    stage.begin(line, customer).await;
    stage.telegram.share_number(line.token, customer);
    stage.until("the card is there", |stage| in_kommo(stage, line, customer).len() == 2).await;
    stage.until_settled().await;
}

/// A manager writes first. Gives the message's id.
async fn write_first(stage: &Harness, line: Line, customer: i64, text: &str) -> String {
    let (id, answer) = stage.kommo.write_first(&number(customer), line.source, text).await;
    assert_eq!(answer.status, Some(200));
    id
}

/// The chat that has a message of this text, which is one.
fn chat_of(stage: &Harness, text: &str) -> Option<Chat> {
    let has_it = |chat: &Chat| chat.messages.iter().filter(|message| message.text == text).count();
    let chats: Vec<_> = stage.kommo.chats().into_iter().filter(|chat| has_it(chat) > 0).collect();
    assert!(chats.iter().map(has_it).sum::<usize>() <= 1, "{text:?} is there more than once: {chats:#?}");
    chats.into_iter().next()
}

async fn answer(stage: &TestStage, line: Line, customer: i64, text: &str) -> Chat {
    stage.telegram.write(line.token, customer, text);
    stage.until("Kommo has the answer", |stage| chat_of(stage, text).is_some()).await;
    stage.until_settled().await;
    chat_of(stage, text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_was_shared_goes_with_everything_that_follows() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    assert_eq!(stage.kommo.chat(&conversation(SALES, ANNA)).unwrap().contact.phone, "");
    stage.telegram.share_number(SALES.token, ANNA);
    let phone = format!("+49151{}", ANNA % 100_000_000);
    let is_told =
        |stage: &Harness, line| stage.kommo.chat(&conversation(line, ANNA)).is_some_and(|it| it.contact.phone == phone);
    stage.until("Kommo has the number", |stage| is_told(stage, SALES)).await;
    stage.begin(SUPPORT, ANNA).await;
    assert!(is_told(&stage, SUPPORT), "the other bot's customer is the same person");
    stage.finish().await;
}

/// Kommo has a chat with this customer already, so the answer names two. What it makes of that is not documented.
async fn first_words_to_a_known_customer(habit: TwoChats) -> (TestStage, [Chat; 2]) {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.kommo.quirks(|quirks| quirks.two_chats = habit);
    introduce(&stage, SALES, ANNA).await;
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    for text in ["Good morning", "It is ready"] {
        let id = write_first(&stage, SALES, ANNA, text).await;
        assert_eq!(stage.outcome(&id).await, Status::Delivered);
    }
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["Good morning", "It is ready"]);
    let begun = chat_of(&stage, "It is ready").unwrap();
    let named =
        begun.messages.iter().all(|message| message.client_msgid.as_ref().is_some_and(|id| id.starts_with("tg:")));
    assert!(named, "managers' messages have our ids: {begun:#?}");
    let first = answer(&stage, SALES, ANNA, "Thanks").await;
    let second = answer(&stage, SALES, ANNA, "I come at five").await;
    assert_eq!(first.chat_id, second.chat_id);
    assert_eq!(stage.store().opening(&conversation(SALES, ANNA).parse().unwrap()).unwrap(), None);
    let refused = stage.kommo.requests().into_iter().filter(|it| it.status.is_none_or(|status| status >= 400)).count();
    assert_eq!(refused > 0, habit == TwoChats::Refused, "{habit:?}: {refused} requests were refused");
    (stage, [begun, second])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_goes_where_the_manager_wrote_if_kommo_takes_it_there() {
    let (stage, [begun, answered]) = first_words_to_a_known_customer(TwoChats::Moved).await;
    assert_eq!(answered.chat_id, begun.chat_id);
    let id = stage.reply(SALES, ANNA, "See you").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_stays_where_it_was_if_kommo_does_not_take_it_elsewhere() {
    for habit in [TwoChats::Refused, TwoChats::Stayed] {
        let (stage, [begun, answered]) = first_words_to_a_known_customer(habit).await;
        assert_eq!(answered.conversation_id, conversation(SALES, ANNA), "{habit:?}");
        assert_ne!(answered.chat_id, begun.chat_id, "{habit:?}");
        // The manager's chat still leads to the customer.
        let id = write_first(&stage, SALES, ANNA, "Are you here?").await;
        assert_eq!(stage.outcome(&id).await, Status::Delivered, "{habit:?}");
        assert_eq!(in_telegram(&stage, SALES, ANNA).last().unwrap(), "Are you here?");
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_whose_receipt_is_lost_is_not_written_twice() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.kommo.quirks(|quirks| quirks.two_chats = TwoChats::Moved);
    introduce(&stage, SALES, ANNA).await;
    let id = write_first(&stage, SALES, ANNA, "Good morning").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    let answered = answer(&stage, SALES, ANNA, "Thanks").await;
    assert_eq!(answered.chat_id, chat_of(&stage, "Good morning").unwrap().chat_id);
    assert_eq!(answer(&stage, SALES, ANNA, "Bye").await.chat_id, answered.chat_id);
    stage.finish().await;
}

/// Ben has shared his number with one bot, and opened the other, of which Kommo has heard nothing: it refused his
/// words. Now a manager writes to him there.
async fn begun_with_ben(draft: Draft) -> (TestStage, Chat) {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    introduce(&stage, SALES, BEN).await;
    let body = r#"{"error_code":400,"error_type":"X"}"#.to_owned();
    stage.kommo.fault(None, Fault::Status { code: 400, body }, 2);
    stage.telegram.write(SUPPORT.token, BEN, "/start");
    eventually("Kommo has refused it", async || stage.store().parked(10).unwrap().len() == 1).await;
    assert!(stage.kommo.chat(&conversation(SUPPORT, BEN)).is_none());
    let (id, _) = stage.kommo.write_first(&number(BEN), SUPPORT.source, draft).await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    let has_it = |chat: &Chat| chat.messages.iter().any(|message| message.id == id);
    let begun = stage.kommo.chats().into_iter().find(has_it).unwrap();
    (stage, begun)
}

/// The chat that a manager has begun is the conversation now, with the same customer in it.
fn assert_bound(stage: &TestStage, begun: &Chat) {
    let chat = stage.kommo.chat(&conversation(SUPPORT, BEN)).expect("the conversation is in Kommo");
    assert_eq!((&chat.chat_id, &chat.contact.id), (&begun.chat_id, &begun.contact.id));
    assert_eq!(chat.contact.client_id, format!("tg-user:{BEN}"));
    assert_eq!(stage.store().opening(&conversation(SUPPORT, BEN).parse().unwrap()).unwrap(), None);
}

fn newest_of_bot(stage: &TestStage) -> ChatMessage {
    stage.telegram.messages(SUPPORT.token, BEN).pop().filter(|message| message.from_bot).expect("the bot wrote last")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_manager_begins_becomes_the_conversation() {
    let (mut stage, begun) = begun_with_ben(Draft::text("It is ready. ".repeat(400))).await;
    let picture =
        Draft::file(Attachment::new(AttachmentKind::Picture, "ready.jpg", jpeg(640, 480, 9_000))).saying("Look");
    let (id, _) = stage.kommo.write_first(&number(BEN), SUPPORT.source, picture).await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    let begun_now = stage.kommo.chats().into_iter().find(|chat| chat.chat_id == begun.chat_id).unwrap();
    assert!(begun_now.messages.iter().all(|message| message.client_msgid.is_some()), "{begun_now:#?}");
    assert!(begun_now.messages[1].media.is_some(), "the id takes no file away");
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    assert_eq!(answer(&stage, SUPPORT, BEN, "Thanks").await.chat_id, begun.chat_id);
    assert_bound(&stage, &begun);
    let id = stage.reply(SUPPORT, BEN, "See you").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_of_a_button_is_an_answer_too() {
    let (stage, begun) = begun_with_ben(Draft::text("Shall we bring it?").buttons(&[&["Yes"]])).await;
    stage.telegram.press(SUPPORT.token, BEN, newest_of_bot(&stage).message_id, 0, 0);
    stage.until("Kommo has it", |stage| chat_of(stage, "Yes").is_some()).await;
    stage.until_settled().await;
    assert_bound(&stage, &begun);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_quotes_is_one_with_the_words_in_front() {
    let (stage, begun) = begun_with_ben(Draft::text("Shall we bring it?")).await;
    let quoted = newest_of_bot(&stage).message_id;
    stage.telegram.write_reply(SUPPORT.token, BEN, "Yes", quoted);
    let text = "> Shall we bring it?\n\nYes";
    stage.until("Kommo has it", |stage| chat_of(stage, text).is_some()).await;
    stage.until_settled().await;
    assert_bound(&stage, &begun);
    stage.finish().await;
}

/// However Kommo refuses an answer to what a manager has begun, the words get there and nobody else waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_refusal_of_the_chat_keeps_the_words() {
    let unknown_user = r#"{"status":0,"error_code":453,"error_type":"X","error_description":"sender: user not found"}"#;
    for (code, body, times) in [(403, unknown_user, 1), (404, r#"{"error_type":"NO_CHAT"}"#, 1), (500, "", 6)] {
        let (stage, begun) = begun_with_ben(Draft::text("Good morning")).await;
        stage.kommo.fault(Endpoint::Message, Fault::Status { code, body: body.to_owned() }, times);
        assert_ne!(answer(&stage, SUPPORT, BEN, "Thanks").await.chat_id, begun.chat_id, "{code}");
        assert_eq!(stage.store().opening(&conversation(SUPPORT, BEN).parse().unwrap()).unwrap(), None, "{code}");
        let (ready, _) = stage.admin("/ready").await;
        assert_eq!(ready, 200, "nothing is paused by {code}");
        stage.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_there_while_nobody_listens_is_found_too() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    introduce(&stage, SALES, ANNA).await;
    let id = write_first(&stage, SALES, ANNA, "Good morning").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.stop_bridge().await;
    let (lost, hook) = stage.kommo.write_first(&number(ANNA), SALES.source, "It is ready").await;
    assert_eq!(hook.status, None, "the hook is lost");
    stage.start_bridge().await.unwrap();
    assert_eq!(stage.outcome(&lost).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["Good morning", "It is ready"]);
    stage.finish().await;
}

/// Naming a message is a courtesy: statuses do not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kommo_has_against_the_id_holds_nothing_up() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    introduce(&stage, SALES, ANNA).await;
    let body = r#"{"error_code":403,"error_type":"ORIGIN_INVALID_SIGNATURE"}"#.to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 403, body }, 1);
    let id = write_first(&stage, SALES, ANNA, "Good morning").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(chat_of(&stage, "Good morning").unwrap().messages[0].client_msgid, None);
    let id = stage.reply(SALES, ANNA, "Hello").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(stage.admin("/ready").await.0, 200);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_ever_gets_it() {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    stage.allow_failures();
    introduce(&stage, SALES, ANNA).await;
    stage.begin(SUPPORT, BEN).await;
    let nearly = &number(ANNA)[..number(ANNA).len() - 1];
    let cases = [
        (number(BEN), "sales", "https://t.me/acme_sales_bot"),
        (nearly.to_owned(), "sales", "press Start"),
        (format!("{}0", number(ANNA)), "sales", "press Start"),
        (number(BEN), "sales", "then there is a chat to write in."),
        (String::new(), "sales", "neither a conversation nor a phone number"),
        // With several bots, one has to be named.
        (number(ANNA), "widget", "Choose one of the bots as the source"),
        // Anna has never opened this one.
        (number(ANNA), "support", "has to open the bot and press Start"),
    ];
    for (phone, source, words) in &cases {
        let (id, _) = stage.kommo.write_first(phone, source, "must not arrive").await;
        let outcome = stage.outcome(&id).await;
        let fits = matches!(&outcome, Status::Failed { code: 904, text } if text.contains(words));
        assert!(fits, "{phone} {source}: {outcome:?}");
        stage.until_settled().await;
    }
    for line in LINES {
        for customer in [ANNA, BEN] {
            assert_eq!(in_telegram(&stage, line, customer), [""; 0]);
        }
    }
    stage.parked(cases.len()).await;
    stage.finish().await;
}

/// Kommo may use a chat again for another number of the same contact.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_was_begun_with_one_is_not_sent_to_another() {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    introduce(&stage, SALES, ANNA).await;
    introduce(&stage, SALES, BEN).await;
    write_first(&stage, SALES, ANNA, "Good morning").await;
    stage.until_settled().await;
    let begun = chat_of(&stage, "Good morning").unwrap();
    let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
    let mut hook = raw::message(&id, "", "must not arrive");
    hook["message"]["conversation"]["id"] = begun.chat_id.into();
    hook["message"]["receiver"]["phone"] = number(BEN).into();
    raw::send(&stage, &hook).await;
    let outcome = stage.outcome(&id).await;
    assert!(matches!(&outcome, Status::Failed { code: 904, text } if text.contains("another customer")), "{outcome:?}");
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["Good morning"]);
    assert_eq!(in_telegram(&stage, SALES, BEN), [""; 0]);
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_counts_as_soon_as_it_is_shared() {
    let mut stage = TestStage::patient().await;
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let id = write_first(&stage, SALES, ANNA, "too early").await;
    assert!(matches!(stage.outcome(&id).await, Status::Failed { code: 904, .. }));
    stage.telegram.share_number(SALES.token, ANNA);
    eventually("the number is known", async || stage.store().number_of(UserId(ANNA)).unwrap().is_some()).await;
    let id = write_first(&stage, SALES, ANNA, "Good morning").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["Good morning"]);
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_for_a_stranger_goes_on_in_the_lane_of_whom_it_is_for() {
    let mut stage = TestStage::start().await;
    // The chat in the hook is none of Kommo's, so our id of the message is refused.
    stage.allow_failures();
    introduce(&stage, SALES, ANNA).await;
    let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
    stage.telegram.fault(Target::method("sendMessage"), Fault::RetryAfter(1), 1);
    stage.reply(SALES, ANNA, "Hello").await;
    let mut hook = raw::message(&id, "", "Good morning");
    hook["message"]["receiver"]["phone"] = number(ANNA).into();
    hook["message"]["source"] = serde_json::json!({ "external_id": "sales" });
    let job = NewJob { id: None, lane: Lane::stray("8e4d4baa"), job: Job::from(Hook { raw: hook.to_string() }) };
    stage.store().push(Intake { jobs: vec![job], offset: None }, clock::now()).await.unwrap();
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["Hello", "Good morning"]);
    stage.finish().await;
}
