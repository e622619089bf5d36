//! Updates that quiet programs do not get while a manager writes in a chat.

use super::{
    samples::{BOT, conversation},
    *,
};
use crate::domain::address::{ContactId, UserId};

const MINUTE: Duration = Duration::from_mins(1);

/// Serves two programs of one bot, each with how long it is quiet.
async fn serve(store: &Store, shop: Option<Duration>, other: Option<Duration>) {
    let served = |name: &str, quiet| (name.to_owned(), ServedProgram { bot: BOT, quiet });
    store.serve_programs([served("shop", shop), served("other", other)].into(), NOW).await.unwrap();
}

/// A manager writes.
async fn attend(store: &Store, id: &str, of: &Conversation, at: UnixMillis) {
    let job = new_job(Some(id), &Lane::outbound(of), "hello");
    let changes = vec![StateChange::Attended { conversation: of.clone() }];
    store.push_with(Intake { jobs: vec![job], offset: None }, changes, at).await.unwrap();
}

/// A message arrives in a conversation.
async fn receive(store: &Store, id: i64, conversation: Option<Conversation>, at: UnixMillis) {
    let contact = conversation.as_ref().map(|conversation| conversation.contact().to_string());
    let raw = id.to_string();
    let update = KeptUpdate { at, kind: "message".to_owned(), contact, raw, ..KeptUpdate::default() };
    let kept = NewKept { id: IdempotencyKey::update(BOT, id), bot: BOT, update, conversation };
    store.push_kept(Intake::default(), vec![kept], at).await.unwrap();
}

/// What a program is given, by Telegram's numbers.
fn given(store: &Store, name: &str) -> Vec<String> {
    let numbers = store.unconfirmed(name, 0, 1000).into_iter();
    let kept = numbers.map(|number| store.kept(BOT, number).unwrap().unwrap());
    kept.map(|kept| kept.raw).collect()
}

fn withheld(store: &Store) -> Vec<(String, u64)> {
    store.programs().into_iter().map(|program| (program.name, program.withheld)).collect()
}

#[tokio::test]
async fn a_quiet_program_gets_no_messages_to_a_manager_until_the_time_is_over() {
    let (home, of) = (Home::new(), conversation());
    let store = home.open();
    serve(&store, Some(MINUTE * 30), Some(MINUTE * 10)).await;
    receive(&store, 1, Some(of.clone()), NOW).await;
    attend(&store, "hook:1", &of, NOW).await;
    receive(&store, 2, Some(of.clone()), NOW.plus(MINUTE * 5)).await;
    receive(&store, 3, Some(of.clone()), NOW.plus(MINUTE * 10)).await;
    receive(&store, 4, None, NOW.plus(MINUTE * 5)).await;
    receive(&store, 5, Some(Conversation::new(of.source.clone(), 6)), NOW.plus(MINUTE * 5)).await;
    receive(&store, 6, Some(of.clone()), NOW.plus(MINUTE * 30)).await;
    assert_eq!(given(&store, "shop"), ["1", "4", "5", "6"]);
    assert_eq!(given(&store, "other"), ["1", "3", "4", "5", "6"]);
    let counts = vec![("other".to_owned(), 1), ("shop".to_owned(), 2)];
    let waiting: Vec<_> = store.programs().into_iter().map(|program| program.waiting).collect();
    assert_eq!(waiting, [5, 4], "withheld updates do not wait");
    assert_eq!(withheld(&store), counts);
    assert_eq!(store.tables().scan_prefix(tables::KEPT.prefix).count(), 5, "an update for no program is not kept");
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!((given(&store, "shop"), withheld(&store)), (["1", "4", "5", "6"].map(str::to_owned).to_vec(), counts));
    // The batch comes again, since it was not confirmed to Telegram before a crash.
    receive(&store, 2, Some(of.clone()), NOW.plus(MINUTE * 40)).await;
    assert_eq!(given(&store, "shop").len(), 4, "it came before");
    // The manager's next message starts the time again, and the bridge was stopped meanwhile.
    attend(&store, "hook:2", &of, NOW.plus(MINUTE * 40)).await;
    store.close().await.unwrap();
    let store = home.open();
    receive(&store, 7, Some(of.clone()), NOW.plus(MINUTE * 41)).await;
    assert_eq!(given(&store, "shop").len(), 4);
}

#[tokio::test]
async fn the_quiet_time_ends_with_the_talk_and_with_another_configuration() {
    let (home, of) = (Home::new(), conversation());
    let store = home.open();
    serve(&store, Some(HOUR), Some(HOUR)).await;
    attend(&store, "hook:1", &of, NOW).await;
    assert!(!store.end_attending(of.clone(), NOW.minus(MINUTE)).await.unwrap(), "it ended before the manager wrote");
    receive(&store, 1, Some(of.clone()), NOW.plus(MINUTE)).await;
    assert_eq!(store.attended().await.unwrap(), [(of.clone(), NOW)]);
    assert!(store.end_attending(of.clone(), NOW.plus(MINUTE)).await.unwrap());
    receive(&store, 2, Some(of.clone()), NOW.plus(MINUTE)).await;
    attend(&store, "hook:2", &of, NOW.plus(MINUTE)).await;
    serve(&store, None, Some(HOUR)).await;
    receive(&store, 3, Some(of.clone()), NOW.plus(MINUTE * 2)).await;
    assert_eq!((given(&store, "shop"), given(&store, "other")), (vec!["2".into(), "3".into()], vec!["2".into()]));
}

#[tokio::test]
async fn the_quiet_time_ends_with_an_erasure_and_after_a_day_and_follows_a_group() {
    let (home, of) = (Home::new(), conversation());
    let store = home.open();
    serve(&store, Some(HOUR * 24), Some(HOUR * 24)).await;
    attend(&store, "hook:1", &of, NOW).await;
    store.erase(ContactId::Person(UserId(5))).await.unwrap();
    assert_eq!(store.attended().await.unwrap(), []);
    attend(&store, "hook:2", &of, NOW.plus(HOUR)).await;
    attend(&store, "hook:3", &of, NOW.plus(HOUR * 2)).await;
    store.sweep(NOW.plus(HOUR * 25 + MINUTE)).await.unwrap();
    assert_eq!(store.attended().await.unwrap().len(), 1, "the last message counts");
    store.sweep(NOW.plus(HOUR * 26 + MINUTE)).await.unwrap();
    assert_eq!(store.attended().await.unwrap(), []);
    let (was, is) = (Conversation::new(of.source.clone(), -50), Conversation::new(of.source.clone(), -10_050));
    let moved = vec![StateChange::Move { from: was.clone(), to: -10_050 }];
    let job = new_job(Some("update:9"), &lane("a"), "moved");
    store.push_with(Intake { jobs: vec![job], offset: None }, moved, NOW).await.unwrap();
    attend(&store, "hook:4", &was, NOW).await;
    receive(&store, 1, Some(is), NOW.plus(MINUTE)).await;
    assert_eq!(given(&store, "shop"), Vec::<String>::new());
}
