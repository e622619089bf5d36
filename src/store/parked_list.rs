//! The list of parked messages for the operator.

use std::cmp::Reverse;

use serde::Deserialize;
use sled::IVec;

use crate::{
    domain::time::UnixMillis,
    store::{
        Parked, ParkedId, Store, StoreError,
        db::Db,
        keys, park,
        rows::{self, ParkedHead},
        unreadable_jobs,
    },
};

/// A parked message without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedSummary {
    pub id: ParkedId,
    /// The route on which it waited, as it is stored.
    pub route: String,
    /// The thread of its lane.
    pub thread: String,
    /// Why it was parked, or cannot be read.
    pub why: String,
    /// When it was parked, or when an unreadable job arrived, if that can be read.
    pub since: Option<UnixMillis>,
    /// Kommo's code of the failure, if its author has been informed.
    pub code: Option<i32>,
    /// When it is removed; `None` if it needs a person.
    pub expires_at: Option<UnixMillis>,
    /// Whether this version can read it.
    pub is_readable: bool,
}

impl Store {
    /// The readable ones of the `limit` oldest parked messages, oldest first.
    pub fn parked(&self, limit: usize) -> Result<Vec<Parked>, StoreError> {
        let parked = |(key, value): (IVec, IVec)| park::read(ParkedId(keys::parked_sequence(&key)?), &value).ok();
        Ok(self.db()?.first(keys::PARKED, limit)?.into_iter().filter_map(parked).collect())
    }

    /// The parked message with this number, if there is one that can be read.
    pub fn parked_as(&self, id: ParkedId) -> Result<Option<Parked>, StoreError> {
        let value = self.db()?.get(keys::parked(id.0))?;
        Ok(value.and_then(|value| park::read(id, &value).ok()))
    }

    /// The parked messages, including unreadable ones, newest first, at most `limit` of those before `before`.
    pub async fn set_aside_before(
        &self,
        before: Option<ParkedId>,
        limit: usize,
    ) -> Result<Vec<ParkedSummary>, StoreError> {
        self.0
            .reader
            .spawn_blocking(move |db| {
                let before = before.map_or(u64::MAX, |id| id.0);
                let mut all = parked(db, before, limit)?;
                all.extend(unreadable(db, before, limit)?);
                all.sort_by_key(|one| Reverse(one.id));
                all.truncate(limit);
                Ok(all)
            })
            .await
    }
}

fn parked(db: &Db, before: u64, limit: usize) -> Result<Vec<ParkedSummary>, StoreError> {
    let newest = db.range(keys::parked(0)..keys::parked(before)).rev().take(limit);
    newest.map(|entry| entry.map(|(key, value)| of_parked(&key, &value)).map_err(StoreError::from)).collect()
}

fn of_parked(key: &[u8], value: &[u8]) -> ParkedSummary {
    let id = ParkedId(keys::parked_sequence(key).unwrap_or_default());
    match park::read(id, value) {
        Ok(parked) => ParkedSummary {
            id,
            route: parked.lane.route.to_string(),
            thread: parked.lane.thread,
            why: parked.why,
            since: Some(parked.parked_at),
            code: parked.code,
            expires_at: parked.expires_at,
            is_readable: true,
        },
        Err(why) => {
            let head: ParkedHead = rows::parse(value).unwrap_or_default();
            let (route, thread, since, expires_at) = (head.route, head.thread, head.parked_at, head.expires_at);
            ParkedSummary { id, route, thread, why, since, code: None, expires_at, is_readable: false }
        }
    }
}

fn unreadable(db: &Db, before: u64, limit: usize) -> Result<Vec<ParkedSummary>, StoreError> {
    let mut ids: Vec<u64> = Vec::new();
    for entry in db.range(keys::aside(0, &[])..keys::aside(before, &[])).rev() {
        let id = keys::aside_parts(&entry?.0).map_or(0, |(id, _)| id);
        if ids.last() != Some(&id) {
            if ids.len() == limit {
                break;
            }
            ids.push(id);
        }
    }
    ids.into_iter().map(ParkedId).map(|id| Ok(of_aside(id, &unreadable_jobs::of(db, id)?))).collect()
}

/// The readable part of a job whose row cannot be read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Arrived {
    #[serde(alias = "since")]
    enqueued_at: Option<UnixMillis>,
}

fn of_aside(id: ParkedId, rows: &[unreadable_jobs::UnreadableRow]) -> ParkedSummary {
    let (route, thread) = rows.first().and_then(|row| unreadable_jobs::lane_of(&row.former)).unwrap_or_default();
    let arrived: Option<Arrived> = rows.first().and_then(|row| rows::parse(&row.value).ok());
    let why = unreadable_jobs::read(rows).err();
    ParkedSummary {
        id,
        route,
        thread,
        is_readable: why.is_none(),
        why: why.unwrap_or_else(|| "it could not be read before, but now it can: retry it".to_owned()),
        since: arrived.and_then(|it| it.enqueued_at),
        code: None,
        expires_at: None,
    }
}
