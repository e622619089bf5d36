//! A store of few rows: the real committer and index, and the plans of a store as short as they can be.

use std::sync::OnceLock;

use tokio::sync::oneshot::Receiver;

use super::{committer::Commit, *};
use crate::{
    domain::job::{Lane, Route},
    store::{Class, index::Head},
};

#[derive(Clone)]
pub(super) struct Bridge {
    pub(super) committer: Arc<Committer>,
    pub(super) disk: Arc<Disk>,
    pub(super) failed: Arc<OnceLock<String>>,
    index: Arc<Mutex<Index>>,
    /// The lanes that somebody has claimed, by the callers' account.
    claimed: Arc<std::sync::Mutex<BTreeMap<u8, Row>>>,
}

fn lane_of(number: u8) -> Lane {
    lane(&number.to_string())
}

fn head(row: Row) -> Head {
    let class = Class { is_bulk: false, is_file: false };
    Head { retry_at: None, sequence: row.1.into(), enqueued_at: NOW, class }
}

fn plan(row: Row, then: impl FnOnce(&mut Index) + Send + 'static) -> Commit<()> {
    Commit { batch: Some(vec![row]), answer: (), then: Box::new(then) }
}

impl Bridge {
    pub(super) fn open(fails_at: Option<usize>) -> Self {
        let (disk, failed) = (Arc::new(Disk::new(fails_at)), Arc::default());
        let index = Arc::new(Mutex::new(Index::default()));
        let txn = committer::WriteTxn(Arc::clone(&disk));
        let committer = Committer::start(txn, Arc::clone(&index), Arc::clone(&failed)).unwrap();
        Self { committer: Arc::new(committer), disk, failed, index, claimed: Arc::default() }
    }

    pub(super) fn ask(&self, row: Row) -> Result<Receiver<Result<(), StoreError>>, StoreError> {
        self.committer.send(move |_| Ok(plan(row, move |index| index.joined(&lane_of(row.0), head(row)))))
    }

    pub(super) async fn push(&self, row: Row) -> Result<(), StoreError> {
        self.committer.write(move |_| Ok(plan(row, move |index| index.joined(&lane_of(row.0), head(row))))).await
    }

    /// How many rows wait by the index.
    pub(super) fn waiting(&self) -> usize {
        self.index.lock().unwrap().counts().iter().map(|(_, count)| count.waiting).sum()
    }

    /// Claims as a store does: the lane by the index, and then its first row by the tree.
    pub(super) fn claim(&self) -> Option<Row> {
        let (lane, _) = self.index.lock().unwrap().claim(&Route::Inbound, NOW, |_| true)?;
        let number = lane.thread.parse().unwrap();
        let row = self.disk.first(number, None).expect("a lane that can be claimed has rows");
        assert!(self.disk.has(row), "{row:?} can be claimed and is not durable");
        assert_eq!(self.claimed.lock().unwrap().insert(number, row), None, "the lane {number} is claimed twice");
        Some(row)
    }

    pub(super) fn give_back(&self, row: Row) {
        self.claimed.lock().unwrap().remove(&row.0);
        self.index.lock().unwrap().returned(&lane_of(row.0), None);
    }

    pub(super) async fn settle(&self, row: Row) -> Row {
        let (disk, claimed) = (Arc::clone(&self.disk), Arc::clone(&self.claimed));
        let settled = self.committer.write(move |_| {
            let next = disk.first(row.0, Some(row)).map(head);
            Ok(plan(row, move |index| {
                claimed.lock().unwrap().remove(&row.0);
                index.settled(&lane_of(row.0), 1, 0, next);
            }))
        });
        settled.await.unwrap();
        row
    }
}
