//! What is kept for programs, and how far they have come.

use std::path::Path;

use super::*;
use crate::domain::address::{BotId, ContactId, UserId};

const BOT: BotId = BotId(7);
const DAY: Duration = Duration::from_hours(24);

fn update(id: i64, from: i64, at: UnixMillis) -> NewKept {
    let update = KeptUpdate {
        at,
        kind: "message".to_owned(),
        thread: format!("tg:sales:{from}"),
        contact: Some(format!("tg-user:{from}")),
        is_ours: false,
        raw: format!(r#"{{"update_id":{id},"message":{{"text":"{id}"}}}}"#),
    };
    NewKept { id: IdempotencyKey::update(BOT, id), bot: BOT, update, conversation: None }
}

async fn serve(store: &Store, names: &[&str], now: UnixMillis) {
    let served = ServedProgram { bot: BOT, quiet: None };
    store.serve_programs(names.iter().map(|name| ((*name).to_owned(), served)).collect(), now).await.unwrap();
}

async fn come(store: &Store, ids: std::ops::Range<i64>) {
    let kept = ids.map(|id| update(id, 5, NOW)).collect();
    store.push_kept(Intake::default(), kept, NOW).await.unwrap();
}

/// What a program has not confirmed, by Telegram's numbers.
fn waiting(store: &Store, name: &str) -> Vec<String> {
    let numbers = store.unconfirmed(name, 0, 1000);
    assert!(numbers.is_sorted());
    let text = |number| store.kept(BOT, number).unwrap().unwrap().raw;
    numbers.into_iter().map(text).map(|raw| raw.split('"').rev().nth(1).unwrap().to_owned()).collect()
}

async fn confirm(store: &Store, name: &str, count: usize) {
    let numbers = store.unconfirmed(name, 0, count);
    store.confirm(name, BOT, Confirmed::Below(numbers[count - 1] + 1)).await.unwrap();
}

fn rows(store: &Store) -> usize {
    store.tables().scan_prefix(tables::KEPT.prefix).count()
}

#[tokio::test]
async fn an_update_is_kept_once_and_in_order_and_survives() {
    let home = Home::new();
    let store = home.open();
    serve(&store, &["shop"], NOW).await;
    come(&store, 1..3).await;
    // The last batch comes again, with one more: it was not confirmed to Telegram before a crash.
    come(&store, 2..5).await;
    assert_eq!(waiting(&store, "shop"), ["1", "2", "3", "4"]);
    let before = store.unconfirmed("shop", 0, 10);
    confirm(&store, "shop", 1).await;
    store.close().await.unwrap();
    let store = home.open();
    serve(&store, &["shop"], NOW).await;
    assert_eq!(waiting(&store, "shop"), ["2", "3", "4"]);
    assert_eq!(store.unconfirmed("shop", 0, 10), before[1..]);
    come(&store, 5..6).await;
    assert_eq!(store.unconfirmed("shop", 0, 10).last(), Some(&(before[3] + 1)));
}

#[tokio::test]
async fn a_program_that_is_new_or_was_away_begins_with_what_comes() {
    let home = Home::new();
    let store = home.open();
    serve(&store, &["shop"], NOW).await;
    come(&store, 1..3).await;
    serve(&store, &["shop", "new"], NOW).await;
    assert_eq!((waiting(&store, "shop").len(), waiting(&store, "new").len()), (2, 0));
    come(&store, 3..4).await;
    assert_eq!(waiting(&store, "new"), ["3"]);
    serve(&store, &["new"], NOW).await;
    assert_eq!((store.program("shop"), rows(&store)), (None, 1), "nobody waits for the others any more");
    serve(&store, &["shop", "new"], NOW).await;
    assert_eq!((waiting(&store, "shop").len(), waiting(&store, "new").len()), (0, 1));
}

#[tokio::test]
async fn what_all_programs_have_confirmed_goes_and_a_slow_one_keeps_the_rest() {
    let home = Home::new();
    let store = home.open();
    serve(&store, &["fast", "slow"], NOW).await;
    come(&store, 1..501).await;
    confirm(&store, "fast", 500).await;
    assert_eq!((waiting(&store, "fast").len(), waiting(&store, "slow").len(), rows(&store)), (0, 500, 500));
    confirm(&store, "slow", 450).await;
    assert_eq!((waiting(&store, "slow").len(), rows(&store)), (50, 50));
    let progress = store.programs();
    assert_eq!(
        progress.iter().map(|it| (it.name.as_str(), it.waiting)).collect::<Vec<_>>(),
        [("fast", 0), ("slow", 50)]
    );
    assert_eq!((progress[1].oldest_at, progress[1].dropped), (Some(NOW), 0));
    assert!(progress[1].bytes > 50 * 50 && progress[0].bytes == 0);
}

#[tokio::test]
async fn what_is_confirmed_out_of_order_does_not_come_again() {
    let home = Home::new();
    let store = home.open();
    serve(&store, &["shop"], NOW).await;
    come(&store, 1..6).await;
    let numbers = store.unconfirmed("shop", 0, 10);
    store.confirm("shop", BOT, Confirmed::Some(vec![numbers[3], numbers[1]])).await.unwrap();
    assert_eq!((waiting(&store, "shop"), rows(&store)), (vec!["1".to_owned(), "3".to_owned(), "5".to_owned()], 5));
    store.close().await.unwrap();
    let store = home.open();
    store.confirm("shop", BOT, Confirmed::Some(vec![numbers[0]])).await.unwrap();
    assert_eq!((waiting(&store, "shop"), rows(&store)), (vec!["3".to_owned(), "5".to_owned()], 3));
    assert_eq!(store.program("shop").unwrap().done, [numbers[3]].into_iter().collect());
}

#[tokio::test]
async fn much_that_is_confirmed_behind_one_takes_little_room() {
    let home = Home::new();
    let store = home.open();
    serve(&store, &["shop"], NOW).await;
    come(&store, 1..500).await;
    let numbers = store.unconfirmed("shop", 0, 1000);
    store.confirm("shop", BOT, Confirmed::Some(numbers[1..499].to_vec())).await.unwrap();
    assert_eq!(waiting(&store, "shop"), ["1"]);
    let row = serde_json::to_string(&store.program("shop").unwrap()).unwrap();
    assert!(row.len() < 200, "{row}");
    store.confirm("shop", BOT, Confirmed::Some(vec![numbers[0]])).await.unwrap();
    assert_eq!((waiting(&store, "shop"), rows(&store)), (Vec::new(), 0));
    assert!(store.program("shop").unwrap().done.is_empty());
}

#[tokio::test]
async fn what_was_another_bots_confirms_nothing() {
    let home = Home::new();
    let store = home.open();
    serve(&store, &["shop"], NOW).await;
    come(&store, 1..4).await;
    let last = *store.unconfirmed("shop", 0, 10).last().unwrap();
    for confirmed in [Confirmed::Below(last + 1), Confirmed::Some(vec![last])] {
        store.confirm("shop", BotId(8), confirmed).await.unwrap();
    }
    assert_eq!(waiting(&store, "shop"), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_bot_that_is_flooded_takes_no_room_from_the_others() {
    let home = Home::new();
    let store = home.open();
    let served = |bot| ServedProgram { bot, quiet: None };
    let programs = [("shop".to_owned(), served(BOT)), ("desk".to_owned(), served(BotId(8)))];
    store.serve_programs(programs.into(), NOW).await.unwrap();
    let of_desk = |id| NewKept { id: IdempotencyKey::update(BotId(8), id), bot: BotId(8), ..update(id, 5, NOW) };
    store.push_kept(Intake::default(), (1..11).map(of_desk).collect(), NOW).await.unwrap();
    let flood = (1..401).map(|id| update(id, 5, NOW.plus(HOUR))).collect();
    store.push_kept(Intake::default(), flood, NOW.plus(HOUR)).await.unwrap();
    let bounds = Bounds { before: NOW, max_bytes: store.kept_bytes() / 2 };
    assert!(store.bound_kept(bounds).await.unwrap() > 200, "the newer ones of the flood");
    assert!(store.kept_bytes() <= bounds.max_bytes);
    let dropped: Vec<_> = store.programs().into_iter().map(|it| (it.name, it.dropped > 0)).collect();
    assert_eq!(dropped, [("desk".to_owned(), false), ("shop".to_owned(), true)]);
}

#[tokio::test]
async fn what_is_too_old_or_too_much_is_dropped_and_counted() {
    let home = Home::new();
    let store = home.open();
    serve(&store, &["fast", "slow"], NOW).await;
    let old = (1..301).map(|id| update(id, 5, NOW)).collect();
    store.push_kept(Intake::default(), old, NOW).await.unwrap();
    store.push_kept(Intake::default(), vec![update(301, 5, NOW.plus(DAY))], NOW).await.unwrap();
    confirm(&store, "fast", 100).await;
    let all = |before| Bounds { before, max_bytes: u64::MAX };
    assert_eq!(store.bound_kept(all(NOW)).await.unwrap(), 0);
    let room = store.kept_bytes() - 1;
    assert_eq!(store.bound_kept(Bounds { before: NOW, max_bytes: room }).await.unwrap(), 1, "the oldest");
    assert_eq!(waiting(&store, "slow")[0], "2");
    assert_eq!(store.bound_kept(all(NOW.plus(HOUR))).await.unwrap(), 299);
    assert_eq!((waiting(&store, "slow"), waiting(&store, "fast")), (vec!["301".to_owned()], vec!["301".to_owned()]));
    let dropped: Vec<_> = store.programs().iter().map(|it| it.dropped).collect();
    assert_eq!(dropped, [200, 300], "each has lost what it had not confirmed");
    store.close().await.unwrap();
    assert_eq!(home.open().program("slow").unwrap().dropped, 300);
}

#[tokio::test]
async fn a_customer_who_is_erased_is_in_no_kept_update() {
    let home = Home::new();
    let store = home.open();
    serve(&store, &["shop"], NOW).await;
    let kept = vec![update(1, 5, NOW), update(2, 6, NOW), update(3, 5, NOW)];
    store.push_kept(Intake::default(), kept, NOW).await.unwrap();
    store.erase(ContactId::Person(UserId(5))).await.unwrap();
    assert_eq!((waiting(&store, "shop"), rows(&store)), (vec!["2".to_owned()], 1));
}

#[tokio::test]
async fn after_a_restore_no_number_is_given_again() {
    let (home, later) = (Home::new(), NOW.plus(HOUR));
    let store = home.open();
    serve(&store, &["shop"], NOW).await;
    come(&store, 1..3).await;
    let dump = home.0.path().join("dump.jsonl");
    store.dump(Path::new(&dump), NOW).unwrap();
    come(&store, 3..10).await;
    let last = *store.unconfirmed("shop", 0, 100).last().unwrap();
    store.close().await.unwrap();
    Store::restore(home.0.path(), &dump).unwrap();
    let store = home.open();
    serve(&store, &["shop"], later).await;
    assert_eq!(waiting(&store, "shop"), ["1", "2"], "what it had not confirmed then");
    store.push_kept(Intake::default(), vec![update(20, 5, later)], later).await.unwrap();
    let numbers = store.unconfirmed("shop", 0, 100);
    assert!(numbers[2] > last, "{numbers:?} {last}");
    // The program goes on from where it was before.
    store.confirm("shop", BOT, Confirmed::Below(last + 1)).await.unwrap();
    assert_eq!(waiting(&store, "shop"), ["20"]);
}
