//! The queue on a temporary store.

use tempfile::TempDir;

use super::*;
use crate::domain::{
    address::{Conversation, KommoChatId, KommoMessageId, KommoUserId, SourceId},
    delivery::{Delivery, DeliveryReport},
    job::{Call, Method, RemoteFile, SendJob, StatusJob},
    keyboard::Keyboard,
    membership::{Connection, Membership},
    message::MediaKind,
};

mod account;
mod attended;
mod backfill;
mod batches;
mod compacting;
mod concurrent;
mod customers;
mod damaged;
mod erasing;
mod expiring;
mod faults;
mod fixture;
mod kept;
mod large;
mod manager_initiated;
mod model;
mod order;
mod parked;
mod reach;
mod recovery;
mod restoring;
mod rewound;
mod samples;
mod schedules;
mod unread;
mod unreadable;
mod upgrading;
mod waiting;

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
const HOUR: Duration = Duration::from_hours(1);

impl Store {
    /// All rows, on whatever thread.
    fn tables(&self) -> db::Db {
        self.0.reader.blocking(|db| Ok(db.clone())).unwrap()
    }
}

/// A folder for a store, which goes with it.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn settings(&self) -> Settings {
        Settings {
            dir: self.0.path().to_owned(),
            cache_bytes: 4 << 20,
            reserve_bytes: 0,
            dedupe_for: HOUR,
            links_for: HOUR,
            parked_for: HOUR,
        }
    }

    fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(self.settings())
    }
}

fn lane(thread: &str) -> Lane {
    Lane { route: Route::Inbound, thread: thread.to_owned() }
}

/// A job that can be told from others by its name.
fn named_job(name: &str) -> Job {
    Job::from(DeliveryReport { message: KommoMessageId(name.to_owned()), delivery: Delivery::Delivered })
}

/// The same as part of an answer.
fn part(name: &str, answer: &str) -> Job {
    Job::from(Call {
        message: KommoMessageId(answer.to_owned()),
        to: Conversation::new(SourceId::parse("sales").unwrap(), 7),
        part: 1,
        parts: 1,
        method: Method::SendText { text: name.to_owned(), keyboard: Keyboard::default(), reply_to: None },
        omitted: None,
        answers_in: None,
        opening: None,
        written_at: None,
    })
}

fn call_of(job: &Job) -> Call {
    job.calls()[0].clone()
}

fn send_file() -> Method {
    let file = RemoteFile::new(MediaKind::Video, "https://files.example.com/v".to_owned(), "v.mp4".to_owned());
    Method::SendFile { file, caption: String::new(), keyboard: Keyboard::default(), reply_to: None }
}

fn name(job: &Job) -> &str {
    match job {
        Job::Status(StatusJob::Delivery(report)) => &report.message.0,
        other => match other.calls() {
            [Call { method: Method::SendText { text, .. }, .. }] => text,
            _ => panic!("{other:?} is not of these tests"),
        },
    }
}

fn new_job(id: Option<&str>, lane: &Lane, named: &str) -> NewJob {
    NewJob { id: id.map(|id| IdempotencyKey(id.to_owned())), lane: lane.clone(), job: named_job(named) }
}

/// Forgets what was set aside under a number, of which Kommo can know nothing.
async fn drop_parked(store: &Store, id: ParkedId) -> bool {
    !store.drop_parked(vec![id], |_| Ok(None)).await.unwrap().is_empty()
}

async fn push(store: &Store, lane: &Lane, names: &[&str]) {
    let jobs = names.iter().map(|named| new_job(None, lane, named)).collect();
    store.push(Intake { jobs, offset: None }, NOW).await.unwrap();
}

fn claim(store: &Store) -> Option<Lease> {
    store.claim(&Route::Inbound, NOW).unwrap()
}

fn claimed(store: &Store) -> String {
    claim(store).map_or_else(|| "nothing".to_owned(), |lease| name(lease.job()).to_owned())
}

const fn done() -> Outcome {
    Outcome::Done { then: Vec::new(), changes: Vec::new() }
}

fn park(why: &str) -> Outcome {
    Outcome::Park { why: why.to_owned(), then: Vec::new(), needs_person: true }
}

fn retry(at: UnixMillis) -> Outcome {
    Outcome::Retry { at, counts: true, why: "test".to_owned() }
}

/// Claims and finishes everything that is due, and returns the names in that order.
async fn drain(store: &Store) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(lease) = claim(store) {
        names.push(name(lease.job()).to_owned());
        lease.settle(done(), NOW).await.unwrap();
    }
    names
}

#[tokio::test]
async fn what_began_by_a_clock_that_was_ahead_is_remembered_no_longer() {
    let home = Home::new();
    let store = home.open();
    store.begin(NOW.plus(HOUR * 24 * 3650)).await.unwrap();
    store.push(Intake { jobs: vec![new_job(Some("x"), &lane("a"), "x")], offset: None }, NOW).await.unwrap();
    assert_eq!(store.first_expiry().unwrap(), Some(NOW.plus(HOUR)));
}

#[tokio::test]
async fn what_comes_by_a_clock_that_is_far_behind_is_remembered_as_long_as_anything() {
    let home = Home::new();
    let store = home.open();
    store.advance_watermark(NOW, 1, Vec::new()).await.unwrap();
    let (known, id) = (new_job(Some("x"), &lane("a"), "x"), new_job(Some("x"), &lane("a"), "x").id.unwrap());
    store.push(Intake { jobs: vec![known], offset: None }, UnixMillis(1000)).await.unwrap();
    store.sweep(NOW.plus(HOUR / 2)).await.unwrap();
    assert!(store.was_taken(&id).unwrap());
    store.sweep(NOW.plus(HOUR * 24 * 365)).await.unwrap();
    assert!(!store.was_taken(&id).unwrap());
}
