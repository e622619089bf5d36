//! Back to a dump.
//!
//! What was on its way to Kommo goes on: Kommo takes each message once. What was on its way to Telegram is parked instead:
//! it may have been delivered since the dump, and Telegram would take it again.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use sled::Db;

use crate::{
    domain::work::Route,
    store::{
        Store, StoreError,
        dump::{FORMAT, Line, unhex},
        home::{create_private_dir, give, give_all},
        keys::{self, Place},
        open::{LOCK_TRIES, LOCK_WAIT, SCHEMA, database, marker, open, write_marker, write_snapshot},
        past::NOT_YET,
        rows::{self, JobRow, ParkedRow},
    },
};

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreSummary {
    /// How many rows the dump held.
    pub rows: u64,
    /// How many answers to customers were parked, because they may have been delivered already.
    pub parked: usize,
    /// Where the store that was there has been moved.
    pub moved_to: Option<PathBuf>,
}

impl fmt::Display for RestoreSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)?;
        if self.parked > 0 {
            write!(f, "\n{} answers were set aside: they may have been delivered since the dump", self.parked)?;
        }
        self.moved_to.as_ref().map_or(Ok(()), |path| write!(f, "\nthe former store is now {}", path.display()))
    }
}

/// What is cached while the rows are written.
const CACHE_BYTES: u64 = 32 << 20;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

impl Store {
    /// Makes the store in the data directory `dir` anew from `dump`. What is there is moved aside, never deleted.
    ///
    /// # Errors
    /// If the dump is not whole or from a newer version, or the store is in use; then nothing has changed.
    pub fn restore(dir: &Path, dump: &Path) -> Result<RestoreSummary, StoreError> {
        let mut rows = read(dump)?;
        let count = rows.len() as u64;
        let parked = park_answers(&mut rows);
        raise_sequence(&mut rows);
        // What crossed after the dump is not in it: nobody may take it for missing and send it again.
        rows.insert(keys::BEGUN.to_vec(), rows::write(&NOT_YET));
        create_private_dir(dir)?;
        let path = database(dir);
        refuse_if_in_use(&path)?;
        let fresh = free_name(dir, "store.restoring");
        write(&fresh, &rows)?;
        let moved_to = path.exists().then(|| free_name(dir, "store.before-restore"));
        if let Some(aside) = &moved_to {
            fs::rename(&path, aside)?;
        }
        fs::rename(&fresh, &path)?;
        write_marker(dir)?;
        give_all(dir, &path)?;
        give(dir, &marker(dir))?;
        Ok(RestoreSummary { rows: count, parked, moved_to })
    }
}

fn read(dump: &Path) -> Result<Rows, StoreError> {
    let bad = |why: &str| StoreError::BadDump { file: dump.to_owned(), why: why.to_owned() };
    let file = File::open(dump).map_err(|error| bad(&error.to_string()))?;
    let mut lines = BufReader::new(file).lines().map(|line| {
        serde_json::from_str::<Line>(&line.map_err(|error| bad(&error.to_string()))?).map_err(|_| bad("a line is cut"))
    });
    let schema = match lines.next().transpose()? {
        Some(Line::Head { format, schema }) if format == FORMAT && schema <= SCHEMA => schema,
        Some(Line::Head { format, .. }) if format == FORMAT => return Err(bad("a newer telekommo wrote it")),
        _ => return Err(bad("it does not begin like one")),
    };
    let bytes = |text: &str| unhex(text).ok_or_else(|| bad("a row is broken"));
    let mut rows = Rows::new();
    for line in lines {
        match line? {
            Line::Row { k, v } => rows.insert(bytes(&k)?, v.into_bytes()),
            Line::Bytes { k, b } => rows.insert(bytes(&k)?, bytes(&b)?),
            Line::End { rows: count } if count == rows.len() as u64 => {
                // The rows are of this format, and the next start brings them up to its own.
                rows.insert(keys::SCHEMA.to_vec(), rows::write(&schema));
                return Ok(rows);
            }
            Line::End { .. } | Line::Head { .. } => return Err(bad("rows are missing")),
        };
    }
    Err(bad("its end is missing"))
}

