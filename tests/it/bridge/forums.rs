//! Chats with topics: answers go to the one that the talk is in.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    kommo::{Attachment, AttachmentKind, CaptionOn, Draft, Pace, Status},
    telegram::{ChatMessage, GroupKind, NewGroup, Target},
};

use crate::{
    bridge::samples::{jpeg, pdf},
    support::{TestStage, conversation, in_kommo, in_telegram},
};

const SALES: Line = LINES[0];
const FORUM: i64 = -1_000_000_000_042;

/// A forum with two topics, in which Kommo has heard of both.
async fn forum() -> (TestStage, i64, i64) {
    let stage = TestStage::with("telegram.groups = \"relay\"\n").await;
    stage.telegram.set_reads_all(SALES.token, true);
    let members = vec![ANNA, BEN];
    let group = NewGroup { id: FORUM, kind: GroupKind::Supergroup, title: "Club".to_owned(), members };
    stage.telegram.add_group(SALES.token, group);
    let prices = stage.telegram.open_topic(SALES.token, FORUM, ANNA, "Prices");
    let travel = stage.telegram.open_topic(SALES.token, FORUM, BEN, "Travel");
    stage.telegram.write_in_topic(SALES.token, FORUM, ANNA, prices, "how much?");
    stage
        .until_forum_said(&[
            "Anna Petrova: [topic created] Prices",
            "Ben Okafor: [topic created] Travel",
            "[Prices] Anna Petrova: how much?",
        ])
        .await;
    (stage, prices, travel)
}

impl TestStage {
    async fn until_forum_said(&self, expected: &[&str]) {
        self.until("Kommo has it", |stage| in_kommo(stage, SALES, FORUM).len() >= expected.len()).await;
        self.until_settled().await;
        assert_eq!(in_kommo(self, SALES, FORUM), expected);
    }

    /// Somebody writes in a topic, and Kommo has it.
    async fn said_in(&self, topic: i64, text: &str) {
        self.telegram.write_in_topic(SALES.token, FORUM, BEN, topic, text);
        self.until("Kommo has it", |stage| in_kommo(stage, SALES, FORUM).last().is_some_and(|it| it.ends_with(text)))
            .await;
        self.until_settled().await;
    }

    fn bots_own(&self) -> Vec<ChatMessage> {
        let messages = self.telegram.messages(SALES.token, FORUM);
        messages.into_iter().filter(|message| message.from_bot).collect()
    }

    /// A manager says something, it is delivered, and these are the topics of what the members see of it.
    async fn topics_of(&self, drafts: Vec<Draft>) -> Vec<Option<i64>> {
        let before = self.bots_own().len();
        let said = self.kommo.say_together(&conversation(SALES, FORUM), "Maria", drafts, Pace::InTurn).await;
        for (id, hook) in said {
            assert_eq!(hook.status, Some(200));
            assert_eq!(self.outcome(&id).await, Status::Delivered);
        }
        self.bots_own().split_off(before).into_iter().map(|message| message.topic).collect()
    }

    async fn topics_of_text(&self, text: &str) -> Vec<Option<i64>> {
        self.topics_of(vec![Draft::text(text)]).await
    }

    fn thread_refusals(&self) -> usize {
        self.telegram.requests().iter().filter(|it| it.status == Some(400)).count()
    }
}

fn file() -> Draft {
    Draft::file(Attachment::new(AttachmentKind::File, "prices.pdf", pdf(500)))
}

