//! Messages set aside for a person.

use std::sync::Arc;

use sled::Batch;

use crate::{
    domain::{
        time::UnixMillis,
        work::{Lane, Work},
    },
    store::{
        Parked, ParkedId, Store, StoreError,
        committer::{Book, Planned},
        index::Index,
        keys,
        push::{enter, join_together},
        rows::{self, ParkedRow},
    },
};

/// Sets jobs aside as one message.
pub(super) fn write(book: &mut Book, batch: &mut Batch, lane: &Lane, works: Vec<Work>, why: String, now: UnixMillis) {
    let row = ParkedRow { route: lane.route.to_string(), thread: lane.thread.clone(), works, why, parked_at: now };
    let key = keys::parked(book.sequence(batch));
    batch.insert(key, rows::write(&row));
}

impl Store {
    /// The parked messages, oldest first, at most `limit`.
    ///
    /// # Errors
    /// If the store fails.
    pub fn parked(&self, limit: usize) -> Result<Vec<Parked>, StoreError> {
        self.db()?
            .scan_prefix(keys::PARKED)
            .take(limit)
            .map(|entry| {
                let (key, value) = entry?;
                parked(&key, rows::read(&key, &value)?)
            })
            .collect()
    }

    /// Puts a parked message back to the tail of its lane, to be tried anew. Tells whether there was one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn unpark(&self, id: ParkedId, now: UnixMillis) -> Result<bool, StoreError> {
        self.take_parked(id, move |book, batch, parked| {
            let joined = join_together(book, batch, &parked.lane, parked.works.clone(), now);
            Box::new(move |index: &mut Index| enter(index, joined))
        })
        .await
    }

    /// Forgets a parked message. Tells whether there was one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn drop_parked(&self, id: ParkedId) -> Result<bool, StoreError> {
        self.take_parked(id, |_, _, _| Box::new(|_: &mut Index| ())).await
    }

    async fn take_parked(
        &self,
        id: ParkedId,
        act: impl FnOnce(&mut Book, &mut Batch, &Parked) -> Box<dyn FnOnce(&mut Index) + Send> + Send + 'static,
    ) -> Result<bool, StoreError> {
        self.db()?;
        let moving = Arc::clone(&self.0.moving_back).lock_owned().await;
        let plan = move |book: &mut Book| {
            let key = keys::parked(id.0);
            let Some(value) = book.db.get(&key)? else {
                return Ok(Planned { batch: None, answer: false, then: Box::new(|_: &mut Index| ()) });
            };
            let parked = parked(&key, rows::read(&key, &value)?)?;
            let mut batch = Batch::default();
            let act = act(book, &mut batch, &parked);
            batch.remove(key);
            let then = Box::new(move |index: &mut Index| {
                drop(moving);
                index.parked = index.parked.saturating_sub(1);
                act(index);
            });
            Ok(Planned { batch: Some(batch), answer: true, then })
        };
        self.0.committer.write(plan).await
    }
}

fn parked(key: &[u8], row: ParkedRow) -> Result<Parked, StoreError> {
    let broken = || StoreError::Failed("a parked message is unreadable".to_owned());
    Ok(Parked {
        id: ParkedId(keys::parked_sequence(key).ok_or_else(broken)?),
        lane: Lane { route: row.route.parse().map_err(|_| broken())?, thread: row.thread },
        works: row.works,
        why: row.why,
        parked_at: row.parked_at,
    })
}
