//! What must be in a store after a cut.

use std::{collections::BTreeSet, fs, panic, path::Path};

use telekommo::{
    domain::job::{Hook, IdempotencyKey, Job, Lane, Route},
    store::{Intake, NewJob, Outcome, Store, StoreError},
};

use super::driver::{BOT, NOW, dump, name_of, settings, source};

/// What the process was told before the cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    is_made: bool,
    taken: BTreeSet<String>,
    waiting: BTreeSet<String>,
    parked: BTreeSet<String>,
    done: BTreeSet<String>,
    /// What was just being done, or set aside.
    in_flight: Option<String>,
    offset: i64,
    at_dump: Option<Box<Told>>,
    is_restoring: bool,
}

impl Told {
    /// How many messages were acknowledged and not done.
    pub(super) fn open(&self) -> usize {
        self.waiting.len() + self.parked.len()
    }

    pub(super) fn note(&mut self, mark: &str) {
        let (verb, name) = mark.split_once(' ').unwrap();
        let owned = name.to_owned();
        match verb {
            "opened" => self.is_made = true,
            "pushed" => {
                self.taken.insert(owned.clone());
                self.waiting.insert(owned);
            }
            "offset" => self.offset = name.parse().unwrap(),
            "settling" | "parking" => {
                self.waiting.remove(name);
                self.in_flight = Some(owned);
            }
            "settled" => {
                self.in_flight = None;
                self.done.insert(owned);
            }
            "parked" => {
                self.in_flight = None;
                self.parked.insert(owned);
            }
            "dumped" => self.at_dump = Some(Box::new(self.clone())),
            "restoring" => self.is_restoring = true,
            "restored" => *self = self.restored(),
            other => panic!("{other} is no mark"),
        }
    }

    /// What a restored store holds: what the dump knew, with the answers set aside.
    fn restored(&self) -> Self {
        let mut told = self.at_dump.as_deref().expect("only a dump is restored").clone();
        let (answers, waiting) = told.waiting.into_iter().partition(|name| name.starts_with("hook"));
        let answers: BTreeSet<_> = answers;
        told.waiting = waiting;
        told.parked.extend(answers);
        told.at_dump.clone_from(&self.at_dump);
        told
    }
}

/// What a store holds.
struct Found {
    waiting: Vec<String>,
    parked: Vec<String>,
    damaged: usize,
}

/// Why a cut is not survived, and how many messages are lost.
pub(super) type Failed = (String, usize);

/// Whether everything is there after a cut that has left `data`.
pub(super) fn check(data: &Path, told: &Told) -> Result<(), Failed> {
    let outcome = panic::catch_unwind(|| match Store::open(settings(data.to_owned())) {
        Err(StoreError::SilentlyEmpty { .. }) if told.is_restoring => {
            Store::restore(data, &dump(data)).map_err(|error| (error.to_string(), told.open()))?;
            check(data, &told.restored())
        }
        Err(error) => Err((error.to_string(), told.open())),
        Ok(store) => holds(store, data, told),
    });
    outcome.unwrap_or_else(|_| Err(("it panicked".to_owned(), told.open())))
}

fn holds(store: Store, data: &Path, told: &Told) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let found = found(&store);
    let verdict = compare(&store, &found, told).or_else(|failed| {
        // Cut in a restore, a store is the one or the other.
        if told.is_restoring { compare(&store, &found, &told.restored()) } else { Err(failed) }
    });
    verdict?;
    if told.at_dump.is_some() && !is_whole(&dump(data)) {
        return Err(("the dump is not whole".to_owned(), 0));
    }
    // It is not enough that it opens: it must be a store that goes on.
    let lost = |why: &str| (why.to_owned(), told.open());
    let fresh = NewJob { id: None, lane: Lane::stray("fresh"), job: Job::from(Hook { raw: "fresh".to_owned() }) };
    let pushed = runtime.block_on(store.push(Intake { jobs: vec![fresh], offset: None }, NOW));
    pushed.map_err(|error| lost(&error.to_string()))?;
    runtime.block_on(store.close()).map_err(|error| lost(&error.to_string()))?;
    let again = Store::open(settings(data.to_owned())).map_err(|error| lost(&format!("opened again: {error}")))?;
    let lease =
        again.claim(&Route::Undeliverable, NOW).ok().flatten().ok_or_else(|| lost("what came after is lost"))?;
    let settled = lease.settle(Outcome::Done { then: Vec::new(), changes: Vec::new() }, NOW);
    runtime.block_on(settled).map_err(|error| lost(&error.to_string()))?;
    let later = self::found(&again);
    if (later.waiting, later.parked) == (found.waiting, found.parked) {
        Ok(())
    } else {
        Err(lost("it changed by itself"))
    }
}

