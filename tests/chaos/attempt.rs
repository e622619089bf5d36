//! One run from its beginning to its end or its failure: fresh fakes, a fresh bridge, a fresh disk.

use std::{
    any::Any,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{runtime::Builder, time::Instant};
use tokio_util::task::TaskTracker;

use crate::{
    plan::Phase,
    report::{Figures, MACHINE, MESSAGES},
    run::Run,
};

/// What somebody has done in every run. What nobody does cannot go wrong.
const DONE: [&str; 10] = [
    "answers delivered",
    "files among those of customers",
    "files among the answers taken",
    "messages of histories",
    "messages of programs in Kommo",
    "newcomers",
    "presses",
    "reactions that had to arrive",
    "updates by getUpdates",
    "updates by webhook",
];

/// What the operator has done in every run.
const OPERATED: [&str; 4] =
    ["backed up while it runs", "reloaded by the command", "restored from a backup", "started as another version"];

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The phases that were played. If it has failed, it was in the last one.
    pub(crate) played: Vec<Phase>,
    /// The figures, or why it has failed.
    pub(crate) end: Result<Figures, String>,
}

/// Plays phases, and begins none after `until`. It has a thread and a runtime of its own, so that it ends with all that
/// belongs to it, however it ends.
pub(crate) fn play(
    phases: impl Iterator<Item = Phase> + Send + 'static,
    how_long: Option<Duration>,
    shim: &Path,
) -> Outcome {
    let (played, shim) = (Arc::new(Mutex::new(Vec::new())), shim.to_owned());
    let noted = Arc::clone(&played);
    let phases = phases.inspect(move |phase| {
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(phase.clone());
    });
    let end = thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(phases, how_long, &shim))
    });
    let end = end.join().map_err(|panic| words(panic.as_ref()));
    let played = played.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Outcome { played, end }
}

async fn run(phases: impl Iterator<Item = Phase>, how_long: Option<Duration>, shim: &Path) -> Figures {
    let mut run = Run::begin(shim, &TaskTracker::new()).await;
    let until = how_long.map(|how_long| Instant::now() + how_long);
    let (mut count, mut seed) = (0, 0);
    for (number, phase) in (1..).zip(phases) {
        (count, seed) = (number, phase.seed);
        let verdict = run.phase(&phase).await;
        assert!(verdict.problems.is_empty(), "phase {number}: {:#?}\n{}", verdict.problems, run.trouble());
        if until.is_some_and(|until| Instant::now() > until) {
            break;
        }
    }
    let verdict = run.calm(&Phase::calm(!seed)).await;
    assert!(verdict.problems.is_empty(), "in calm: {:#?}\n{}", verdict.problems, run.trouble());
    let verdict = run.calm(&Phase::from_backup(seed)).await;
    assert!(verdict.problems.is_empty(), "behind a backup: {:#?}\n{}", verdict.problems, run.trouble());
    let figures = Figures::of(&run, &verdict, count);
    run.finish().await;
    let done = DONE.map(|what| (MESSAGES, what)).into_iter().chain(OPERATED.map(|what| (MACHINE, what)));
    let idle: Vec<_> = done.filter(|(about, what)| figures.count(about, what) == 0).collect();
    assert!(idle.is_empty(), "nobody did this: {idle:?}");
    figures
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    text.unwrap_or("a panic without words").to_owned()
}
