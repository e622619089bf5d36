//! The rows of a dump that are not restored unchanged.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::job::Route,
    store::{
        keys::{self, JobKey},
        rows::{self, JobRow, ParkedRow},
        tables::{CHATS, NEXT_KEPT},
    },
};

/// The result of reading a dump once.
#[derive(Default)]
pub(super) struct Plan {
    /// How many rows it holds.
    pub(super) rows: u64,
    /// How many conversations Kommo has.
    pub(super) chats: u64,
    /// How many jobs stay in their queues.
    pub(super) waiting: u64,
    /// The jobs for Telegram, by their arrivals.
    answers: BTreeMap<Vec<u8>, (JobKey, Vec<JobRow>)>,
    /// Their keys.
    moved: BTreeSet<Vec<u8>>,
    /// The keys of jobs for Telegram that cannot be read.
    unreadable: BTreeSet<Vec<u8>>,
    parked: Vec<ParkedRow>,
    next_sequence: u64,
}

impl Plan {
    /// Adds a row. One that cannot be read stays unchanged.
    pub(super) fn note(&mut self, key: &[u8], value: &[u8]) {
        self.rows += 1;
        self.chats += u64::from(key.starts_with(&CHATS.prefix));
        let place = JobKey::parse(key);
        let used = keys::next_sequence(key);
        let counted = (key == keys::SEQUENCE).then(|| rows::read(key, value)).flatten();
        let counted = counted.filter(|next| *next <= keys::SEQUENCES_END);
        self.next_sequence = self.next_sequence.max(used.max(counted).unwrap_or(0));
        if keys::parked_sequence(key).is_some() {
            self.parked.extend(rows::read::<ParkedRow>(key, value));
        }
        let Some(place) = place else { return };
        // The recipient of a stray answer may have been found since.
        let is_answer = matches!(place.lane.route, Route::Outbound(_) | Route::Undeliverable);
        match rows::read::<JobRow>(key, value) {
            Some(row) if is_answer => {
                self.answers.entry(place.siblings()).or_insert_with(|| (place, Vec::new())).1.push(row);
                self.moved.insert(key.to_vec());
            }
            // It may have been delivered as well, so no relay may claim it.
            None if is_answer => {
                self.unreadable.insert(key.to_vec());
            }
            Some(_) | None => self.waiting += 1,
        }
    }

    /// How many parked messages the dump has.
    pub(super) fn parked_before(&self) -> usize {
        self.parked.len()
    }

    /// The key under which a row is restored unchanged, if it is.
    pub(super) fn key_of(&self, key: Vec<u8>) -> Option<Vec<u8>> {
        if self.unreadable.contains(&key) {
            return Some(keys::aside(keys::sequence_of(&key).unwrap_or(keys::NO_SEQUENCE), &key));
        }
        let is_rewritten = [keys::SEQUENCE, keys::BEGUN, keys::SCHEMA, keys::JOURNAL].contains(&key.as_slice());
        // Updates that came after the dump had numbers, too: none is given twice.
        let is_rewritten = is_rewritten || key.starts_with(&NEXT_KEPT.prefix);
        // No dump of ours has chunks: they are dumped as the content of their rows.
        let is_other = is_rewritten || keys::is_chunk(&key) || self.moved.contains(&key);
        (!is_other).then_some(key)
    }

    /// The answers as parked messages, one for each. A dump can have an answer both waiting and parked, if it was
    /// parked meanwhile; one of them is enough.
    pub(super) fn answers(&self) -> impl Iterator<Item = (Vec<u8>, ParkedRow)> {
        self.answers.values().filter(|(place, jobs)| !self.is_parked(place, jobs)).map(|(place, jobs)| {
            let parked = ParkedRow {
                route: place.lane.route.to_string(),
                thread: place.lane.thread.clone(),
                parked_at: jobs.iter().map(|job| job.enqueued_at).max().unwrap_or_default(),
                jobs: jobs.iter().map(|job| job.job.clone()).collect(),
                why: "restored from a dump: it may have been delivered since".to_owned(),
                code: None,
                expires_at: None,
            };
            // An arrival's sequence is unique, so it can name the parked message too.
            (keys::parked(place.sequence), parked)
        })
    }

    fn is_parked(&self, place: &JobKey, jobs: &[JobRow]) -> bool {
        let jobs: Vec<_> = jobs.iter().map(|job| job.job.clone()).collect();
        self.parked.iter().any(|row| row.thread == place.lane.thread && row.jobs.ends_with(&jobs))
    }

    /// A number above all that are in use: the counter may have been dumped before the last rows.
    pub(super) const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }
}
