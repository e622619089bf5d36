//! Properties of rows and dumps for any bytes.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::{
    domain::{
        address::KommoMessageId,
        avatar::Avatar,
        crm::SyncedProfile,
        delivery::{Delivery, DeliveryReport, UnreadAnswer},
        job::{Job, Lane},
        manager_initiated::ManagerInitiatedChat,
        membership::{Connection, Membership},
        question::Question,
        time::UnixMillis,
        timestamps::{Arrived, LastSent},
        topic::Topic,
    },
    store::{
        AccountFacts, Chat, HeldStart, IncompleteChat, Intake, ManagerInitiated, NewJob, OwnNumber, Settings, Store,
        StoreError,
        dump::Line,
        hex::{hex, unhex},
        is_in,
        keys::{self, JobKey, RawJobKey},
        rows::{self, JobRow, ParkedHead, ParkedRow},
        tables,
    },
};

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
const HOUR: Duration = Duration::from_hours(1);
/// Dumps with more lines are skipped.
const MOST_LINES: usize = 200;

/// A key or a value.
pub(crate) fn rows(bytes: &[u8]) {
    key(bytes);
    assert_eq!(unhex(&hex(bytes)).as_deref(), Some(bytes));
    if let Some(read) = str::from_utf8(bytes).ok().and_then(unhex) {
        assert!(hex(&read).as_bytes().eq_ignore_ascii_case(bytes));
    }
    same::<JobRow>(bytes);
    same::<ParkedRow>(bytes);
    same::<Line>(bytes);
    same::<Chat>(bytes);
    same::<HeldStart>(bytes);
    same::<SyncedProfile>(bytes);
    same::<LastSent>(bytes);
    same::<Vec<Arrived>>(bytes);
    same::<Vec<UnreadAnswer>>(bytes);
    same::<Vec<IncompleteChat>>(bytes);
    same::<Question>(bytes);
    same::<Membership>(bytes);
    same::<Connection>(bytes);
    same::<Topic>(bytes);
    same::<ManagerInitiatedChat>(bytes);
    same::<ManagerInitiated>(bytes);
    same::<OwnNumber>(bytes);
    same::<Avatar>(bytes);
    same::<AccountFacts>(bytes);
    same::<Vec<(String, u64)>>(bytes);
    if let (Ok(row), Ok(head)) = (rows::parse::<ParkedRow>(bytes), rows::parse::<ParkedHead>(bytes)) {
        assert_eq!((row.route, row.thread, Some(row.parked_at)), (head.route, head.thread, head.parked_at));
        assert_eq!(row.expires_at, head.expires_at);
    }
}

/// A value that was read is written so that it reads as the same.
fn same<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(read) = rows::parse::<T>(bytes) else { return };
    let written = rows::write(&read);
    let again = rows::parse::<T>(&written).map(|again| rows::write(&again));
    assert_eq!(again.as_ref().map(|again| String::from_utf8_lossy(again)), Ok(String::from_utf8_lossy(&written)));
}

/// A key that was read is written as the same.
fn key(key: &[u8]) {
    if let Some(place) = JobKey::parse(key) {
        assert_eq!(place.key(), key);
        assert_eq!(keys::sequence_of(key), Some(place.sequence));
        assert!(key.starts_with(&place.siblings()) && key.starts_with(&keys::lane(&place.lane)));
        let raw = RawJobKey::parse(key).expect("it is the place of a lane that is known");
        assert_eq!((raw.thread, raw.sequence, raw.part), (place.lane.thread.as_str(), place.sequence, place.part));
    }
    if let Some(sequence) = keys::parked_sequence(key) {
        assert_eq!(keys::parked(sequence), key);
    }
    if let Some((sequence, former)) = keys::aside_parts(key) {
        assert_eq!(keys::aside(sequence, former), key);
        assert_eq!(keys::sequence_of(key), Some(sequence));
    }
    for (read, table) in [
        (tables::CHATS.read_key(key), tables::CHATS.prefix),
        (tables::SYNCED_PROFILES.read_key(key), tables::SYNCED_PROFILES.prefix),
        (tables::HELD.read_key(key), tables::HELD.prefix),
    ] {
        assert!(read.is_none_or(|conversation| [&table[..], conversation.to_string().as_bytes()].concat() == key));
    }
    assert!(keys::expired(key).is_none_or(|expired| key.ends_with(expired)));
    let shown = keys::shown(key);
    assert!(!shown.contains(char::is_control));
    assert!(key.first() != Some(&b'q') || shown == "q…", "a phone number is not shown");
}

