//! Rebuilds the index from the tree when the store is opened.

use std::collections::BTreeSet;

use crate::store::{
    StoreError,
    db::{Batch, Db},
    index::{Head, Index},
    keys::{self, JobKey},
    rows::{self, ParkedHead},
    scan::scan,
    tables, unreadable, unreadable_jobs,
};

/// Reads the heads of all lanes. Jobs behind them are only counted, by their keys.
pub(super) fn index(db: &Db) -> Result<Index, StoreError> {
    let mut index = Index::default();
    let mut lane: Option<(JobKey, Vec<u8>)> = None;
    for entry in scan(db, keys::JOBS) {
        let (key, value) = entry?;
        if let Some((head, prefix)) = &lane
            && key.len() == prefix.len() + JobKey::BYTES
            && key.starts_with(prefix)
        {
            index.counted(&head.lane);
            continue;
        }
        if let Some(place) = JobKey::parse(&key) {
            index.joined(&place.lane, Head::left(place.sequence, &key, &value));
            let prefix = keys::lane(&place.lane);
            lane = Some((place, prefix));
        } else {
            // No relay could ever claim it.
            set_aside(db, &key, &value)?;
        }
    }
    count_parked(db, &mut index)?;
    Ok(index)
}

/// Sets a job with an unreadable key aside. That is durable with the next commit; until then each opening repeats it.
fn set_aside(db: &Db, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    unreadable::note(key, "this version cannot read its key");
    let mut batch = Batch::default();
    unreadable_jobs::put(&mut batch, key, value);
    Ok(db.apply_batch(batch)?)
}

fn count_parked(db: &Db, index: &mut Index) -> Result<(), StoreError> {
    for entry in scan(db, keys::PARKED) {
        let (key, value) = entry?;
        let expires = rows::read(&key, &value).is_some_and(|row: ParkedHead| row.expires_at.is_some());
        index.reported += usize::from(expires);
        index.parked += usize::from(!expires);
    }
    let aside = db.scan_prefix(keys::ASIDE).keys();
    let sequence = |key: sled::Result<sled::IVec>| Ok(keys::aside_parts(&key?).map_or(0, |(sequence, _)| sequence));
    index.parked += aside.map(sequence).collect::<Result<BTreeSet<u64>, StoreError>>()?.len();
    Ok(())
}

/// The next sequence. Without a readable counter it is above all that are in use.
pub(super) fn next_sequence(db: &Db) -> Result<u64, StoreError> {
    let counter = db.get(keys::SEQUENCE)?;
    let is_given = |next: &u64| *next <= keys::SEQUENCES_END;
    if let Some(next) = counter.and_then(|value| rows::read(keys::SEQUENCE, &value)).filter(is_given) {
        return Ok(next);
    }
    let mut next: u64 = tables::CAUGHT_UP_MARK.get(db)?.filter(is_given).unwrap_or_default();
    for table in [keys::JOBS, keys::PARKED, keys::ASIDE] {
        for entry in scan(db, table) {
            next = next.max(keys::next_sequence(&entry?.0).unwrap_or_default());
        }
    }
    Ok(next)
}