fn photos() -> Vec<Draft> {
    let photo = |n: usize| Attachment::new(AttachmentKind::Picture, format!("{n}.jpg"), jpeg(800, 600, 1000 + n));
    Draft::files(vec![photo(1), photo(2)], "both", CaptionOn::First)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_goes_to_the_topic_of_the_newest_message_or_of_what_it_quotes() {
    let (mut stage, prices, travel) = forum().await;
    assert_eq!(stage.topics_of_text("ten").await, [Some(prices)]);
    stage.said_in(travel, "when?").await;
    assert_eq!(stage.topics_of_text(&"word ".repeat(1000)).await, [Some(travel); 2]);
    assert_eq!(stage.topics_of(vec![file()]).await, [Some(travel)]);
    assert_eq!(stage.topics_of(photos()).await, [Some(travel); 2]);
    let typed = stage.kommo.typing(&conversation(SALES, FORUM)).await;
    assert_eq!(typed.status, Some(200));
    let typing = |stage: &telekommo::sandbox::harness::Harness| {
        let requests = stage.telegram.requests();
        requests.iter().rfind(|it| it.method == "sendchataction").map(|it| it.args["message_thread_id"].clone())
    };
    stage.until("they see it in the topic", |stage| typing(stage) == Some(travel.into())).await;
    // The bridge remembers it.
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    assert_eq!(stage.topics_of_text("at six").await, [Some(travel)]);
    // All of an answer stays together, and the talk goes on where it was taken to.
    let chat = stage.kommo.chat(&conversation(SALES, FORUM)).unwrap();
    let asked = chat.messages.into_iter().find(|it| it.text.ends_with("how much?")).unwrap().id;
    let quoting = Draft::text("word ".repeat(1000)).answering(asked);
    assert_eq!(stage.topics_of(vec![quoting]).await, [Some(prices); 2]);
    assert_eq!(stage.topics_of_text("anything else?").await, [Some(prices)]);
    // What is written outside of all topics is answered there.
    stage.telegram.write_in_group(SALES.token, FORUM, ANNA, "hello all");
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, FORUM).last().unwrap().ends_with("hello all")).await;
    stage.until_settled().await;
    assert_eq!(stage.topics_of_text("hello").await, [None]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_topic_is_no_more_the_answer_arrives_all_the_same() {
    let (mut stage, prices, travel) = forum().await;
    stage.allow_failures();
    stage.telegram.delete_topic(SALES.token, FORUM, prices);
    assert_eq!(stage.topics_of_text("ten").await, [None]);
    assert_eq!((stage.topics_of(vec![file()]).await, stage.thread_refusals()), (vec![None], 1), "asked for once");

    stage.said_in(travel, "when?").await;
    stage.telegram.close_topic(SALES.token, FORUM, travel);
    assert_eq!(stage.topics_of(vec![file()]).await, [None]);
    // Nor can it be an answer to what is in there.
    let chat = stage.kommo.chat(&conversation(SALES, FORUM)).unwrap();
    let asked = || chat.messages.iter().find(|it| it.text.ends_with("when?")).unwrap().id.clone();
    assert_eq!(stage.topics_of(vec![Draft::text("at six").answering(asked())]).await, [None]);
    assert_eq!(stage.topics_of(vec![file().answering(asked())]).await, [None]);

    let food = stage.telegram.open_topic(SALES.token, FORUM, BEN, "Food");
    stage.said_in(food, "hungry").await;
    stage.telegram.close_topic(SALES.token, FORUM, food);
    assert_eq!(stage.topics_of(photos()).await, [None; 2]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_what_was_deleted_stays_where_the_talk_is() {
    let (mut stage, prices, travel) = forum().await;
    stage.allow_failures();
    stage.said_in(travel, "when?").await;
    let chat = stage.kommo.chat(&conversation(SALES, FORUM)).unwrap();
    let asked = || chat.messages.iter().find(|it| it.text.ends_with("how much?")).unwrap().id.clone();
    stage.telegram.delete_topic(SALES.token, FORUM, prices);
    assert_eq!(stage.topics_of(vec![Draft::text("ten").answering(asked())]).await, [Some(travel)]);
    assert_eq!(stage.topics_of(vec![file().answering(asked())]).await, [Some(travel)]);
    let [first, second] = photos().try_into().unwrap();
    assert_eq!(stage.topics_of(vec![first.answering(asked()), second]).await, [Some(travel); 2]);
    assert_eq!(stage.thread_refusals(), 3, "one for each");
    stage.telegram.delete_topic(SALES.token, FORUM, travel);
    assert_eq!(stage.topics_of(vec![Draft::text("ten").answering(asked())]).await, [None]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_what_is_in_a_closed_topic_goes_to_where_the_talk_is() {
    let (mut stage, prices, travel) = forum().await;
    stage.allow_failures();
    stage.said_in(travel, "when?").await;
    let chat = stage.kommo.chat(&conversation(SALES, FORUM)).unwrap();
    let asked = chat.messages.iter().find(|it| it.text.ends_with("how much?")).unwrap().id.clone();
    stage.telegram.close_topic(SALES.token, FORUM, prices);
    assert_eq!(stage.topics_of(vec![Draft::text("ten").answering(asked)]).await, [Some(travel)]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_stays_together_wherever_the_talk_goes_meanwhile() {
    let (mut stage, prices, travel) = forum().await;
    stage.allow_failures();
    stage.said_in(travel, "when?").await;
    let chat = stage.kommo.chat(&conversation(SALES, FORUM)).unwrap();
    let asked = chat.messages.iter().find(|it| it.text.ends_with("how much?")).unwrap().id.clone();
    // The second part has to wait, and somebody writes elsewhere.
    stage.telegram.fault(Target::method("sendMessage"), Fault::RetryAfter(2), 1);
    let long = file().saying("word ".repeat(300)).answering(asked);
    let said = stage.kommo.say_together(&conversation(SALES, FORUM), "Maria", vec![long], Pace::InTurn).await;
    stage.until("the text waits", |stage| stage.telegram.requests().iter().any(|it| it.status == Some(429))).await;
    stage.said_in(travel, "and when?").await;
    assert_eq!(stage.outcome(&said[0].0).await, Status::Delivered);
    assert_eq!(stage.bots_own().iter().map(|it| it.topic).collect::<Vec<_>>(), [Some(prices); 2]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_chat_with_topics_is_the_same() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let order = stage.telegram.open_topic(SALES.token, ANNA, ANNA, "My order");
    stage.telegram.write_in_own_topic(SALES.token, ANNA, order, "where is it?");
    stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    stage.until_settled().await;
    // Nobody has quoted the beginning of the topic.
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start", "[topic created] My order", "where is it?"]);
    let id = stage.reply(SALES, ANNA, "on its way").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["on its way"]);
    assert_eq!(stage.telegram.messages(SALES.token, ANNA).pop().unwrap().topic, Some(order));
    stage.finish().await;
}