/// The text of a dump.
pub(crate) fn dumps(bytes: &[u8]) {
    let home = TempDir::new().expect("a folder");
    let (dump, dir) = (home.path().join("dump.jsonl"), home.path().join("data"));
    fs::write(&dump, bytes).expect("it can be written");
    if bytes.split(|byte| *byte == b'\n').nth(MOST_LINES).is_some() {
        return;
    }
    match Store::restore(&dir, &dump) {
        Err(error) => {
            assert!(matches!(error, StoreError::BadDump { .. }), "{error:?}");
            assert!(!is_in(&dir) && !error.to_string().is_empty());
        }
        Ok(summary) => {
            assert!(summary.moved_to.is_none() && !summary.to_string().is_empty());
            let runtime = Builder::new_current_thread().build().expect("a runtime");
            restored(&runtime, home.path(), bytes);
        }
    }
}

/// A restored store can be used and dumped, and a restore of that dump is the same.
fn restored(runtime: &Runtime, home: &Path, bytes: &[u8]) {
    let (dir, next) = (home.join("data"), home.join("next"));
    let [second, third] = ["second.jsonl", "third.jsonl"].map(|name| home.join(name));
    let store = opened(&dir);
    let before = rows_of(bytes);
    store.dump(&second, NOW).expect("it can be dumped");
    let kept = rows_of(&fs::read(&second).unwrap_or_default());
    for (key, value) in before.iter().filter(|(key, _)| stays(key)) {
        assert_eq!(kept.get(key), Some(value), "{} is as it was", keys::shown(key));
    }
    is_usable(runtime, &store);
    runtime.block_on(store.close()).expect("it can be closed");
    drop(opened(&dir));

    Store::restore(&next, &second).expect("our own dump is whole");
    let store = opened(&next);
    store.dump(&third, NOW).expect("it can be dumped");
    assert_eq!(rows_of(&fs::read(&third).unwrap_or_default()), kept, "a dump of what a dump has restored is that dump");
    runtime.block_on(store.close()).expect("it can be closed");
}

fn opened(dir: &Path) -> Store {
    let settings = Settings {
        dir: dir.to_owned(),
        cache_bytes: 1 << 20,
        reserve_bytes: 0,
        dedupe_for: HOUR,
        links_for: HOUR,
        parked_for: HOUR,
    };
    Store::open(settings).expect("what was restored can be opened")
}

/// The rows of a dump, by their bytes.
fn rows_of(dump: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let lines = dump.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let row = |line| match line {
        Line::Row { k, v } => Some((unhex(&k)?, v.into_bytes())),
        Line::Bytes { k, b } => Some((unhex(&k)?, unhex(&b)?)),
        Line::Head { .. } | Line::End { .. } => None,
    };
    lines.filter_map(row).collect()
}

/// Whether a restore copies a row unchanged: it does so for all tables that are only looked up.
fn stays(key: &[u8]) -> bool {
    key.first().is_some_and(|table| b"dcakbhwgfnz0123uxiyqrlsv".contains(table))
}

/// A new job is stored behind those that wait.
fn is_usable(runtime: &Runtime, store: &Store) {
    let waiting: usize = store.counts().routes.iter().map(|(_, counts)| counts.waiting).sum();
    let lane = Lane { route: "inbound".parse().expect("it is one"), thread: "new".to_owned() };
    let report = DeliveryReport { message: KommoMessageId("new".to_owned()), delivery: Delivery::Delivered };
    let job = NewJob { id: None, lane, job: Job::from(report) };
    let pushed = runtime.block_on(store.push(Intake { jobs: vec![job], offset: None }, NOW));
    assert_eq!(pushed.expect("it can be stored").taken, 1);
    let after: usize = store.counts().routes.iter().map(|(_, counts)| counts.waiting).sum();
    assert_eq!(after, waiting + 1);
}
