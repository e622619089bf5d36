//! Groups, supergroups and channels.

use std::{fs, time::Duration};

use telekommo::sandbox::{
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::{Attachment, AttachmentKind, Author, CaptionOn, Draft, Pace, Serving, Status},
    telegram::{GroupKind, NewGroup},
};

use crate::{
    bridge::samples::jpeg,
    support::{TestStage, conversation, eventually, in_kommo, in_telegram, statuses},
};

const SALES: Line = LINES[0];
const TEAM: i64 = -42;
const BIG_TEAM: i64 = -1_000_000_000_042;
const NEWS: i64 = -1_000_000_000_077;
const RELAY: &str = "telegram.groups = \"relay\"\n";

async fn with_group(settings: &str, id: i64, kind: GroupKind) -> TestStage {
    let stage = TestStage::with(settings).await;
    stage.telegram.set_reads_all(SALES.token, true);
    let group = NewGroup { id, kind, title: "Team".to_owned(), members: vec![ANNA, BEN] };
    stage.telegram.add_group(SALES.token, group);
    stage
}

impl TestStage {
    async fn until_group_said(&self, group: i64, expected: &[&str]) {
        self.until("Kommo has it", |stage| in_kommo(stage, SALES, group).len() >= expected.len()).await;
        self.until_settled().await;
        assert_eq!(in_kommo(self, SALES, group), expected);
    }
}

/// What the channel's bot has said in the group's chat.
fn notices(stage: &Harness, group: i64) -> Vec<String> {
    let chat = stage.kommo.chat(&format!("tg:sales:{group}")).unwrap();
    chat.messages.into_iter().filter(|it| it.from == Author::Bot).map(|it| it.text).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_group_reaches_kommo_unless_it_is_wanted() {
    let stage = with_group("", TEAM, GroupKind::Group).await;
    stage.telegram.write_in_group(SALES.token, TEAM, ANNA, "secret");
    stage.telegram.migrate(SALES.token, TEAM, BIG_TEAM);
    stage.telegram.write_in_group(SALES.token, BIG_TEAM, BEN, "secret");
    stage.telegram.kick(SALES.token, BIG_TEAM, ANNA);
    stage.telegram.write(SALES.token, ANNA, "in private");
    stage.until("the private message arrives", |stage| in_kommo(stage, SALES, ANNA) == ["in private"]).await;
    eventually("all is confirmed", async || stage.telegram.pending(SALES.token) == 0).await;
    stage.until_settled().await;
    assert_eq!(stage.kommo.chats().len(), 1);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_one_conversation_of_many_speakers() {
    let mut stage = with_group(RELAY, TEAM, GroupKind::Group).await;
    stage.allow_leftovers();
    stage.telegram.write_in_group(SALES.token, TEAM, ANNA, "when?");
    stage.telegram.write_in_group(SALES.token, TEAM, BEN, "tomorrow");
    stage.until_group_said(TEAM, &["Anna Petrova: when?", "Ben Okafor: tomorrow"]).await;
    let contact = stage.kommo.chat(&format!("tg:sales:{TEAM}")).unwrap().contact;
    assert_eq!((contact.name.as_str(), contact.client_id.as_str()), ("Team", "tg-chat:-42"));
    let id = stage.reply(SALES, TEAM, "fine").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, TEAM), ["fine"]);
    assert_eq!(in_telegram(&stage, SALES, ANNA), [""; 0]);

    stage.telegram.kick(SALES.token, TEAM, ANNA);
    stage.until("the manager is told", |stage| notices(stage, TEAM).len() == 1).await;
    assert!(notices(&stage, TEAM)[0].contains("was removed"));
    stage.allow_failures();
    let id = stage.reply(SALES, TEAM, "hello?").await;
    assert!(matches!(stage.outcome(&id).await, Status::Failed { code: 901, .. }));
    stage.telegram.let_in(SALES.token, TEAM, BEN);
    stage.until("the manager is told", |stage| notices(stage, TEAM).len() == 2).await;
    let id = stage.reply(SALES, TEAM, "back").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.parked(1).await;
    stage.finish().await;
}

