//! Telegram Business: a bot that answers in the private chats of a person.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use telekommo::sandbox::{
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::{Author, Status},
};

use crate::support::{TestStage, in_kommo, in_telegram, statuses, stranger};

const SALES: Line = LINES[0];
const OLGA: i64 = 5_000_001;
const ALL: [&str; 2] = ["can_reply", "can_read_messages"];

/// The conversation of a customer with Olga.
fn with_olga(customer: i64) -> String {
    format!("tg:sales:{OLGA}/{customer}")
}

/// What Kommo has of the customer's chat with Olga: who wrote, and what.
fn said(stage: &Harness, customer: i64) -> Vec<(Author, String)> {
    let messages = stage.kommo.chat(&with_olga(customer)).map(|chat| chat.messages).unwrap_or_default();
    messages.into_iter().map(|message| (message.from, message.text)).collect()
}

fn texts(stage: &Harness, customer: i64) -> Vec<String> {
    said(stage, customer).into_iter().map(|(_, text)| text).collect()
}

/// What the bot has written in Olga's name, as the customer sees it.
fn from_olga(stage: &Harness, customer: i64) -> Vec<String> {
    let messages = stage.telegram.business_messages(SALES.token, OLGA, customer);
    messages.into_iter().filter(|message| message.from_bot).map(|message| message.text).collect()
}

async fn connected(settings: &str) -> TestStage {
    let stage = TestStage::with(settings).await;
    stage
        .telegram
        .add_customer(telekommo::sandbox::telegram::Customer { first_name: "Olga".to_owned(), ..stranger(OLGA) });
    stage.telegram.connect_business(SALES.token, OLGA, &ALL);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "Hello Olga");
    stage.until("Kommo has it", |stage| texts(stage, ANNA) == ["Hello Olga"]).await;
    stage.until_settled().await;
    stage
}

impl TestStage {
    /// A manager answers in the customer's chat with Olga. Gives the message's id.
    async fn answer_as_olga(&self, customer: i64, text: &str) -> String {
        let (id, hook) = self.kommo.reply(&with_olga(customer), "Maria", text).await;
        assert_eq!(hook.status, Some(200));
        id
    }

    async fn until_chat_said(&self, customer: i64, expected: &[&str]) {
        self.until("Kommo has it", |stage| texts(stage, customer).len() >= expected.len()).await;
        self.until_settled().await;
        assert_eq!(texts(self, customer), expected);
    }

    async fn assert_refused(&self, id: &str, words: &str) {
        let outcome = self.outcome(id).await;
        let fits = matches!(&outcome, Status::Failed { code: 902, text } if text.contains(words));
        assert!(fits, "{outcome:?} has not {words:?}");
    }
}

/// One person with one number writes to the bot and to its owner. Neither chat ever gets what is for the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bots_chat_and_the_owners_chat_with_one_customer_are_never_mixed_up() {
    let mut stage = connected("").await;
    stage.begin(SALES, ANNA).await;
    for restarted in [false, true] {
        if restarted {
            stage.stop_bridge().await;
            stage.start_bridge().await.unwrap();
        }
        let for_olga = stage.answer_as_olga(ANNA, "from Olga").await;
        let for_bot = stage.reply(SALES, ANNA, "from the bot").await;
        for id in [for_olga, for_bot] {
            assert_eq!(stage.outcome(&id).await, Status::Delivered);
        }
    }
    assert_eq!(from_olga(&stage, ANNA), ["from Olga"; 2]);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["from the bot"; 2]);
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start"]);
    let typed = stage.kommo.typing(&with_olga(ANNA)).await;
    assert_eq!(typed.status, Some(200));
    stage
        .until("Anna sees Olga typing", |stage| stage.telegram.business_action(SALES.token, OLGA, ANNA).is_some())
        .await;
    assert!(!stage.telegram.bot_is_typing(SALES.token, ANNA));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_owner_writes_is_there_once_and_in_order() {
    let mut stage = connected("").await;
    let id = stage.answer_as_olga(ANNA, "Maria for Olga").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    // Whether Telegram tells a bot of what it sent itself is not documented.
    let sent = stage.telegram.business_messages(SALES.token, OLGA, ANNA).pop().unwrap();
    stage.telegram.echo_business_message(SALES.token, OLGA, ANNA, sent.message_id);
    let phone = stage.telegram.write_as_business(SALES.token, OLGA, ANNA, "from my phone");
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "thanks");
    stage.stop_bridge().await;
    stage.telegram.write_as_business(SALES.token, OLGA, ANNA, "any time");
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "bye");
    stage.start_bridge().await.unwrap();
    stage.until_chat_said(ANNA, &["Hello Olga", "Maria for Olga", "from my phone", "thanks", "any time", "bye"]).await;
    // Told again, it is known.
    stage.telegram.echo_business_message(SALES.token, OLGA, ANNA, phone);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "really");
    stage.until("Kommo has it", |stage| texts(stage, ANNA).last().is_some_and(|text| text == "really")).await;
    let authors: Vec<_> = said(&stage, ANNA).into_iter().map(|(author, _)| author).collect();
    let (customer, bot) = (Author::Customer, Author::Bot);
    assert_eq!(authors, [customer, Author::Manager, bot, customer, bot, customer, customer]);
    let chat = stage.kommo.chat(&with_olga(ANNA)).unwrap();
    assert_eq!((chat.contact.name.as_str(), chat.messages[2].author_name.as_str()), ("Anna Petrova", "Olga"));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_outlives_its_connection() {
    let mut stage = connected("").await;
    let first = stage.telegram.connect_business(SALES.token, OLGA, &ALL);
    let second = stage.telegram.connect_business(SALES.token, OLGA, &ALL);
    assert_ne!(first, second);
    stage.until_settled().await;
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "still here");
    stage.until_chat_said(ANNA, &["Hello Olga", "still here"]).await;
    let id = stage.answer_as_olga(ANNA, "so am I").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    // A bridge that has lost its store asks whose connection it is.
    stage.stop_bridge().await;
    fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "and now?");
    stage.until_chat_said(ANNA, &["Hello Olga", "still here", "so am I", "and now?"]).await;
    let id = stage.answer_as_olga(ANNA, "always").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(from_olga(&stage, ANNA), ["so am I", "always"]);
    assert!(stage.telegram.requests().iter().any(|it| it.method == "getbusinessconnection"));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_right_an_answer_is_refused_and_with_it_it_goes() {
    let mut stage = connected("").await;
    stage.allow_leftovers();
    stage.telegram.set_business_rights(SALES.token, OLGA, &["can_read_messages"]);
    stage.until_all_is_taken().await;
    let id = stage.answer_as_olga(ANNA, "may I?").await;
    stage.assert_refused(&id, "may read this chat but not answer").await;
    stage.telegram.set_business_rights(SALES.token, OLGA, &ALL);
    stage.until_all_is_taken().await;
    let id = stage.answer_as_olga(ANNA, "I may").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.telegram.disconnect_business(SALES.token, OLGA);
    stage.until_all_is_taken().await;
    let id = stage.answer_as_olga(ANNA, "gone").await;
    stage.assert_refused(&id, "not connected").await;
    assert_eq!(from_olga(&stage, ANNA), ["I may"]);
    stage.parked(2).await;
    stage.finish().await;
}

