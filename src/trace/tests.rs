//! The trace on a disk.

use std::{os::unix::fs::PermissionsExt as _, sync::atomic::AtomicBool};

use tempfile::TempDir;

use super::*;
use crate::domain::{
    address::{Conversation, UserId},
    time::UnixMillis,
};

const WEEK: Duration = Duration::from_hours(7 * 24);

fn settings(home: &TempDir) -> Settings {
    Settings { data_dir: home.path().to_owned(), keep: WEEK, max_bytes: 1 << 20 }
}

fn conversation(customer: i64) -> Conversation {
    format!("tg:sales:{customer}").parse().unwrap()
}

/// A hop of the message with this number of a customer.
fn hop(customer: i64, message: i64, job: u64) -> Hop {
    Hop {
        at: clock::now(),
        conversation: Some(conversation(customer)),
        messages: vec![format!("tg:1:{customer}:{message}")],
        job: Some(job),
        ..Hop::default()
    }
}

fn wanted(ids: &[&str]) -> Wanted {
    Wanted { ids: ids.iter().map(|id| (*id).to_owned()).collect(), ..Wanted::default() }
}

async fn jobs(trace: &Trace, wanted: Wanted) -> Vec<Option<u64>> {
    trace.find(wanted).await.unwrap().unwrap().records.into_iter().map(|hop| hop.job).collect()
}

fn files(home: &TempDir) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir(home.path())).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn bytes(home: &TempDir) -> u64 {
    files(home).iter().map(|file| fs::metadata(file).unwrap().len()).sum()
}

