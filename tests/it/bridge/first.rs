//! A manager writes first, to a phone number: whom it reaches, and where the answer goes.

use telekommo::{
    clock,
    domain::{
        address::UserId,
        work::{Lane, Work},
    },
    sandbox::{
        fault::Fault,
        kommo::{Author, Chat, Endpoint, Status, TwoChats},
        stage::{ANNA, BEN, LINES, Line, Stage},
        telegram::Target,
    },
    store::{Intake, NewJob},
};

use super::raw;
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
async fn write_first(stage: &Stage, line: Line, customer: i64, text: &str) -> String {
    let (id, answer) = stage.kommo.write_first(&number(customer), line.source, text).await;
    assert_eq!(answer.status, Some(200));
    id
}

/// The chat that has a message of this text, which is one.
fn chat_of(stage: &Stage, text: &str) -> Option<Chat> {
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
        |stage: &Stage, line| stage.kommo.chat(&conversation(line, ANNA)).is_some_and(|it| it.contact.phone == phone);
    stage.until("Kommo has the number", |stage| is_told(stage, SALES)).await;
    stage.begin(SUPPORT, ANNA).await;
    assert!(is_told(&stage, SUPPORT), "the other bot's customer is the same person");
    stage.finish().await;
}

/// Kommo has a chat with this customer already, so the answer names two. What it makes of that is not documented.
async fn first_words_to_a_known_customer(habit: TwoChats) -> (TestStage, [Chat; 2]) {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.kommo.habits(|habits| habits.two_chats = habit);
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
    stage.kommo.habits(|habits| habits.two_chats = TwoChats::Moved);
    introduce(&stage, SALES, ANNA).await;
    let id = write_first(&stage, SALES, ANNA, "Good morning").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.kommo.fault(Endpoint::Message, Fault::DropAfter, 1);
    let answered = answer(&stage, SALES, ANNA, "Thanks").await;
    assert_eq!(answered.chat_id, chat_of(&stage, "Good morning").unwrap().chat_id);
    assert_eq!(answer(&stage, SALES, ANNA, "Bye").await.chat_id, answered.chat_id);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_kommo_has_not_had_becomes_the_conversation() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    introduce(&stage, SALES, BEN).await;
    // Ben opens the other bot, of which Kommo does not hear before the manager writes.
    stage.kommo.fault(Endpoint::Message, Fault::RetryAfter(1), 1);
    stage.telegram.write(SUPPORT.token, BEN, "/start");
    eventually("the message waits", async || stage.waiting() > 0).await;
    let id = write_first(&stage, SUPPORT, BEN, "Good morning").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.until("Kommo has it", |stage| in_kommo(stage, SUPPORT, BEN) == ["/start"]).await;
    let chat = stage.kommo.chat(&conversation(SUPPORT, BEN)).unwrap();
    assert_eq!(chat.chat_id, chat_of(&stage, "Good morning").unwrap().chat_id);
    assert_eq!(chat.contact.client_id, format!("tg-user:{BEN}"));
    assert_eq!(chat.messages.iter().filter(|message| message.from == Author::Manager).count(), 1);
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
        (String::new(), "sales", "telekommo link --source sales"),
        // With several bots, one has to be named.
        (number(ANNA), "widget", "Choose one of the bots"),
        // Anna has never opened this one.
        (number(ANNA), "support", "has to open the bot and press Start"),
    ];
    for (phone, source, words) in &cases {
        let (id, _) = stage.kommo.write_first(phone, source, "must not arrive").await;
        let outcome = stage.outcome(&id).await;
        let fits = matches!(&outcome, Status::Failed { code: 904, text } if text.contains(words));
        assert!(fits, "{phone} {source}: {outcome:?}");
    }
    for line in LINES {
        for customer in [ANNA, BEN] {
            assert_eq!(in_telegram(&stage, line, customer), [""; 0]);
        }
    }
    stage.parked(cases.len()).await;
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
    eventually("the number is known", async || stage.store().phone_of(UserId(ANNA)).unwrap().is_some()).await;
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
    let job = NewJob { id: None, lane: Lane::stray("8e4d4baa"), work: Work::Hook { raw: hook.to_string() } };
    stage.store().push(Intake { jobs: vec![job], offset: None }, clock::now()).await.unwrap();
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["Hello", "Good morning"]);
    stage.finish().await;
}