/// What we believe may be wrong: Telegram is asked before an answer is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_was_given_back_unnoticed_is_found_out() {
    let stage = connected("").await;
    let id = stage.telegram.connect_business(SALES.token, OLGA, &ALL);
    let olga = json!({ "id": OLGA, "is_bot": false, "first_name": "Olga" });
    let ended = json!({ "id": id, "user": olga, "user_chat_id": OLGA, "date": 2_000_000_000, "is_enabled": false });
    stage.telegram.push_update(SALES.token, &json!({ "business_connection": ended }));
    stage.until_all_is_taken().await;
    let id = stage.answer_as_olga(ANNA, "hello").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_and_deletions_show_in_kommo() {
    let stage = connected("telegram.mark_read = true\n").await;
    stage.telegram.write_to_business(SALES.token, OLGA, BEN, "mine");
    stage.until_chat_said(BEN, &["mine"]).await;
    let wrong = stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "five");
    let sent = stage.telegram.write_as_business(SALES.token, OLGA, ANNA, "ok");
    stage.until_chat_said(ANNA, &["Hello Olga", "five", "ok"]).await;
    stage.telegram.edit_in_business(SALES.token, OLGA, ANNA, wrong, "six");
    stage.until("it is edited", |stage| texts(stage, ANNA) == ["Hello Olga", "six", "ok"]).await;
    stage.telegram.delete_in_business(SALES.token, OLGA, ANNA, &[wrong, sent, 999]);
    stage.until("it is deleted", |stage| texts(stage, ANNA) == ["Hello Olga", "[deleted]", "[deleted]"]).await;
    let last = stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "seven");
    stage.until("Kommo has it", |stage| texts(stage, ANNA).len() == 4).await;
    stage.until_settled().await;
    let read = |stage: &Harness, customer| stage.telegram.business_read_up_to(SALES.token, OLGA, customer);
    assert_eq!(read(&stage, ANNA), 0);
    let id = stage.answer_as_olga(ANNA, "good").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.until("it is read", |stage| read(stage, ANNA) == last).await;
    assert_eq!(read(&stage, BEN), 0);
    assert_eq!(statuses(&stage, &id), [Status::Delivered]);
    // What a manager wrote has no id of ours.
    let sent = stage.telegram.business_messages(SALES.token, OLGA, ANNA).pop().unwrap().message_id;
    stage.telegram.delete_in_business(SALES.token, OLGA, ANNA, &[last, sent]);
    stage.until("both are deleted", |stage| texts(stage, ANNA)[3..] == ["[deleted]", "[deleted]"]).await;
    stage.finish().await;
}

impl TestStage {
    async fn until_all_is_taken(&self) {
        crate::support::eventually("all updates are taken", async || self.telegram.pending(SALES.token) == 0).await;
        self.until_settled().await;
    }
}

