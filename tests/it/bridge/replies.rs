//! Messages that answer one message, messages that are changed, and reactions.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Author, Endpoint, Message, Status},
};

use crate::support::{TestStage, conversation, in_kommo, in_telegram};

const SALES: Line = LINES[0];
/// Of a message that Kommo does not know.
const UNKNOWN: &str = r#"{"error_code":404,"error_description":"NOT_FOUND"}"#;

impl TestStage {
    fn last_in_kommo(&self) -> Message {
        let chat = self.kommo.chat(&conversation(SALES, ANNA)).unwrap();
        chat.messages.into_iter().rfind(|message| message.from == Author::Customer).unwrap()
    }

    async fn until_kommo_has(&self, count: usize) -> Message {
        self.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).len() == count).await;
        self.until_settled().await;
        self.last_in_kommo()
    }

    async fn answer_to(&self, quoted: &str, text: &str) -> Option<i64> {
        let (id, hook) = self.kommo.reply_to(&conversation(SALES, ANNA), "Maria", text, quoted).await;
        assert_eq!(hook.status, Some(200));
        assert_eq!(self.outcome(&id).await, Status::Delivered);
        self.telegram.messages(SALES.token, ANNA).pop().unwrap().reply_to
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_answers_one_message() {
    let mut stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let first = stage.last_in_kommo();
    let long = stage.reply(SALES, ANNA, &"word ".repeat(1000)).await;
    assert_eq!(stage.outcome(&long).await, Status::Delivered);
    assert_eq!(stage.answer_to(&first.id, "To your question").await, Some(1));
    assert_eq!(stage.answer_to(&long, "To our own").await, Some(2), "the first part stands for all");
    // Without the links, our own id still tells.
    stage.stop_bridge().await;
    std::fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    assert_eq!(stage.answer_to(&first.id, "Again").await, Some(1));
    assert_eq!(stage.answer_to(&long, "And again").await, None);
    let last = in_telegram(&stage, SALES, ANNA).pop().unwrap();
    assert!(last.starts_with("> word") && last.ends_with("…\n\nAnd again"), "{last}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_answers_one_message() {
    let mut stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let (first, asked) = (stage.last_in_kommo(), stage.reply(SALES, ANNA, "When shall we call?").await);
    assert_eq!(stage.outcome(&asked).await, Status::Delivered);
    stage.telegram.write_reply(SALES.token, ANNA, "Today", 2);
    assert_eq!(stage.until_kommo_has(2).await.reply_to, Some(asked));
    stage.telegram.write_reply(SALES.token, ANNA, "As I said", 1);
    assert_eq!(stage.until_kommo_has(3).await.reply_to, Some(first.id));

    stage.stop_bridge().await;
    std::fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    stage.telegram.write_reply(SALES.token, ANNA, "Tomorrow", 2);
    let said = stage.until_kommo_has(4).await;
    assert_eq!((said.text.as_str(), said.reply_to), ("> When shall we call?\n\nTomorrow", None));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_changes_the_message_or_is_told_as_one() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.edit(SALES.token, ANNA, 1, "Hello");
    stage.until("Kommo shows the new wording", |stage| in_kommo(stage, SALES, ANNA) == ["Hello"]).await;
    stage.until_settled().await;
    assert!(stage.last_in_kommo().edited);

    let refusal = Fault::Status { code: 404, body: UNKNOWN.to_owned() };
    stage.kommo.fault(Endpoint::Message, refusal, 1);
    stage.telegram.edit(SALES.token, ANNA, 1, "Hello!");
    assert_eq!(stage.until_kommo_has(2).await.text, "[edited] Hello!");

    stage.stop_bridge().await;
    std::fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    stage.telegram.edit(SALES.token, ANNA, 1, "Hello!!");
    assert_eq!(stage.until_kommo_has(3).await.text, "[edited] Hello!!");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_of_the_customer_shows_in_kommo_until_it_is_taken_back() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let asked = stage.reply(SALES, ANNA, "Is this all right?").await;
    assert_eq!(stage.outcome(&asked).await, Status::Delivered);
    let reaction = |stage: &Harness| {
        let chat = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
        chat.messages.into_iter().find(|message| message.id == asked).unwrap().reaction
    };
    for emoji in [Some("👍"), Some("❤"), None] {
        stage.telegram.react(SALES.token, ANNA, 2, emoji);
        stage.until("Kommo shows it", |stage| reaction(stage).as_deref() == emoji).await;
    }
    // One that Kommo refuses is let go, and holds up nothing.
    stage.kommo.fault(Endpoint::React, Fault::Status { code: 404, body: UNKNOWN.to_owned() }, 1);
    stage.telegram.react(SALES.token, ANNA, 2, Some("🔥"));
    stage.telegram.write(SALES.token, ANNA, "Yes");
    assert_eq!(stage.until_kommo_has(2).await.text, "Yes");
    assert_eq!(reaction(&stage), None);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_kommo_refuses_with_its_quote_goes_without_it() {
    let mut stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    stage.allow_failures();
    let asked = stage.reply(SALES, ANNA, "When shall we call?").await;
    assert_eq!(stage.outcome(&asked).await, Status::Delivered);
    let body = r#"{"error_code":400,"error_description":"no such message"}"#.to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 400, body }, 1);
    stage.telegram.write_reply(SALES.token, ANNA, "Today", 2);
    let told = stage.until_kommo_has(2).await;
    assert_eq!((told.text.as_str(), told.reply_to), ("> When shall we call?\n\nToday", None));
    stage.finish().await;
}
