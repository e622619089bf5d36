//! Expiry: rows that are kept for a limited time.
//!
//! A note says when a row expires. It is a row of its own, with the other row's key in its key. There are as many notes
//! as messages, and each row takes memory, so once a day those of the same day are packed: a packed row has as many
//! notes as fit, with an instant for each.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    domain::time::UnixMillis,
    store::{
        Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::Index,
        keys, rows,
        scan::scan,
        tables::{TO_KOMMO, TO_OURS},
    },
};

/// How many rows one change removes, here and elsewhere, so that others do not wait long for a sweep, and little is
/// written between two syncs.
pub(super) const STEP: usize = 100;
/// The size of a packed row, in bytes. Larger ones would save little, and sled reads and writes 16 at once.
const PACKED_BYTES: usize = 1000;
/// Only notes of the same day are packed: a packed row is rewritten whenever a part of it has expired.
const TOGETHER: Duration = Duration::from_hours(24);

/// Notes that a row expires.
pub(super) fn note(batch: &mut Batch, at: UnixMillis, key: &[u8]) {
    batch.insert(keys::expiry(at, key), &b"null"[..]);
}

/// When a row expires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Note {
    at: UnixMillis,
    key: Vec<u8>,
}

/// The notes in a row; none if it cannot be read.
fn notes(expiry: &[u8], value: &[u8]) -> Vec<Note> {
    let Some(at) = keys::expires_at(expiry) else { return Vec::new() };
    if let Some(key) = keys::expired(expiry) {
        return vec![Note { at, key: key.to_vec() }];
    }
    let packed: Vec<(String, u64)> = rows::read(expiry, value).unwrap_or_default();
    packed.into_iter().map(|(key, later)| Note { at: at.plus(Duration::from_millis(later)), key: key.into() }).collect()
}

/// Writes notes as one packed row; a single note, or one whose key is no text, as a row of its own.
fn write(batch: &mut Batch, mut left: Vec<Note>) {
    left.sort();
    left.dedup();
    let Some(first) = left.first().cloned() else { return };
    let later = |note: &Note| u64::try_from(first.at.until(note.at).as_millis()).unwrap_or(u64::MAX);
    let text = |note: &Note| Some((String::from_utf8(note.key.clone()).ok()?, later(note)));
    match left.iter().map(text).collect::<Option<Vec<_>>>() {
        Some(packed) if packed.len() > 1 => {
            let value = rows::write(&packed);
            batch.insert(keys::packed_expiry(first.at, &value), value);
        }
        _ => left.iter().for_each(|alone| note(batch, alone.at, &alone.key)),
    }
}

/// The rows with notes about these keys.
pub(super) fn about(db: &Db, keys: &BTreeSet<Vec<u8>>) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut found = Vec::new();
    for entry in scan(db, keys::EXPIRIES) {
        let (expiry, value) = entry?;
        if notes(&expiry, &value).iter().any(|note| keys.contains(&note.key)) {
            found.push(expiry.to_vec());
        }
    }
    Ok(found)
}

/// Removes the notes about these keys from a row.
pub(super) fn take_out(
    txn: &WriteTxn,
    batch: &mut Batch,
    expiry: &[u8],
    keys: &BTreeSet<Vec<u8>>,
) -> Result<(), StoreError> {
    if let Some(value) = txn.db.get(expiry)? {
        batch.remove(expiry);
        write(batch, notes(expiry, &value).into_iter().filter(|note| !keys.contains(&note.key)).collect());
    }
    Ok(())
}

impl Store {
    /// When the next row expires, or should have expired.
    pub fn first_expiry(&self) -> Result<Option<UnixMillis>, StoreError> {
        let first = self.db()?.first(keys::EXPIRIES, 1)?;
        Ok(first.first().and_then(|(expiry, _)| keys::expires_at(expiry)))
    }

    /// Removes the rows that have expired by `now`, and returns their number.
    pub async fn sweep(&self, now: UnixMillis) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            self.db()?;
            let step = self.0.committer.write(move |txn: &mut WriteTxn| sweep_step(txn, now)).await?;
            removed += step;
            if step < STEP {
                return Ok(removed);
            }
        }
    }

    /// Packs the notes of each day. This reads all notes.
    pub async fn pack_expiries(&self) -> Result<(), StoreError> {
        let mut next = Some(keys::EXPIRIES.to_vec());
        while let Some(from) = next {
            self.db()?;
            next = self.0.committer.write(move |txn: &mut WriteTxn| pack_step(txn, &from)).await?;
        }
        Ok(())
    }
}

