//! A store that was rolled back to an older state: the machine was rolled back to a snapshot, or an old copy of the
//! data directory has replaced it.
//!
//! Its waiting jobs may have been done since, and it does not know what was delivered since. Kommo accepts each message
//! once; Telegram does not. So it is treated like a restored store: waiting answers are parked, and no earlier message
//! counts as missing.

use crate::{
    domain::{
        job::{Job, Lane, Route},
        time::UnixMillis,
    },
    store::{
        Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::{Head, Index},
        kept,
        keys::{self, JobKey},
        park,
        rows::{self, JobRow, ParkedHead, ParkedRow},
        scan::scan,
        tables::NEXT_KEPT,
        unreadable_jobs,
    },
};

/// Why answers are parked.
const WHY: &str = "the data directory was rolled back to an older state: it may have been delivered since";

/// The result of treating a store as rolled back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollbackOutcome {
    /// How many waiting answers were parked.
    pub parked: usize,
    /// In how many lanes a relay works, or could: their answers are sent.
    pub busy: usize,
}

/// The part of a lane that is parked, and its new head.
#[derive(Default)]
struct LaneShare {
    removed: usize,
    /// How many jobs could not be read, and are set aside unchanged.
    aside: usize,
    head: Option<Head>,
}

impl Store {
    /// The lanes to Telegram with waiting jobs. Reads one row of each.
    pub async fn lanes_to_telegram(&self) -> Result<Vec<Lane>, StoreError> {
        self.0.reader.spawn_blocking(lanes_to_telegram).await
    }

    /// The jobs of a lane, in order; `None` if not all of them can be read. A leased head is among them.
    pub async fn waiting(&self, lane: Lane) -> Result<Option<Vec<Job>>, StoreError> {
        let job = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, value) = entry?;
            Ok(rows::read::<JobRow>(&key, &value).map(|row| row.job))
        };
        self.0.reader.spawn_blocking(move |db| db.scan_prefix(keys::lane(&lane)).map(job).collect()).await
    }

    /// Whether a job of a lane was parked or set aside.
    pub async fn is_set_aside(&self, lane: Lane) -> Result<bool, StoreError> {
        self.0.reader.spawn_blocking(move |db| is_set_aside(db, &lane)).await
    }

    /// Reduces the hold of a lane: from a later number on, or not at all.
    pub fn hold_less(&self, lane: &Lane, from: Option<u64>) {
        self.with_index(|index| {
            index.release_hold(lane);
            if let Some(from) = from {
                index.hold(&lane.route, [lane.thread.clone()], from);
            }
        });
    }

    /// Makes this store's history start now. The jobs in `lanes` that arrived below `mark` ([`Store::next_mark`]) are
    /// parked, one message per answer, in the same commit. The lanes must be held from 0 on.
    pub async fn treat_as_rolled_back(
        &self,
        lanes: Vec<Lane>,
        mark: u64,
        now: UnixMillis,
    ) -> Result<RollbackOutcome, StoreError> {
        self.db()?;
        let store = self.clone();
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, mut outcome) = (Batch::default(), RollbackOutcome::default());
            let mut shares = Vec::new();
            batch.insert(keys::BEGUN, rows::write(&now));
            for row in NEXT_KEPT.rows(&txn.db) {
                // Numbers that were given since are not given again.
                let (bot, next) = row?;
                NEXT_KEPT.put(&mut batch, &bot, &next.max(kept::by_time(now)));
            }
            for lane in lanes {
                // Nobody may see the lane, old or new, until this is durable.
                if !store.with_index(|index| index.freeze(&lane)) {
                    outcome.busy += 1;
                    continue;
                }
                let (parked, of_lane) = park_below(txn, &mut batch, (&lane, mark), now)?;
                outcome.parked += parked;
                shares.push((lane, of_lane));
            }
            let then = move |index: &mut Index| {
                index.parked += outcome.parked;
                for (lane, LaneShare { removed, head, .. }) in shares {
                    index.settled(&lane, removed, 0, head);
                    index.thaw(&lane, 0, None);
                }
            };
            Ok(Commit { batch: Some(batch), answer: outcome, then: Box::new(then) })
        };
        self.0.committer.write(plan).await
    }
}

fn lanes_to_telegram(db: &Db) -> Result<Vec<Lane>, StoreError> {
    let (mut lanes, mut from) = (Vec::new(), keys::JOBS.to_vec());
    while let Some((key, _)) = db.next(&from)?.filter(|(key, _)| key.starts_with(keys::JOBS)) {
        let Some(place) = JobKey::parse(&key) else {
            // A row with an unreadable key is no answer.
            from = key.to_vec();
            continue;
        };
        // The last possible key of the lane.
        from = JobKey { lane: place.lane.clone(), sequence: u64::MAX, part: u16::MAX }.key();
        if leads_to_telegram(&place.lane.route) {
            lanes.push(place.lane);
        }
    }
    Ok(lanes)
}

fn is_set_aside(db: &Db, lane: &Lane) -> Result<bool, StoreError> {
    let route = lane.route.to_string();
    for entry in scan(db, keys::ASIDE) {
        let (key, _) = entry?;
        let former = keys::aside_parts(&key).and_then(|(_, former)| unreadable_jobs::lane_of(former));
        // A damaged key does not say which lane it was in.
        if former.is_none_or(|(of_route, thread)| thread == lane.thread && of_route == route) {
            return Ok(true);
        }
    }
    for entry in scan(db, keys::PARKED) {
        let (key, value) = entry?;
        // An unreadable row does not say which lane it was in.
        let row: Option<ParkedHead> = rows::read(&key, &value);
        if row.is_none_or(|row| row.thread == lane.thread && row.route == route) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether jobs of a route could arrive twice. The recipient of a stray answer may have been found since.
fn leads_to_telegram(route: &Route) -> bool {
    match route {
        Route::Outbound(_) | Route::Undeliverable => true,
        Route::Inbound | Route::Status | Route::Crm => false,
    }
}

fn park_below(
    txn: &mut WriteTxn,
    batch: &mut Batch,
    (lane, mark): (&Lane, u64),
    now: UnixMillis,
) -> Result<(usize, LaneShare), StoreError> {
    let (mut arrivals, mut shares) = (Vec::<(u64, Vec<Job>)>::new(), LaneShare::default());
    for entry in txn.db.scan_prefix(keys::lane(lane)) {
        let (key, value) = entry?;
        let sequence = JobKey::parse(&key).map_or(u64::MAX, |place| place.sequence);
        if sequence >= mark {
            shares.head = Some(Head::of(sequence, &key, &value));
            break;
        }
        shares.removed += 1;
        let Some(row) = rows::read::<JobRow>(&key, &value) else {
            unreadable_jobs::put(batch, &key, &value);
            shares.aside += 1;
            continue;
        };
        batch.remove(key);
        match arrivals.last_mut() {
            Some((of, jobs)) if *of == sequence => jobs.push(row.job),
            _ => arrivals.push((sequence, vec![row.job])),
        }
    }
    let count = arrivals.len();
    for (_, jobs) in arrivals {
        let (route, thread) = (lane.route.to_string(), lane.thread.clone());
        let row = ParkedRow { route, thread, jobs, why: WHY.to_owned(), parked_at: now, code: None, expires_at: None };
        park::write(txn, batch, &row);
    }
    Ok((count + shares.aside, shares))
}
