//! Forgetting: rows that are remembered for a time only.

use crate::{
    domain::time::UnixMillis,
    store::{
        Store, StoreError,
        committer::{Commit, WriteTxn},
        db::Batch,
        index::Index,
        keys, rows,
    },
};

/// How many rows one change removes, so that nobody waits long behind a sweep, and that little is written between two syncs.
const STEP: usize = 100;

/// Notes that a row expires.
pub(super) fn note(batch: &mut Batch, at: UnixMillis, key: &[u8]) {
    batch.insert(keys::expiry(at, key), &b"null"[..]);
}

impl Store {
    /// When the first of what is remembered for a time only expires, be it long ago.
    ///
    /// # Errors
    /// If the store fails.
    pub fn first_expiry(&self) -> Result<Option<UnixMillis>, StoreError> {
        let first = self.db()?.scan_prefix(keys::EXPIRIES).next().transpose()?;
        Ok(first.and_then(|(expiry, _)| expires_at(&expiry)))
    }

    /// Removes what has expired by `now`, and tells how many rows that were.
    ///
    /// # Errors
    /// If the store fails.
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
}

/// When the key that an expiry is about expires.
fn expires_at(expiry: &[u8]) -> Option<UnixMillis> {
    let at = u64::from_be_bytes(*expiry.strip_prefix(keys::EXPIRIES)?.first_chunk()?);
    Some(UnixMillis(i64::try_from(at).unwrap_or(i64::MAX)))
}

fn sweep_step(txn: &mut WriteTxn, now: UnixMillis) -> Result<Commit<usize>, StoreError> {
    let (mut batch, mut removed, mut told) = (Batch::default(), 0, 0);
    for entry in txn.db.range(keys::EXPIRIES.to_vec()..keys::expiry(now, &[])).take(STEP) {
        let (expiry, _) = entry?;
        if let Some(key) = keys::expired(&expiry) {
            // Noted again since then (a link with a further part, an arrival that came anew), it lives on with the
            // later note.
            if !is_noted_later(txn, key, now)? {
                if let Some(kommo) = keys::is_link(key).then(|| rows::get(&txn.db, key)).transpose()?.flatten() {
                    batch.remove(keys::ours_of(&kommo));
                }
                told += usize::from(keys::parked_sequence(key).is_some() && txn.db.contains_key(key)?);
                batch.remove(key);
            }
        }
        batch.remove(expiry);
        removed += 1;
    }
    // What expires of the parked messages is what somebody was told of.
    let then = move |index: &mut Index| index.told = index.told.saturating_sub(told);
    Ok(Commit { batch: (removed > 0).then_some(batch), answer: removed, then: Box::new(then) })
}

/// A row that holds its own expiry (a dedupe id) knows best; links only ever grow and go with their first note.
fn is_noted_later(txn: &WriteTxn, key: &[u8], now: UnixMillis) -> Result<bool, StoreError> {
    let value = txn.db.get(key)?;
    let until = value.and_then(|value| serde_json::from_slice::<UnixMillis>(&value).ok());
    Ok(until.is_some_and(|until| until >= now))
}