/// Turns the jobs that go to Telegram into parked messages, one per answer, and tells how many.
fn park_answers(rows: &mut Rows) -> usize {
    // What is stray may have found whom it is for since.
    let is_answer = |place: &Place| matches!(place.lane.route, Route::Outbound(_) | Route::Stray);
    let (mut answers, mut gone) = (BTreeMap::<_, (Place, Vec<JobRow>)>::new(), Vec::new());
    let mut aside = Vec::new();
    for (key, value) in rows.iter() {
        if let Some(place) = Place::parse(key).filter(is_answer) {
            let Some(row) = rows::read(key, value) else {
                aside.push((keys::aside(place.sequence, key), value.clone()));
                gone.push(key.clone());
                continue;
            };
            answers.entry(place.siblings()).or_insert_with(|| (place, Vec::new())).1.push(row);
            gone.push(key.clone());
        }
    }
    for key in gone {
        rows.remove(&key);
    }
    rows.extend(aside);
    // A dump can hold an answer both waiting and parked, if it was parked meanwhile; one of them is enough.
    let parked: Vec<ParkedRow> = (rows.iter().filter(|(key, _)| keys::parked_sequence(key).is_some()))
        .filter_map(|(key, value)| rows::read(key, value))
        .collect();
    answers.retain(|_, (place, jobs)| {
        let works: Vec<_> = jobs.iter().map(|job| job.work.clone()).collect();
        !parked.iter().any(|row| row.thread == place.lane.thread && row.works.ends_with(&works))
    });
    for (place, jobs) in answers.values() {
        let parked = ParkedRow {
            route: place.lane.route.to_string(),
            thread: place.lane.thread.clone(),
            parked_at: jobs.iter().map(|job| job.enqueued_at).max().unwrap_or_default(),
            works: jobs.iter().map(|job| job.work.clone()).collect(),
            why: "restored from a dump: it may have been delivered since".to_owned(),
            code: None,
            expires_at: None,
        };
        // An arrival's sequence is unique, so it can name the parked message too.
        rows.insert(keys::parked(place.sequence), rows::write(&parked));
    }
    answers.len()
}

/// Lets the counter stand above every number in use: it may have been dumped before the last rows were.
fn raise_sequence(rows: &mut Rows) {
    let next = rows.keys().filter_map(|key| keys::sequence_of(key)).max().map_or(0, |last| last + 1);
    let counted = rows.get(keys::SEQUENCE).and_then(|value| rows::read(keys::SEQUENCE, value)).unwrap_or(0);
    rows.insert(keys::SEQUENCE.to_vec(), rows::write(&next.max(counted)));
}

fn refuse_if_in_use(path: &Path) -> Result<(), StoreError> {
    if !path.join("db").exists() {
        return Ok(());
    }
    // Whoever runs holds this lock. Opening the database would change it, so only the lock is tried.
    let file = File::open(path.join("db"))?;
    for _ in 0..LOCK_TRIES {
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(());
        }
        std::thread::sleep(LOCK_WAIT);
    }
    Err(StoreError::Locked(path.to_owned()))
}

fn write(path: &Path, rows: &Rows) -> Result<(), StoreError> {
    let db: Db = open(path, CACHE_BYTES)?;
    for (key, value) in rows {
        db.insert(key, value.as_slice())?;
    }
    write_snapshot(db, path, CACHE_BYTES)
}

/// The first of the numbered names that is free. Nobody restores a store so often that there is none.
fn free_name(dir: &Path, name: &str) -> PathBuf {
    let numbered = |number: u32| dir.join(format!("{name}-{number}"));
    (1..10_000).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| dir.join(name))
}