fn sweep_step(txn: &mut WriteTxn, now: UnixMillis) -> Result<Commit<usize>, StoreError> {
    let (mut batch, mut removed, mut reported) = (Batch::default(), 0, 0);
    for entry in txn.db.range(keys::EXPIRIES.to_vec()..keys::expiry(now, &[])) {
        let (expiry, value) = entry?;
        let (expired, left): (Vec<_>, Vec<_>) = notes(&expiry, &value).into_iter().partition(|note| note.at < now);
        batch.remove(&expiry);
        write(&mut batch, left);
        for Note { key, .. } in &expired {
            // If it was noted again since then (a link with a further part, a repeated arrival), it stays until the
            // later note expires.
            if !is_noted_later(txn, key, now)? {
                let link = key.starts_with(&TO_KOMMO.prefix).then(|| rows::get(&txn.db, key)).transpose()?;
                if let Some(kommo) = link.flatten() {
                    TO_OURS.remove(&mut batch, &kommo);
                }
                reported += usize::from(keys::parked_sequence(key).is_some() && txn.db.contains_key(key)?);
                batch.remove(key);
            }
        }
        // A row that cannot be read is removed as well.
        removed += expired.len().max(1);
        if removed >= STEP {
            break;
        }
    }
    // Of the parked messages, only those whose authors have been informed expire.
    let then = move |index: &mut Index| index.reported = index.reported.saturating_sub(reported);
    Ok(Commit { batch: (removed > 0).then_some(batch), answer: removed, then: Box::new(then) })
}

/// A row that holds its own expiry (an idempotency key) decides; links only grow, and expire with their first note.
fn is_noted_later(txn: &WriteTxn, key: &[u8], now: UnixMillis) -> Result<bool, StoreError> {
    let value = txn.db.get(key)?;
    let until = value.and_then(|value| serde_json::from_slice::<UnixMillis>(&value).ok());
    Ok(until.is_some_and(|until| until >= now))
}

/// Rows to be packed, with their notes and their size.
#[derive(Default)]
struct Group {
    rows: Vec<Vec<u8>>,
    notes: Vec<Note>,
    bytes: usize,
}

impl Group {
    /// Whether a note for `at` still fits into it.
    fn takes(&self, at: UnixMillis, bytes: usize) -> bool {
        let day = |at: UnixMillis| UnixMillis(0).until(at).as_secs() / TOGETHER.as_secs();
        self.notes.first().is_none_or(|first| day(first.at) == day(at)) && self.bytes + bytes <= PACKED_BYTES
    }

    fn end(&mut self, batch: &mut Batch) {
        let Self { rows, notes, .. } = std::mem::take(self);
        if rows.len() > 1 {
            for row in rows {
                batch.remove(row);
            }
            write(batch, notes);
        }
    }
}

/// Packs some of the notes from the row `from` on, and returns the row from which to go on.
fn pack_step(txn: &mut WriteTxn, from: &[u8]) -> Result<Commit<Option<Vec<u8>>>, StoreError> {
    let (mut batch, mut group, mut next) = (Batch::default(), Group::default(), None);
    let (mut read, end) = (0, keys::expiry(UnixMillis(i64::MAX), &[]));
    for entry in txn.db.range(from.to_vec()..end) {
        let (expiry, value) = entry?;
        if read == STEP {
            next = Some(expiry.to_vec());
            break;
        }
        read += 1;
        let notes = notes(&expiry, &value);
        let bytes = expiry.len() + value.len();
        let is_text = notes.iter().all(|note| std::str::from_utf8(&note.key).is_ok());
        let (Some(at), true) = (keys::expires_at(&expiry), is_text && !notes.is_empty()) else { continue };
        if !group.takes(at, bytes) {
            group.end(&mut batch);
        }
        group.rows.push(expiry.to_vec());
        group.notes.extend(notes);
        group.bytes += bytes;
    }
    group.end(&mut batch);
    let batch = Some(batch).filter(|batch| !batch.is_empty());
    Ok(Commit { batch, answer: next, then: Box::new(|_: &mut Index| ()) })
}
