//! A store that was rolled back to an older state: the machine was rolled back to a snapshot, or an old copy of the
//! data directory was put in its place.
//!
//! What waits in it may have been delivered since, and what was delivered since is unknown to it. Kommo takes each
//! message once; Telegram does not. So it is treated as a restored store is: answers that waited are parked, and of
//! what was written before now nobody may think that it is missing.

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

/// What became of a store that was rolled back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollbackOutcome {
    /// How many answers that waited were parked.
    pub parked: usize,
    /// In how many lanes somebody was at work, or could be: what waits there goes out.
    pub busy: usize,
}

/// What of one lane is parked, and what stays.
#[derive(Default)]
struct ParkedShare {
    gone: usize,
    /// How many jobs could not be read, and are set aside as they are.
    aside: usize,
    head: Option<Head>,
}

impl Store {
    /// The lanes towards Telegram in which something waits. Costs a look at each.
    pub async fn lanes_to_telegram(&self) -> Result<Vec<Lane>, StoreError> {
        self.0.reader.apart(lanes_to_telegram).await
    }

    /// What waits in a lane, in order; `None` if not all of it can be read. Whoever works on its head has it still.
    pub async fn waiting(&self, lane: Lane) -> Result<Option<Vec<Job>>, StoreError> {
        let job = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, value) = entry?;
            Ok(rows::read::<JobRow>(&key, &value).map(|row| row.job))
        };
        self.0.reader.apart(move |db| db.scan_prefix(keys::lane(&lane)).map(job).collect()).await
    }

    /// Whether something that waited in a lane was set aside.
    pub async fn is_set_aside(&self, lane: Lane) -> Result<bool, StoreError> {
        self.0.reader.apart(move |db| is_set_aside(db, &lane)).await
    }

    /// Holds a lane less than before: from a later number on, or not at all.
    pub fn hold_less(&self, lane: &Lane, from: Option<u64>) {
        self.with_index(|index| {
            index.release_hold(lane);
            if let Some(from) = from {
                index.hold(&lane.route, [lane.thread.clone()], from);
            }
        });
    }

    /// From now on this store knows of nothing that was written before. What waits in `lanes` and arrived below `mark`
    /// ([`Store::next_mark`]) is parked, one message per answer, in the same durable step. The lanes must be held from
    /// 0 on.
    pub async fn treat_as_rolled_back(
        &self,
        lanes: Vec<Lane>,
        mark: u64,
        now: UnixMillis,
    ) -> Result<RollbackOutcome, StoreError> {
        self.db()?;
        let store = self.clone();
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, mut told) = (Batch::default(), RollbackOutcome::default());
            let mut parted = Vec::new();
            batch.insert(keys::BEGUN, rows::write(&now));
            for row in NEXT_KEPT.rows(&txn.db) {
                // Numbers that were given since are not given again.
                let (bot, next) = row?;
                NEXT_KEPT.put(&mut batch, &bot, &next.max(kept::by_time(now)));
            }
            for lane in lanes {
                // Until this is durable nobody finds the lane as it was, nor as it will be.
                if !store.with_index(|index| index.freeze(&lane)) {
                    told.busy += 1;
                    continue;
                }
                let (parked, of_lane) = park_below(txn, &mut batch, (&lane, mark), now)?;
                told.parked += parked;
                parted.push((lane, of_lane));
            }
            let then = move |index: &mut Index| {
                index.parked += told.parked;
                for (lane, ParkedShare { gone, head, .. }) in parted {
                    index.settled(&lane, gone, 0, head);
                    index.thaw(&lane, 0, None);
                }
            };
            Ok(Commit { batch: Some(batch), answer: told, then: Box::new(then) })
        };
        self.0.committer.write(plan).await
    }
}

fn lanes_to_telegram(db: &Db) -> Result<Vec<Lane>, StoreError> {
    let (mut lanes, mut from) = (Vec::new(), keys::JOBS.to_vec());
    while let Some((key, _)) = db.next(&from)?.filter(|(key, _)| key.starts_with(keys::JOBS)) {
        let Some(place) = JobKey::parse(&key) else {
            // Whatever it is, it is no answer.
            from = key.to_vec();
            continue;
        };
        // No place of a lane is behind this one.
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
        // Of a damaged key nobody knows where it was.
        if former.is_none_or(|(of_route, thread)| thread == lane.thread && of_route == route) {
            return Ok(true);
        }
    }
    for entry in scan(db, keys::PARKED) {
        let (key, value) = entry?;
        // Of one that cannot be read nobody knows where it waited.
        let row: Option<ParkedHead> = rows::read(&key, &value);
        if row.is_none_or(|row| row.thread == lane.thread && row.route == route) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether what goes that way could arrive a second time. What is stray may have found whom it is for since.
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
) -> Result<(usize, ParkedShare), StoreError> {
    let (mut arrivals, mut parted) = (Vec::<(u64, Vec<Job>)>::new(), ParkedShare::default());
    for entry in txn.db.scan_prefix(keys::lane(lane)) {
        let (key, value) = entry?;
        let sequence = JobKey::parse(&key).map_or(u64::MAX, |place| place.sequence);
        if sequence >= mark {
            parted.head = Some(Head::of(sequence, &key, &value));
            break;
        }
        parted.gone += 1;
        let Some(row) = rows::read::<JobRow>(&key, &value) else {
            unreadable_jobs::put(batch, &key, &value);
            parted.aside += 1;
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
    Ok((count + parted.aside, parted))
}
