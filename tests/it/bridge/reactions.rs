//! Managers' reactions to messages.

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, LINES, Line},
    kommo::{Author, ReactionShape, Status},
    telegram::{ChatMessage, Target},
};

use crate::support::{TestStage, conversation, eventually, statuses};

const SALES: Line = LINES[0];

impl TestStage {
    /// A manager reacts, and the bridge takes the hook.
    async fn manager_reacts(&self, message: &str, emoji: Option<&str>) {
        let answer = self.kommo.react(&conversation(SALES, ANNA), "Maria", message, emoji).await;
        assert_eq!(answer.status, Some(200));
    }

    /// What the customer sees below each message of the chat.
    fn reactions(&self) -> Vec<Option<String>> {
        self.telegram.messages(SALES.token, ANNA).into_iter().map(|message: ChatMessage| message.bot_reaction).collect()
    }

    async fn until_reactions_are(&self, want: &[Option<&str>]) {
        self.until_settled().await;
        assert_eq!(self.reactions().iter().map(Option::as_deref).collect::<Vec<_>>(), want);
    }

    fn customers_first(&self) -> String {
        let chat = self.kommo.chat(&conversation(SALES, ANNA)).unwrap();
        chat.messages.into_iter().find(|message| message.from == Author::Customer).unwrap().id
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_reacts_changes_it_and_takes_it_back() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let (theirs, ours) = (stage.customers_first(), stage.reply(SALES, ANNA, &"word ".repeat(1000)).await);
    for shape in [ReactionShape::Both, ReactionShape::Msgid, ReactionShape::Message] {
        stage.kommo.quirks(|quirks| quirks.reactions = shape);
        stage.manager_reacts(&ours, Some("❤\u{fe0f}")).await;
        stage.until_reactions_are(&[None, Some("❤"), None]).await;
        stage.manager_reacts(&theirs, Some("👍🏽")).await;
        stage.until_reactions_are(&[Some("👍"), Some("❤"), None]).await;
        // The customer's message by our id, also where Kommo's is not told.
        stage.manager_reacts(&theirs, Some("😂")).await;
        stage.until_reactions_are(&[Some("🤣"), Some("❤"), None]).await;
        // Nothing like it can be shown, so what was there stays.
        stage.manager_reacts(&theirs, Some("🦖")).await;
        stage.until_reactions_are(&[Some("🤣"), Some("❤"), None]).await;
        stage.manager_reacts(&theirs, None).await;
        stage.manager_reacts(&ours, None).await;
        stage.until_reactions_are(&[None, None, None]).await;
        // The same again within a second would be the same hook.
        stage.kommo.clock().advance(std::time::Duration::from_secs(1));
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_waits_for_the_message_that_it_is_about() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.fault(Target::method("sendMessage"), Fault::RetryAfter(1), 1);
    let ours = stage.reply(SALES, ANNA, "Coming").await;
    stage.manager_reacts(&ours, Some("🔥")).await;
    stage.until_reactions_are(&[None, Some("🔥")]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_is_tried_again_but_never_set_aside() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let theirs = stage.customers_first();
    // Once uncertain, once too fast: both are tried again.
    stage.telegram.fault(Target::method("setMessageReaction"), Fault::DropAfter, 1);
    stage.manager_reacts(&theirs, Some("👏")).await;
    stage.until_reactions_are(&[Some("👏")]).await;
    assert_eq!(stage.reaction_requests(), 2);
    // Telegram says no for good, or for longer than anybody waits: let go, and what follows arrives.
    let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: REACTION_INVALID"}"#.to_owned();
    stage.telegram.fault(Target::method("setMessageReaction"), Fault::Status { code: 400, body }, 1);
    stage.manager_reacts(&theirs, Some("🎉")).await;
    let id = stage.reply(SALES, ANNA, "Hello").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.telegram.fault(Target::method("setMessageReaction"), Fault::DropBefore, 100);
    stage.manager_reacts(&theirs, Some("🙏")).await;
    eventually("the reaction is let go", async || stage.waiting() == 0).await;
    stage.telegram.heal();
    stage.until_reactions_are(&[Some("👏"), None]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_waits_for_a_reaction() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.fault(Target::method("setMessageReaction"), Fault::RetryAfter(2), 1);
    stage.manager_reacts(&stage.customers_first(), Some("👏")).await;
    let id = stage.reply(SALES, ANNA, "Hello").await;
    stage.until("the answer is there", |stage| statuses(stage, &id) == [Status::Delivered]).await;
    assert_eq!(stage.reactions(), [None, None]);
    stage.until_reactions_are(&[Some("👏"), None]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_never_goes_to_another_chat() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    // What was written long ago is let go.
    let time = telekommo::clock::now().0 / 1000;
    let reaction = |conversation: &str, message: &str| {
        format!(
            r#"{{"time":{time},"action":{{"reaction":{{"message":{{"id":"x","client_id":"{message}"}},"conversation":{{"client_id":"{conversation}"}},"type":"react","emoji":"👍"}}}}}}"#
        )
    };
    let here = conversation(SALES, ANNA);
    let bot = SALES.token.split(':').next().unwrap();
    for (to, message) in [
        (here.as_str(), format!("tg:{bot}:{}:1", ANNA + 1)),
        (here.as_str(), format!("tg:1:{ANNA}:1")),
        (here.as_str(), "tg:nonsense".to_owned()),
        ("tg:sales:5", format!("tg:{bot}:{ANNA}:1")),
        ("tg:gone:5", format!("tg:{bot}:{ANNA}:1")),
        ("wa:5", format!("tg:{bot}:{ANNA}:1")),
    ] {
        assert_eq!(stage.hook(&reaction(to, &message)).await, Some(200), "{to} {message}");
    }
    stage.until_settled().await;
    assert_eq!(stage.reaction_requests(), 0);
    // The same hook once more is the same reaction.
    for _ in 0..2 {
        assert_eq!(stage.hook(&reaction(&here, &format!("tg:{bot}:{ANNA}:1"))).await, Some(200));
        stage.until_reactions_are(&[Some("👍")]).await;
    }
    assert_eq!(stage.reaction_requests(), 1);
    stage.finish().await;
}

impl TestStage {
    fn reaction_requests(&self) -> usize {
        self.telegram.requests().into_iter().filter(|it| it.method == "setmessagereaction").count()
    }

    async fn hook(&self, raw: &str) -> Option<u16> {
        self.kommo.send_hook(raw.as_bytes().to_vec(), telekommo::sandbox::kommo::SignatureMode::Valid).await.status
    }
}
