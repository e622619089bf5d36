//! Which answers count as read, where that is inferred from what customers do.

use serde_json::json;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    kommo::Status::{self, Delivered, Failed, Read},
    telegram::{GroupKind, NewGroup, Target},
};

use crate::support::{TestStage, conversation, in_kommo, statuses};

const SALES: Line = LINES[0];
const INFER: &str = "kommo.infer_read = true\n";

impl TestStage {
    /// A manager answers, with a button below it, and the customer gets it. Gives Kommo's id and Telegram's number.
    async fn arrived(&self, text: &str) -> (String, i64) {
        let markup = json!({ "mode": "inline", "buttons": [[{ "text": "Yes" }]] });
        let (id, hook) = self.kommo.reply_with(&conversation(SALES, ANNA), "Salesbot", text, markup).await;
        assert_eq!(hook.status, Some(200));
        assert_eq!(self.outcome(&id).await, Delivered);
        (id, self.telegram.messages(SALES.token, ANNA).pop().unwrap().message_id)
    }

    /// The customer writes, and all that follows from it has come to an end.
    async fn write_and_settle(&self, text: &str) {
        self.telegram.write(SALES.token, ANNA, text);
        self.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).last().is_some_and(|last| last == text)).await;
        self.until_settled().await;
    }

    fn assert_told(&self, expected: &[(&str, &[Status])]) {
        for (id, want) in expected {
            assert_eq!(statuses(self, id), *want, "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_has_read_what_was_there_before() {
    let mut stage = TestStage::with(INFER).await;
    stage.begin(SALES, ANNA).await;
    stage.begin(SALES, BEN).await;
    let (first, _) = stage.arrived("one").await;
    let long = stage.reply(SALES, ANNA, &"word ".repeat(2000)).await;
    assert_eq!(stage.outcome(&long).await, Delivered);
    let others = stage.reply(SALES, BEN, "for Ben").await;
    assert_eq!(stage.outcome(&others).await, Delivered);
    // What is expected to be read outlives the bridge.
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    stage.write_and_settle("thanks").await;
    stage.assert_told(&[(&first, &[Delivered, Read]), (&long, &[Delivered, Read]), (&others, &[Delivered])]);

    let (later, _) = stage.arrived("two").await;
    stage.stop_bridge().await;
    stage.telegram.write(SALES.token, ANNA, "and while it is down");
    stage.start_bridge().await.unwrap();
    stage.until("it is read", |stage| statuses(stage, &later).len() == 2).await;
    stage.write_and_settle("bye").await;
    // Each is told once.
    stage.assert_told(&[(&first, &[Delivered, Read]), (&long, &[Delivered, Read]), (&later, &[Delivered, Read])]);
    stage.assert_told(&[(&others, &[Delivered])]);
    stage.finish().await;
}

/// What counts is which of both Telegram had first, whatever reaches Kommo first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_came_before_an_answer_do_not_show_that_it_was_read() {
    let mut stage = TestStage::with(INFER).await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.kommo.down(true).unwrap();
    stage.telegram.write(SALES.token, ANNA, "hello?");
    stage.until("Telegram has forgotten it", |stage| stage.telegram.pending(SALES.token) == 0).await;
    let id = stage.reply(SALES, ANNA, "hello").await;
    stage.until("it has arrived", |stage| stage.telegram.messages(SALES.token, ANNA).len() == 3).await;
    stage.kommo.down(false).unwrap();
    stage
        .until("Kommo has both", |stage| in_kommo(stage, SALES, ANNA).len() == 2 && !statuses(stage, &id).is_empty())
        .await;
    stage.until_settled().await;
    stage.assert_told(&[(&id, &[Delivered])]);
    stage.write_and_settle("there you are").await;
    stage.assert_told(&[(&id, &[Delivered, Read])]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_and_a_reaction_show_what_was_read_up_to_there() {
    let stage = TestStage::with(INFER).await;
    stage.begin(SALES, ANNA).await;
    let (first, about) = stage.arrived("one").await;
    let (second, _) = stage.arrived("two").await;
    let (third, asked) = stage.arrived("three").await;
    let (fourth, _) = stage.arrived("four").await;
    stage.telegram.react(SALES.token, ANNA, about, Some("👍"));
    stage.until("the first is read", |stage| statuses(stage, &first) == [Delivered, Read]).await;
    stage.until_settled().await;
    stage.assert_told(&[(&second, &[Delivered]), (&third, &[Delivered]), (&fourth, &[Delivered])]);
    stage.telegram.press(SALES.token, ANNA, asked, 0, 0);
    stage.until("the third is read", |stage| statuses(stage, &third) == [Delivered, Read]).await;
    stage.until_settled().await;
    stage.assert_told(&[(&first, &[Delivered, Read]), (&second, &[Delivered, Read]), (&fourth, &[Delivered])]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_for_later_shows_nothing() {
    let stage = TestStage::with(INFER).await;
    stage.begin(SALES, ANNA).await;
    let (id, number) = stage.arrived("one").await;
    let person = json!({ "id": ANNA, "is_bot": false, "first_name": "Anna" });
    let later = json!({ "message_id": number + 1000, "date": 1_790_000_000, "from": person, "is_from_offline": true,
        "chat": { "id": ANNA, "type": "private", "first_name": "Anna" }, "text": "good morning" });
    stage.telegram.push_update(SALES.token, &json!({ "message": later }));
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).last().unwrap() == "good morning").await;
    stage.until_settled().await;
    stage.assert_told(&[(&id, &[Delivered])]);
    stage.write_and_settle("I am here").await;
    stage.assert_told(&[(&id, &[Delivered, Read])]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_chat_with_topics_each_is_read_by_itself() {
    let stage = TestStage::with(INFER).await;
    stage.begin(SALES, ANNA).await;
    let (outside, about) = stage.arrived("outside").await;
    let order = stage.telegram.open_topic(SALES.token, ANNA, ANNA, "My order");
    let write = async |text: &str| {
        stage.telegram.write_in_own_topic(SALES.token, ANNA, order, text);
        stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).last().unwrap() == text).await;
        stage.until_settled().await;
    };
    write("where is it?").await;
    stage.assert_told(&[(&outside, &[Delivered])]);
    let (inside, asked) = stage.arrived("on its way").await;
    stage.write_and_settle("hello?").await;
    stage.assert_told(&[(&outside, &[Delivered, Read]), (&inside, &[Delivered])]);
    // Of a reaction, Telegram does not tell the topic.
    let (next, next_about) = stage.arrived("here").await;
    stage.telegram.react(SALES.token, ANNA, asked, Some("👍"));
    stage.until("it is read", |stage| statuses(stage, &inside) == [Delivered, Read]).await;
    write("thanks").await;
    stage.telegram.react(SALES.token, ANNA, about, Some("👍"));
    stage.telegram.press(SALES.token, ANNA, asked, 0, 0);
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).last().unwrap() == "Yes").await;
    stage.until_settled().await;
    stage.assert_told(&[(&next, &[Delivered])]);
    stage.telegram.react(SALES.token, ANNA, next_about, Some("👍"));
    stage.until("it is read", |stage| statuses(stage, &next) == [Delivered, Read]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_inferred_unless_it_is_wanted() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let (id, about) = stage.arrived("one").await;
    stage.telegram.press(SALES.token, ANNA, about, 0, 0);
    stage.write_and_settle("thanks").await;
    stage.assert_told(&[(&id, &[Delivered])]);
    assert!(stage.store().unread(&conversation(SALES, ANNA).parse().unwrap()).unwrap().is_empty());
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_has_failed_stays_failed() {
    let mut stage = TestStage::with(INFER).await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    stage.telegram.fault(Target::method("sendMessage"), Fault::DropAfter, 1);
    let id = stage.reply(SALES, ANNA, "it has arrived, but nobody knows").await;
    assert!(matches!(stage.outcome(&id).await, Failed { .. }));
    stage.write_and_settle("what?").await;
    assert_eq!(statuses(&stage, &id).len(), 1);
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_one_members_words_say_nothing_of_the_others() {
    const TEAM: i64 = -42;
    let stage = TestStage::with(&format!("{INFER}telegram.groups = \"relay\"\n")).await;
    stage.telegram.set_reads_all(SALES.token, true);
    let members = vec![ANNA, BEN];
    stage
        .telegram
        .add_group(SALES.token, NewGroup { id: TEAM, kind: GroupKind::Group, title: "Team".to_owned(), members });
    stage.telegram.write_in_group(SALES.token, TEAM, ANNA, "when?");
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, TEAM).len() == 1).await;
    let id = stage.reply(SALES, TEAM, "at six").await;
    assert_eq!(stage.outcome(&id).await, Delivered);
    stage.telegram.write_in_group(SALES.token, TEAM, BEN, "good");
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, TEAM).len() == 2).await;
    stage.until_settled().await;
    stage.assert_told(&[(&id, &[Delivered])]);
    stage.finish().await;
}