#[tokio::test]
async fn a_message_is_found_by_any_id_of_either_side_and_nothing_of_others_is() {
    let home = tempfile::tempdir().unwrap();
    let trace = Trace::start(settings(&home), || true);
    trace.record(|| hop(7, 43, 1));
    trace.record(|| Hop { other_side: vec!["k-43".to_owned()], ..hop(7, 43, 1) });
    // Kommo is told of the answer, and it is edited.
    trace.record(|| Hop { messages: vec!["k-43".to_owned()], ..hop(7, 0, 2) });
    trace.record(|| Hop { messages: vec!["tg:1:7:43:99".to_owned()], parked: Some(8), ..hop(7, 0, 3) });
    trace.record(|| Hop { at: clock::now(), parked: Some(8), ..Hop::default() });
    trace.record(|| hop(7, 44, 4));
    trace.record(|| hop(9, 43, 5));
    let all = vec![Some(1), Some(1), Some(2), Some(3), None];
    for ids in [["tg:1:7:43"], ["k-43"], ["tg:1:7:43:12"]] {
        assert_eq!(jobs(&trace, wanted(&ids)).await, all, "{ids:?}");
    }
    for number in [1, 2, 3, 8] {
        let wanted = Wanted { numbers: [number].into(), ..Wanted::default() };
        assert_eq!(jobs(&trace, wanted).await, all, "{number}");
    }
    let in_conversation = Wanted { in_conversation: Some((conversation(7), 43)), ..Wanted::default() };
    assert_eq!(jobs(&trace, in_conversation).await, all);
    let of_anna = Wanted { conversations: [conversation(7)].into(), ..Wanted::default() };
    let mut of_anna = jobs(&trace, of_anna).await;
    of_anna.sort_unstable();
    assert_eq!(of_anna, [None, Some(1), Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(jobs(&trace, Wanted::of_contact(ContactId::Person(UserId(9)))).await, [Some(5)]);
    assert_eq!(jobs(&trace, wanted(&["k"])).await, []);
    let mode = fs::metadata(&files(&home)[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
}

#[tokio::test]
async fn a_number_of_a_former_store_is_nobody_elses() {
    let home = tempfile::tempdir().unwrap();
    let trace = Trace::start(settings(&home), || true);
    trace.record(|| hop(7, 1, 12));
    trace.record(|| hop(9, 1, 12));
    assert_eq!(trace.find(wanted(&["tg:1:7:1"])).await.unwrap().unwrap().records.len(), 1);
}

#[tokio::test]
async fn half_a_line_and_rubbish_cost_themselves_alone() {
    let home = tempfile::tempdir().unwrap();
    let trace = Trace::start(settings(&home), || true);
    trace.record(|| hop(7, 1, 1));
    trace.flush().await;
    drop(trace);
    let file = files(&home).remove(0);
    let whole = fs::read(&file).unwrap();
    for rubbish in [&whole[..whole.len() / 2], b"\xff\xfe{", b"{\"at\":1}\n[]\n\n7"] {
        fs::write(&file, [&whole, rubbish].concat()).unwrap();
        let trace = Trace::start(settings(&home), || true);
        trace.record(|| hop(7, 1, 2));
        assert_eq!(jobs(&trace, wanted(&["tg:1:7:1"])).await, [Some(1), Some(2)]);
    }
    let stopped = Trace::of_stopped(settings(&home));
    assert_eq!(jobs(&stopped, wanted(&["tg:1:7:1"])).await, [Some(1), Some(2)]);
}

#[tokio::test]
async fn the_room_is_bounded_and_the_newest_stay() {
    let home = tempfile::tempdir().unwrap();
    let trace = Trace::start(settings(&home), || true);
    for message in 0..12_000 {
        trace.record(|| hop(7, message, u64::try_from(message).unwrap()));
        if message % 1000 == 0 {
            trace.flush().await;
        }
    }
    trace.flush().await;
    let (room, count) = (bytes(&home), files(&home).len());
    assert!(room <= 1 << 20 && room > 1 << 19 && count <= 10, "{room} bytes in {count} files");
    assert_eq!(jobs(&trace, wanted(&["tg:1:7:11999"])).await, [Some(11_999)]);
    assert_eq!(jobs(&trace, wanted(&["tg:1:7:0"])).await, []);
}

#[test]
fn what_is_too_old_goes_be_it_on_the_disk_or_not() {
    let home = tempfile::tempdir().unwrap();
    let (settings, now) = (settings(&home), clock::now());
    let mut segments = Segments::new(&settings);
    let line = |at: UnixMillis| serde_json::to_string(&Hop { at, ..hop(7, 1, 1) }).unwrap() + "\n";
    for days in [9_u64, 8, 6, 3, 0] {
        let at = now.minus(Duration::from_hours(days * 24));
        segments.append(line(at).as_bytes(), at).unwrap();
        let written = std::time::UNIX_EPOCH + Duration::from_millis(at.0.try_into().unwrap());
        fs::File::open(files(&home).last().unwrap()).unwrap().set_modified(written).unwrap();
    }
    assert_eq!(files(&home).len(), 3, "each day has a file, and those above a week are gone");
    let since = |days: u64| find(&settings.dir(), now.minus(Duration::from_hours(days * 24)), wanted(&["tg:1:7:1"]));
    assert_eq!((since(7).unwrap().records.len(), since(4).unwrap().records.len()), (3, 2));
    segments.prune(now.plus(WEEK * 2)).unwrap();
    assert_eq!(files(&home).len(), 0, "after two weeks of silence nothing is left");
    segments.append(line(now).as_bytes(), now).unwrap();
    assert_eq!(since(1).unwrap().records.len(), 1, "a file that was deleted is made again");
}

#[tokio::test]
async fn a_disk_without_room_costs_the_trace_alone_which_says_how_much_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let has_room = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&has_room);
    let trace = Trace::start(settings(&home), move || asked.load(Ordering::Relaxed));
    trace.record(|| hop(7, 1, 1));
    trace.flush().await;
    has_room.store(false, Ordering::Relaxed);
    trace.record(|| hop(7, 1, 2));
    trace.flush().await;
    trace.record(|| hop(7, 1, 3));
    trace.flush().await;
    has_room.store(true, Ordering::Relaxed);
    trace.record(|| hop(7, 1, 4));
    let found = trace.find(wanted(&["tg:1:7:1"])).await.unwrap().unwrap();
    let shown: Vec<_> = found.records.iter().map(|hop| (hop.job, hop.missed)).collect();
    assert_eq!(shown, [(Some(1), None), (Some(4), None)]);
    let text = fs::read_to_string(&files(&home)[0]).unwrap();
    assert!(text.contains(r#""event":"missed","missed":2}"#), "{text}");
    // A folder that is none is as bad as a full disk.
    fs::remove_dir_all(dir(home.path())).unwrap();
    fs::write(dir(home.path()), "no folder").unwrap();
    trace.record(|| hop(7, 1, 5));
    trace.flush().await;
    assert!(trace.find(wanted(&["tg:1:7:1"])).await.is_err());
    fs::remove_file(dir(home.path())).unwrap();
    trace.record(|| hop(7, 1, 6));
    assert_eq!(jobs(&trace, wanted(&["tg:1:7:1"])).await, [Some(6)]);
}

#[tokio::test]
async fn a_person_is_forgotten_with_all_that_belongs_to_them() {
    let home = tempfile::tempdir().unwrap();
    let trace = Trace::start(settings(&home), || true);
    for customer in [7, 9] {
        trace.record(|| Hop { other_side: vec![format!("k-{customer}")], ..hop(customer, 1, customer.unsigned_abs()) });
        trace.record(|| Hop {
            messages: vec![format!("k-{customer}")],
            conversation: None,
            ..hop(customer, 1, customer.unsigned_abs())
        });
    }
    let person = |id| ContactId::Person(UserId(id));
    assert_eq!(trace.forget(person(7)).await.unwrap(), 2);
    assert_eq!(trace.forget(person(7)).await.unwrap(), 0);
    let text = fs::read_to_string(&files(&home)[0]).unwrap();
    assert!(!text.contains("k-7") && text.matches("k-9").count() == 2, "{text}");
    trace.record(|| hop(9, 2, 3));
    assert_eq!(jobs(&trace, Wanted::of_contact(person(9))).await, [Some(9), Some(9), Some(3)]);
    drop(trace);
    assert_eq!(Trace::of_stopped(settings(&home)).forget(person(9)).await.unwrap(), 3);
    assert_eq!((files(&home).len(), bytes(&home)), (1, 0));
}

#[tokio::test]
async fn switched_off_it_keeps_nothing_and_deletes_what_there_was() {
    let home = tempfile::tempdir().unwrap();
    let trace = Trace::start(settings(&home), || true);
    trace.record(|| hop(7, 1, 1));
    trace.flush().await;
    let off = Settings { keep: Duration::ZERO, ..settings(&home) };
    for trace in [Trace::start(off.clone(), || true), Trace::of_stopped(off), Trace::default()] {
        assert!(!trace.is_on() && trace.find(Wanted::default()).await.unwrap().is_none());
        trace.record(|| unreachable!("nothing is kept"));
        assert_eq!(trace.forget(ContactId::Group(-5)).await.unwrap(), 0);
    }
    assert!(!dir(home.path()).exists());
}

#[test]
fn a_reason_is_short_and_has_neither_phone_numbers_nor_words() {
    let why = "Kommo refused +4915177000111 (code 422 at 2026): sender.phone=49 151 77, id 123456, trace 1234567";
    let want = "Kommo refused +… (code 422 at 2026): sender.phone=…, id 123456, trace …";
    assert_eq!(hop::reason(why), want);
    let why = "value \"Anna Petrova\" of +49 (151) 770-001.11, tried 3 times in 2026: «привет";
    assert_eq!(hop::reason(why), "value \"…\" of +…, tried 3 times in 2026: «…");
    assert_eq!(hop::reason(&"é".repeat(300)).chars().count(), 200);
}
