//! Chaos: the real bridge between the sandbox's fakes, and everything that can go wrong around it.
//!
//! The seed decides what goes wrong. `TELEKOMMO_SEED=N TELEKOMMO_CHAOS_SECONDS=600 cargo test --release --test chaos` plays it
//! again. How far the bridge has come when something goes wrong depends on the machine, so a failure may need several runs.
//!
//! # How something joins
//!
//! - An actor: in `people`, one that does something until it is told to stop, and notes in the book what has to come of it.
//! - A checker: in `checks`, a function that looks at the scene after a phase and adds to the verdict; what it counts is a
//!   figure of the verdict, with a row in `report`.
//! - A fault of the ways: in `proxy::fault`, a value and its course. It is drawn from then on.
//! - A trouble of the machine or of a remote: in `plan`, a value, how often it is drawn, and its name; in `run`, what it does
//!   and how it heals.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, wherever it does")]

use std::time::Duration;

use plan::Phase;
use run::Run;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

mod bridge;
mod checks;
#[path = "../it/power/disk.rs"]
mod disk;
mod people;
mod plan;
mod proxy;
mod report;
mod run;
#[path = "../it/power/shim.rs"]
mod shim;
#[path = "../it/power/trace.rs"]
mod trace;

/// How long anything may stand still before it has failed.
const WITHIN: Duration = Duration::from_mins(1);
/// How long the faults last if nothing else is wished, in seconds.
const SECONDS: u64 = 30;
/// The seed if nothing else is wished.
const SEED: u64 = 1;

fn wished(name: &str, usual: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
    let wished = std::env::var(name).ok();
    wished.map_or(usual, |wished| wished.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_mixed_up_whatever_goes_wrong() {
    let (seed, seconds) = (wished("TELEKOMMO_SEED", SEED), wished("TELEKOMMO_CHAOS_SECONDS", SECONDS));
    println!("TELEKOMMO_SEED={seed} TELEKOMMO_CHAOS_SECONDS={seconds} plays this again");
    let home = tempfile::TempDir::new().unwrap();
    let Some(shim) = shim::build(home.path()) else {
        println!("SKIPPED: no `cc` is here to build what fails the disk and the clock; install a C compiler");
        return;
    };
    let tasks = TaskTracker::new();
    let mut run = Run::begin(seed, &shim, &tasks).await;
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut phases = 0;
    let verdict = loop {
        phases += 1;
        let phase = Phase::draw(&mut run.chance);
        let verdict = run.phase(&phase, seed ^ phases).await;
        assert!(
            verdict.problems.is_empty(),
            "seed {seed}, phase {phases}: {:#?}\n{phase:#?}\n{}",
            verdict.problems,
            run.trouble()
        );
        if Instant::now() > until {
            break verdict;
        }
    };
    report::print(&run, &verdict, phases);
    run.finish().await;
}