fn found(store: &Store) -> Found {
    let (mut jobs, mut leases) = (Vec::new(), Vec::new());
    for route in [Route::Inbound, Route::Outbound(source())] {
        while let Some(lease) = store.claim(&route, NOW).unwrap() {
            jobs.push(lease.job().clone());
            jobs.extend(lease.behind(usize::MAX).unwrap().into_iter().map(|(job, _)| job));
            leases.push(lease);
        }
    }
    let parked: Vec<_> = store.parked(usize::MAX).unwrap().into_iter().flat_map(|parked| parked.jobs).collect();
    let names = |jobs: &[Job]| jobs.iter().filter_map(name_of).map(str::to_owned).collect::<Vec<_>>();
    let (waiting, parked_names) = (names(&jobs), names(&parked));
    let damaged = jobs.len() + parked.len() - waiting.len() - parked_names.len();
    Found { waiting, parked: parked_names, damaged }
}

fn compare(store: &Store, found: &Found, told: &Told) -> Result<(), Failed> {
    let all: BTreeSet<_> = found.waiting.iter().chain(&found.parked).cloned().collect();
    let waiting: BTreeSet<_> = found.waiting.iter().cloned().collect();
    let parked: BTreeSet<_> = found.parked.iter().cloned().collect();
    let lost = told.waiting.difference(&waiting).count() + told.parked.difference(&parked).count();
    let (back, twice) = (all.intersection(&told.done).count(), found.waiting.len() + found.parked.len() - all.len());
    // What is neither was under way when the power went.
    let unasked = parked.difference(&told.parked).filter(|name| told.in_flight.as_ref() != Some(name)).count();
    let unknown = told.taken.iter().filter(|name| !store.was_taken(&IdempotencyKey((*name).clone())).unwrap()).count();
    let offset = store.offset(BOT).unwrap().unwrap_or(0);
    let is_ordered = found.waiting.iter().filter(|name| !name.starts_with("hook")).is_sorted_by_key(|name| order(name));
    if lost + back + twice + unasked + unknown + found.damaged == 0 && offset >= told.offset && is_ordered {
        return Ok(());
    }
    let why = format!(
        "of {} lost {lost}, back {back}, twice {twice}, parked unasked {unasked}, taken and forgotten {unknown}, \
         damaged {}, offset {offset} of {}, ordered {is_ordered}",
        told.open(),
        found.damaged,
        told.offset
    );
    Err((why, lost))
}

/// Where a message of a batch stands among all of them.
fn order(name: &str) -> (usize, usize, usize) {
    let parts: Vec<_> = name.split('-').collect();
    let number: usize = parts[1].parse().unwrap();
    let kinds = [("small", 0), ("update", 1), ("burst", 2), ("largest", 3), ("many", 4)];
    let kind = kinds.into_iter().find(|(kind, _)| *kind == parts[0]).unwrap().1;
    // The second half of the small ones comes last.
    (number / 1000, if kind == 0 && number % 1000 >= 10 { 9 } else { kind }, number % 1000)
}

fn is_whole(dump: &Path) -> bool {
    let text = fs::read_to_string(dump).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines.last().is_some_and(|last| *last == format!("{{\"rows\":{}}}", lines.len() - 2))
}
