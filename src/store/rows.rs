//! The values of the tree: JSON, so that people can read a dump, and a new version can add fields.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    domain::{job::Job, time::UnixMillis},
    store::{StoreError, lookup::Lookup, unreadable},
};

/// A waiting job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct JobRow {
    #[serde(rename = "work")]
    pub(super) job: Job,
    /// How many attempts have failed.
    pub(super) failed: u32,
    /// When it is tried again; `None` for a job that was never tried, which is due whatever the clock says.
    pub(super) retry_at: Option<UnixMillis>,
    pub(super) enqueued_at: UnixMillis,
    /// Whether it belongs to a broadcast: jobs of people go first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_bulk: bool,
    /// Whether it is sent again although it may have arrived.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_repeated: bool,
    /// The last failure, for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

impl JobRow {
    pub(super) const fn new(job: Job, now: UnixMillis) -> Self {
        Self { job, failed: 0, retry_at: None, enqueued_at: now, is_bulk: false, is_repeated: false, why: None }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what `skip_serializing_if` calls")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A parked message: the jobs that were still to be done, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ParkedRow {
    pub(super) route: String,
    pub(super) thread: String,
    #[serde(rename = "works")]
    pub(super) jobs: Vec<Job>,
    pub(super) why: String,
    pub(super) parked_at: UnixMillis,
    /// Kommo's code of the failure, if its author has been informed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<i32>,
    /// When it is removed; `None` if it needs a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<UnixMillis>,
}

/// The readable part of a parked message without its jobs, which may be of a kind that only a newer version knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct ParkedHead {
    pub(super) route: String,
    pub(super) thread: String,
    pub(super) parked_at: Option<UnixMillis>,
    pub(super) expires_at: Option<UnixMillis>,
}

pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("our own rows have string keys only")
}

/// The row under a key, if there is one that can be read.
pub(super) fn get<T: DeserializeOwned>(db: &Lookup, key: &[u8]) -> Result<Option<T>, StoreError> {
    Ok(db.get(key)?.and_then(|value| read(key, &value)))
}

/// Reads a row. One that cannot be read is logged, and counts as absent.
pub(super) fn read<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Option<T> {
    parse(value).map_err(|why| unreadable::note(key, &why)).ok()
}

/// Reads a row, or returns why it cannot be read.
pub(super) fn parse<T: DeserializeOwned>(value: &[u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|error| unreadable::reason(&error))
}
