//! Chaos: the real bridge between the sandbox's fakes, and everything that can go wrong around it.
//!
//! The seed decides what goes wrong, and how. `TELEKOMMO_SEED=N TELEKOMMO_CHAOS_SECONDS=600 cargo test --release --test
//! chaos` plays it again. How far the bridge has come when something goes wrong depends on the machine, so a failure
//! may need several runs.
//!
//! | Variable | What it is |
//! |---|---|
//! | `TELEKOMMO_SEED` | the seed |
//! | `TELEKOMMO_CHAOS_SECONDS` | after so long, no phase begins any more |
//! | `TELEKOMMO_CHAOS_TROUBLES` | what alone may go wrong, by the names in the table of figures, with commas between them; `flipped bit` comes only if it is named |
//! | `TELEKOMMO_CHAOS_SCHEDULE` | a schedule in place of a seed, as it is printed when one fails |
//! | `TELEKOMMO_CHAOS_SHRINK_SECONDS` | for how long smaller schedules are tried when one fails; with 0, none are |
//! | `TELEKOMMO_CHAOS_SEEDS` | `1..100`: these seeds, one after the other |
//! | `TELEKOMMO_CHAOS_LOGS` | a folder that keeps all that the bridge says, at the level `debug`, a file for each run |
//! | `TELEKOMMO_CHAOS_RECORD` | a file that keeps what came of each seed, as lines of JSON: those that have passed with this commit are not played again |
//!
//! # How something joins
//!
//! - An actor: in `people`, one that does something until it is told to stop, and notes in the book what has to come of
//!   it.
//! - A checker: in `checks`, a function that looks at the scene after a phase and adds to the verdict; what it counts
//!   is a figure of the verdict, with a row in `report`.
//! - A command of the operator: in `run::given`, which judges how it ends.
//! - A fault of the ways: in `proxy::fault`, a value and its course. It is drawn from then on.
//! - A trouble of the machine or of a remote: in `plan`, a value, how often it is drawn, and its name; in `run`, what
//!   it does and how it heals.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, wherever it does")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use attempt::Outcome;
use options::Options;
use plan::Phase;
use report::Figures;

mod attempt;
mod bridge;
mod checks;
mod command;
#[path = "../it/power/disk.rs"]
mod disk;
mod files;
#[path = "../it/folder.rs"]
mod folder;
mod import;
mod log;
mod options;
mod people;
#[path = "../it/net/pki.rs"]
mod pki;
mod plan;
mod proxy;
mod report;
mod run;
mod seeds;
#[path = "../it/power/shim.rs"]
mod shim;
mod shrink;
#[path = "../it/power/trace.rs"]
mod trace;

/// How long anything may stand still before it has failed.
const WITHIN: Duration = Duration::from_mins(1);
/// How often the bridge is killed where nothing else goes wrong.
const KILLS: usize = 20;
/// How often a smaller schedule is played before it counts as one that does not fail.
const TRIES: usize = 2;
/// How often the smallest one is played in the end.
const TRIES_AT_LAST: usize = 4;

#[test]
fn nothing_is_lost_doubled_or_mixed_up_whatever_goes_wrong() {
    let options = Options::wished();
    let home = tempfile::TempDir::new().unwrap();
    let Some(shim) = shim::build(home.path()) else {
        println!("SKIPPED: no `cc` is here to build what fails the disk and the clock; install a C compiler");
        return;
    };
    println!("{options} plays this again");
    let known = options.record.as_deref().map(seeds::read).unwrap_or_default();
    let (mut results, commit) = (Vec::new(), options::commit());
    for seed in options.seeds.clone() {
        let is_optimised = !cfg!(debug_assertions);
        let (commit, figures, seconds) = (commit.clone(), Figures::default(), options.seconds);
        let (troubles, schedule) = (options.troubles.clone(), options.schedule.as_deref().map(options::given));
        let mut result =
            seeds::Result { seed, seconds, commit, is_optimised, troubles, schedule, failure: None, figures };
        if let Some(passed) = seeds::passed(&known, &result) {
            println!("seed {seed}: has passed before");
            results.push(passed.clone());
            continue;
        }
        match one(&options, seed, &shim) {
            Ok(figures) => result.figures = figures,
            Err(failure) => result.failure = Some(failure),
        }
        if let Some(file) = &options.record {
            seeds::add(file, &result);
        }
        results.push(result);
    }
    let failures: Vec<_> = results.iter().filter_map(|it| Some((it.seed, it.failure.as_ref()?))).collect();
    if results.len() > 1 {
        println!("{}", seeds::table(&results));
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// In every run there are kills. Here is nothing else, so that nothing else explains what comes again.
#[test]
fn twenty_kills_under_load_lose_nothing_and_repeat_only_what_was_under_way() {
    let home = tempfile::TempDir::new().unwrap();
    let Some(shim) = shim::build(home.path()) else {
        println!("SKIPPED: no `cc` is here to build what fails the disk and the clock; install a C compiler");
        return;
    };
    let Outcome { end, .. } = attempt::play([Phase::kills(KILLS)].into_iter(), None, &shim);
    let figures = end.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{figures}");
    assert_eq!(figures.count(report::MACHINE, "killed"), u64::try_from(KILLS).unwrap());
}

/// Plays a seed, or the schedule in its place.
fn one(options: &Options, seed: u64, shim: &Path) -> Result<Figures, String> {
    let began = Instant::now();
    let Outcome { played, end } = if let Some(schedule) = options.schedule.clone() {
        attempt::play(schedule.into_iter(), None, shim)
    } else {
        let allowed = options.allowed();
        let phases = (1..).map(move |number| Phase::nth(seed, number, &allowed));
        attempt::play(phases, Some(Duration::from_secs(options.seconds)), shim)
    };
    let (again, took) = (options.again(seed), began.elapsed().as_secs());
    match &end {
        Ok(figures) => {
            let commit = options::commit().unwrap_or_else(|| "not a commit".to_owned());
            let build = if cfg!(debug_assertions) { "debug" } else { "release" };
            println!("{again}: passed after {took} s; commit {commit}, {build} build\n\n{figures}");
        }
        Err(failure) => {
            println!("{again}: FAILED after {took} s: {failure}\n{}", options::given(&played));
            shrink(options, played, shim);
        }
    }
    end
}

/// Looks for a smaller schedule that fails, and prints it.
fn shrink(options: &Options, played: Vec<Phase>, shim: &Path) {
    let until = Instant::now() + options.shrink_for;
    let fails = |schedule: &[Phase]| {
        let schedule = schedule.to_vec();
        let end = attempt::play(schedule.clone().into_iter(), None, shim).end;
        println!("{} {}", if end.is_err() { "fails:" } else { "passes:" }, options::given(&schedule));
        end.is_err()
    };
    let smallest = shrink::smallest(played, |schedule| {
        (Instant::now() < until).then(|| (0..TRIES).any(|_| Instant::now() < until && fails(schedule)))
    });
    if !options.shrink_for.is_zero() {
        let failed = (0..TRIES_AT_LAST).filter(|_| fails(&smallest)).count();
        println!("failed {failed} times of {TRIES_AT_LAST}: {}", options::given(&smallest));
    }
}