/// Kommo would take them for one who changes their mind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_members_of_a_group_react_with_is_let_go() {
    let stage = with_group(RELAY, TEAM, GroupKind::Group).await;
    let first = stage.telegram.write_in_group(SALES.token, TEAM, ANNA, "tomorrow?");
    stage.until_group_said(TEAM, &["Anna Petrova: tomorrow?"]).await;
    eventually("all is confirmed", async || stage.telegram.pending(SALES.token) == 0).await;
    let react = |who, emoji| stage.telegram.react_in_group(SALES.token, TEAM, who, first, emoji);
    react(BEN, Some("👍"));
    assert_eq!(stage.telegram.pending(SALES.token), 0, "a bot that is no administrator is not told");
    stage.telegram.promote(SALES.token, TEAM, ANNA);
    react(ANNA, Some("❤"));
    react(BEN, None);
    stage.telegram.write_in_group(SALES.token, TEAM, BEN, "yes");
    stage.until_group_said(TEAM, &["Anna Petrova: tomorrow?", "Ben Okafor: yes"]).await;
    assert!(stage.kommo.requests().iter().all(|it| !it.path.ends_with("/react")));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_speaks_as_itself() {
    let stage = with_group(RELAY, NEWS, GroupKind::Channel).await;
    stage.telegram.post(SALES.token, NEWS, "open today");
    stage.until_group_said(NEWS, &["Team: open today"]).await;
    let id = stage.reply(SALES, NEWS, "and tomorrow").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, SALES, NEWS), ["and tomorrow"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_becomes_a_supergroup_stays_one_conversation() {
    // What is written right after a start is then known by its hook alone, and so is what it answers.
    let mut stage = with_group(RELAY, TEAM, GroupKind::Group).await;
    stage.telegram.write_in_group(SALES.token, TEAM, ANNA, "before");
    stage.until_group_said(TEAM, &["Anna Petrova: before"]).await;
    stage.telegram.migrate(SALES.token, TEAM, BIG_TEAM);
    stage.telegram.write_in_group(SALES.token, BIG_TEAM, BEN, "after");
    stage.until_group_said(TEAM, &["Anna Petrova: before", "Ben Okafor: after"]).await;
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
    let quoted = stage.kommo.chat(&format!("tg:sales:{TEAM}")).unwrap().messages.pop().unwrap();
    let (id, _) = stage.kommo.reply_to(&format!("tg:sales:{TEAM}"), "Maria", "to Ben", &quoted.id).await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    let sent = stage.telegram.messages(SALES.token, BIG_TEAM).pop().unwrap();
    assert_eq!((sent.text.as_str(), sent.reply_to), ("to Ben", Some(2)));
    // Without the store Telegram says where the group is now.
    stage.stop_bridge().await;
    fs::remove_dir_all(stage.dir().join("data")).unwrap();
    stage.start_bridge().await.unwrap();
    stage.allow_failures();
    let id = stage.reply(SALES, TEAM, "found").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.telegram.write_in_group(SALES.token, BIG_TEAM, ANNA, "good");
    stage.until_group_said(TEAM, &["Anna Petrova: before", "Ben Okafor: after", "Anna Petrova: good"]).await;
    assert_eq!(in_telegram(&stage, SALES, BIG_TEAM), ["to Ben", "found"]);
    assert_eq!(stage.kommo.chats().len(), 1);
    assert_eq!(statuses(&stage, &id), [Status::Delivered]);
    let chat = stage.kommo.chat(&format!("tg:sales:{TEAM}")).unwrap();
    assert_eq!((chat.contact.client_id.as_str(), chat.others.len()), ("tg-chat:-42", 0), "one group is one card");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_on_their_way_follow_a_group_that_becomes_a_supergroup() {
    for count in [1, 3] {
        let mut stage = with_group(RELAY, TEAM, GroupKind::Group).await;
        stage.allow_failures();
        stage.telegram.write_in_group(SALES.token, TEAM, ANNA, "before");
        stage.until_group_said(TEAM, &["Anna Petrova: before"]).await;
        let photo = |n: usize| jpeg(800, 600, 300_000 + n);
        let slow = || Serving::Slow { piece_bytes: 100_000, pause: Duration::from_millis(300) };
        let file = |n| Attachment::new(AttachmentKind::Picture, "x.jpg", photo(n)).served(slow());
        let (asked, drafts) =
            (stage.kommo.requests().len(), Draft::files((0..count).map(file).collect(), "The hall", CaptionOn::First));
        let said = stage.kommo.say_together(&conversation(SALES, TEAM), "Maria", drafts, Pace::InTurn).await;
        eventually("the files are fetched", async || stage.kommo.requests().len() >= asked + count).await;
        stage.telegram.migrate(SALES.token, TEAM, BIG_TEAM);
        for (id, _) in &said {
            assert_eq!(stage.outcome(id).await, Status::Delivered);
        }
        let sent: Vec<_> =
            stage.telegram.messages(SALES.token, BIG_TEAM).into_iter().filter(|it| it.from_bot).collect();
        assert_eq!(sent.iter().filter(|it| it.media_group_id.is_some()).count(), if count == 1 { 0 } else { count });
        assert_eq!(sent.len(), count, "each once");
        for (n, message) in sent.iter().enumerate() {
            stage.assert_holds(message, &photo(n));
        }
        assert!(in_telegram(&stage, SALES, TEAM).is_empty());
        stage.finish().await;
    }
}