/// The owner's own words on the phone tell nothing of what the customer has read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_read_once_the_customer_writes_and_not_when_the_owner_does() {
    let stage = connected("kommo.infer_read = true\n").await;
    let id = stage.answer_as_olga(ANNA, "Maria for Olga").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.telegram.write_as_business(SALES.token, OLGA, ANNA, "from my phone");
    stage.telegram.write_to_business(SALES.token, OLGA, BEN, "mine");
    stage.until_chat_said(ANNA, &["Hello Olga", "Maria for Olga", "from my phone"]).await;
    stage.until_chat_said(BEN, &["mine"]).await;
    assert_eq!(statuses(&stage, &id), [Status::Delivered]);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "thanks");
    stage.until("it is read", |stage| statuses(stage, &id) == [Status::Delivered, Status::Read]).await;
    stage.finish().await;
}

/// A message that does not say whose chat it is in is never taken for one of the bot's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_nobodys_chat_is_set_aside() {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    stage.allow_failures();
    let message: Value = json!({
        "business_connection_id": "unknown", "message_id": 7, "date": 1_786_017_600, "text": "hello",
        "from": { "id": ANNA, "is_bot": false, "first_name": "Anna" }, "chat": { "id": ANNA, "type": "private", "first_name": "Anna" },
    });
    stage.telegram.push_update(SALES.token, &json!({ "business_message": message }));
    stage.until_all_is_taken().await;
    let parked = stage.parked(1).await;
    assert!(parked[0].why.contains("whose chat this was written in"), "{parked:?}");
    assert!(stage.kommo.chats().is_empty());
    stage.finish().await;
}

/// What the bridge itself has told managers in the customer's chat with Olga.
fn notices(stage: &Harness) -> Vec<String> {
    texts(stage, ANNA).into_iter().filter(|text| text.contains("can be answered here for")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_reads_that_the_time_for_an_answer_is_nearly_over() {
    let mut stage = connected("").await;
    let hour = Duration::from_hours(1);
    // By Telegram's clock it was written 22 hours and a half ago.
    stage.telegram.clock().turn_back(hour * 22 + hour / 2);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "Is it still there?");
    stage.until("the manager is told", |stage| notices(stage).len() == 1).await;
    assert!(notices(&stage)[0].contains("for 90 minutes more"), "{:?}", notices(&stage));
    // Once is enough, also after a restart.
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    stage.telegram.clock().advance(hour * 22 + hour / 2);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "Hello?");
    stage.until("Kommo has it", |stage| texts(stage, ANNA).last().is_some_and(|text| text == "Hello?")).await;
    stage.until_settled().await;
    assert_eq!(notices(&stage).len(), 1);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_away_message_of_telegrams_answers_nothing() {
    let stage = connected("").await;
    let connection = stage.telegram.connect_business(SALES.token, OLGA, &ALL);
    let number = stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "Is it still there?");
    let away = json!({
        "business_connection_id": connection, "message_id": number + 1, "date": 1_786_017_600, "text": "We are closed",
        "from": { "id": OLGA, "is_bot": false, "first_name": "Olga" }, "is_from_offline": true,
        "chat": { "id": ANNA, "type": "private", "first_name": "Anna" },
    });
    stage.telegram.push_update(SALES.token, &json!({ "business_message": away }));
    stage.until("Kommo has both", |stage| texts(stage, ANNA).iter().any(|text| text == "We are closed")).await;
    stage.until_settled().await;
    let waits: Vec<_> =
        stage.store().questions().await.unwrap().into_iter().map(|(_, question)| question.message).collect();
    assert_eq!(waits, [number]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_of_the_time_where_the_bot_may_not_answer() {
    let stage = connected("").await;
    let hour = Duration::from_hours(1);
    stage.telegram.set_business_rights(SALES.token, OLGA, &["can_read_messages"]);
    stage.telegram.clock().turn_back(hour * 23);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "Hello?");
    stage.until("Kommo has it", |stage| texts(stage, ANNA).iter().any(|text| text == "Hello?")).await;
    stage.until_settled().await;
    assert_eq!(notices(&stage), Vec::<String>::new());
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_of_the_time_where_nothing_waits_or_it_is_over() {
    let mut stage = connected("").await;
    let hour = Duration::from_hours(1);
    let id = stage.answer_as_olga(ANNA, "Yes").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.telegram.clock().turn_back(hour * 25);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "long ago");
    stage.telegram.clock().advance(hour * 25);
    stage.telegram.write_to_business(SALES.token, OLGA, ANNA, "and now?");
    stage.telegram.write_as_business(SALES.token, OLGA, ANNA, "from my phone");
    // The bot's own chat with her has no end.
    stage.begin(SALES, ANNA).await;
    stage.until("all is there", |stage| texts(stage, ANNA).iter().any(|text| text == "from my phone")).await;
    stage.until_settled().await;
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    stage.until_settled().await;
    assert_eq!(stage.store().questions().await.unwrap(), Vec::new());
    assert_eq!(notices(&stage), Vec::<String>::new());
    stage.finish().await;
}
