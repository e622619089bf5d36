//! What is known of the ways to chats.

use super::*;
use crate::domain::{
    address::{KommoChatId, MessageId, UserId},
    timestamps::Arrived,
};

/// Keeps changes, by a job that is done.
pub(super) async fn apply(store: &Store, changes: Vec<StateChange>) {
    let job = NewJob { id: None, lane: lane("changes"), job: named_job("change") };
    store.push(Intake { jobs: vec![job], offset: None }, NOW).await.unwrap();
    let lease = store.claim(&Route::Inbound, NOW).unwrap().unwrap();
    lease.settle(Outcome::Done { then: Vec::new(), changes }, NOW).await.unwrap();
}

fn group(id: i64) -> Conversation {
    Conversation::new(SourceId::parse("sales").unwrap(), id)
}

fn connection(id: &str, made_at: i64, enabled: bool) -> Connection {
    Connection {
        id: id.to_owned(),
        owner: UserId(5),
        name: "Olga".to_owned(),
        enabled,
        can_reply: enabled,
        can_read: false,
        made_at: UnixMillis(made_at),
    }
}

#[tokio::test]
async fn a_group_keeps_its_first_conversation_however_often_it_moves() {
    let home = Home::new();
    let store = home.open();
    for (from, to) in [(-1, -2), (-1, -2), (-2, -3)] {
        apply(&store, vec![StateChange::Move { from: group(from), to }]).await;
    }
    assert_eq!(store.moved_to(&group(-1)).unwrap(), Some(-3));
    for now in [-2, -3] {
        assert_eq!(store.moved_from(&group(now)).unwrap(), Some(group(-1)));
    }
    assert_eq!((store.moved_from(&group(-1)).unwrap(), store.moved_to(&group(-9)).unwrap()), (None, None));
    store.close().await.unwrap();
    assert_eq!(home.open().moved_to(&group(-1)).unwrap(), Some(-3));
}

#[tokio::test]
async fn a_group_that_has_begun_anew_in_kommo_stays_there() {
    let store = Home::new().open();
    let chat = Chat { chat: KommoChatId("c".to_owned()), user: None };
    apply(&store, vec![StateChange::Chat { conversation: group(-100), chat }]).await;
    apply(&store, vec![StateChange::Move { from: group(-1), to: -100 }]).await;
    assert_eq!((store.moved_from(&group(-100)).unwrap(), store.moved_to(&group(-1)).unwrap()), (None, None));
}

#[tokio::test]
async fn answers_go_by_the_newest_connection_of_a_person() {
    let store = Home::new().open();
    let bot = BotId(1);
    let newest = || store.connection_of(bot, UserId(5)).unwrap().map(|it| (it.id, it.enabled));
    for (connection, want) in [
        (connection("first", 1000, true), ("first", true)),
        (connection("second", 2000, true), ("second", true)),
        // The end of the first is reported late.
        (connection("first", 1000, false), ("second", true)),
        // The same second: the one that holds counts.
        (connection("third", 2000, false), ("second", true)),
        (connection("second", 2000, false), ("second", false)),
        (connection("fourth", 2000, true), ("fourth", true)),
    ] {
        apply(&store, vec![StateChange::Connection { bot, connection }]).await;
        assert_eq!(newest(), Some((want.0.to_owned(), want.1)));
    }
    assert_eq!(store.connection(bot, "first").unwrap().map(|it| it.enabled), Some(false));
    assert_eq!(store.connection_of(BotId(2), UserId(5)).unwrap(), None);
    assert_eq!(store.connection(BotId(2), "first").unwrap(), None);
}

#[tokio::test]
async fn what_waits_for_another_try_is_due_when_the_bot_is_shut_out() {
    let store = Home::new().open();
    let chat = group(7);
    let outbound = Lane::outbound(&chat);
    let job = NewJob { id: None, lane: outbound.clone(), job: named_job("answer") };
    store.push(Intake { jobs: vec![job], offset: None }, NOW).await.unwrap();
    let later = Outcome::Retry { at: NOW.plus(HOUR), counts: true, why: "down".to_owned() };
    store.claim(&outbound.route, NOW).unwrap().unwrap().settle(later, NOW).await.unwrap();
    for (shut_out, due) in [(false, false), (true, true), (true, true)] {
        let membership = Membership { shut_out, changed_at: NOW, update: 1, learnt_at: NOW };
        apply(&store, vec![StateChange::Membership { conversation: chat.clone(), membership }]).await;
        assert_eq!(store.due(&outbound.route) == Some(Due::Now), due, "{shut_out}");
    }
    drop(store.claim(&outbound.route, NOW).unwrap().expect("it can be claimed"));
    assert!(store.claim(&outbound.route, NOW).unwrap().is_some(), "and again");
}

/// An album is one job: its changes are kept in one go.
#[tokio::test]
async fn all_that_arrives_in_one_go_is_kept() {
    let store = Home::new().open();
    let ours = |message| MessageId { bot: BotId(1), chat: 7.into(), message, update: None };
    let arrived = |n| Arrived { ours: ours(n), written_at: UnixMillis(n * 1000) };
    let change = |chat, n| StateChange::Arrived { conversation: group(chat), arrived: arrived(n) };
    apply(&store, vec![change(7, 1)]).await;
    apply(&store, vec![change(7, 2), change(8, 3), change(7, 4)]).await;
    assert_eq!(store.arrived(&group(7)).unwrap(), [1, 2, 4].map(arrived));
    assert_eq!(store.arrived(&group(8)).unwrap(), [arrived(3)]);
    let kommo = KommoMessageId("m".to_owned());
    let links = [5, 6, 5].map(|n| StateChange::Link { ours: ours(n), kommo: kommo.clone() });
    apply(&store, links.to_vec()).await;
    assert_eq!(store.telegram_messages(&kommo).unwrap(), [5, 6].map(ours));
}
