//! The power goes at any moment: what was acknowledged is there afterwards.
//!
//! A process uses a store while everything that it does to its files is written down, in order. Then the disk is put
//! together as a cut after any of these steps may leave it, and the real code opens what is left.

use std::{path::Path, process::Command};

use disk::{CUTS, Disk};
use tempfile::TempDir;
use trace::Op;
use verdict::Told;

mod disk;
mod driver;
mod shim;
mod trace;
mod verdict;

/// How many cuts are played if nothing else is said.
const ROUNDS: usize = 200;
/// Where they fall; `TELEKOMMO_SEED` and `TELEKOMMO_POWER_CUTS` ask for others, and for more.
const SEED: u64 = 1;
/// How far from what was acknowledged the other cuts lie, in steps.
const NEAR: usize = 150;

/// A wish of whoever runs the tests.
fn wished<T: std::str::FromStr>(name: &str) -> Option<T> {
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
    let wished = std::env::var(name).ok()?;
    Some(wished.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs the process, and gives what it did.
fn record(shim: &Path, root: &Path, trace: &Path) -> Vec<Op> {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["power::driver::is_driven", "--exact", "--ignored", "--nocapture"]);
    process.env("LD_PRELOAD", shim).env(driver::ROOT, root).env("POWER_TRACE", trace);
    let output = process.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    trace::read(trace)
}

/// What the process was told, and with which step it said so.
fn marks(ops: &[Op], root: &Path) -> Vec<(usize, String)> {
    let path = root.join(driver::MARKS).to_str().unwrap().to_owned();
    // It opens that file first of all, and leaves it open.
    let file = ops.iter().find_map(|op| match op {
        Op::Open { fd, path: opened, .. } if *opened == path => Some(*fd),
        _ => None,
    });
    let said = ops.iter().enumerate().filter_map(|(at, op)| match op {
        Op::Write { fd, bytes, .. } if Some(*fd) == file => Some((at, String::from_utf8(bytes.clone()).unwrap())),
        _ => None,
    });
    said.collect()
}

/// Where to cut: right after what was acknowledged, and anywhere near it.
fn places(ops: usize, marks: &[usize], rounds: usize, chance: &mut fastrand::Rng) -> Vec<usize> {
    let mut places: Vec<_> = (0..rounds)
        .map(|round| {
            let mark = marks[chance.usize(..marks.len())];
            let near = (mark + chance.usize(..2 * NEAR)).saturating_sub(NEAR).min(ops);
            match round % 4 {
                0 | 1 => mark + 1,
                2 => near,
                _ => chance.usize(..=ops),
            }
        })
        .collect();
    places.sort_unstable();
    places
}

#[test]
fn nothing_that_was_acknowledged_is_lost_wherever_the_power_goes() {
    let home = TempDir::new().unwrap();
    let root = home.path().join("disk");
    std::fs::create_dir(&root).unwrap();
    let Some(shim) = shim::build(home.path()) else {
        println!("SKIPPED: no `cc` is here to build what the power cuts need; install a C compiler");
        return;
    };
    // As it was before the first step, when nothing was there.
    let mut disk = Disk::of(&root);
    let ops = record(&shim, &root, &home.path().join("trace"));
    let marks = marks(&ops, &root);
    assert!(marks.len() > 500 && ops.len() > 2000, "{} steps, {} marks", ops.len(), marks.len());

    let seed = wished("TELEKOMMO_SEED").unwrap_or(SEED);
    let mut chance = fastrand::Rng::with_seed(seed);
    let rounds = wished("TELEKOMMO_POWER_CUTS").unwrap_or(ROUNDS);
    let at: Vec<_> = marks.iter().map(|(at, _)| *at).collect();
    let places = places(ops.len(), &at, rounds, &mut chance);
    let (mut told, mut done, mut marks) = (Told::default(), 0, marks.into_iter().peekable());
    let (mut failures, mut lost, mut acknowledged) = (Vec::new(), 0, 0);
    for (round, place) in places.into_iter().enumerate() {
        for op in &ops[done..place] {
            disk.apply(op);
        }
        while let Some((_, mark)) = marks.next_if(|(at, _)| *at < place) {
            told.note(mark.trim_end());
        }
        done = place;
        let (cut, image) = (CUTS[round % CUTS.len()], TempDir::new().unwrap());
        disk.cut(cut, &mut chance, image.path());
        acknowledged += told.open();
        if let Err((why, gone)) = verdict::check(&driver::data(image.path()), &told) {
            lost += gone;
            failures.push(format!("after step {place} of {}, {cut:?}: {why}", ops.len()));
        }
    }
    println!("seed {seed}: {rounds} cuts in {} steps: {acknowledged} acknowledged messages, {lost} lost", ops.len());
    let failed = failures.len();
    assert!(failures.is_empty(), "{failed} of {rounds} cuts, {lost} of {acknowledged}:\n{}", failures.join("\n"));
}
