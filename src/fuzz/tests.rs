//! Runs every target with its seeds and with small mutations of them, which are the same in every run.

mod mutation;
mod seeds;

use std::{fs, path::Path};

use mutation::Mutator;

use super::{TARGETS, run};

/// The default number of mutations of a target.
const MUTATIONS: usize = 400;
/// How many times slower than the others a target is.
const SLOWDOWN: [(&str, usize); 2] = [("dumps", 40), ("config", 2)];

/// Settings from the environment: the number of mutations, and a folder for the seeds.
#[expect(clippy::disallowed_methods, reason = "it sets nothing of the bridge")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Prints the bytes with which a target has failed.
struct FailureReport<'a>(&'a str, &'a [u8]);

impl Drop for FailureReport<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} does not hold for b\"{}\"", self.0, self.1.escape_ascii());
        }
    }
}

fn check(target: &str, bytes: &[u8]) {
    let report = FailureReport(target, bytes);
    run(target, bytes);
    drop(report);
}

fn check_all(target: &str) {
    let seeds = seeds::of(target);
    assert!(seeds.len() > 1, "{target} has too few seeds");
    for seed in &seeds {
        check(target, seed);
    }
    let changes = setting("TELEKOMMO_FUZZ_CHANGES").map_or(MUTATIONS, |text| text.parse().unwrap());
    let slow = SLOWDOWN.iter().find(|(slow, _)| *slow == target).map_or(1, |(_, times)| *times);
    let mut mutator = Mutator::new(target);
    for _ in 0..changes.div_ceil(slow) {
        check(target, &mutator.changed(&seeds));
    }
}

/// A test for each target, so that they run in parallel, and the list of their names.
macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check_all(stringify!($name)); })*
        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets!(hooks updates entities rich start links ranges multipart config export rows dumps);

#[test]
fn every_target_is_tested_and_has_a_binary() {
    let names = TARGETS.map(|target| target.name);
    assert_eq!(names, *TESTED);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for name in names {
        let binary = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(binary.contains(&format!("run(\"{name}\", bytes)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    assert_eq!(fs::read_dir(folder.join("fuzz_targets")).unwrap().count(), names.len());
}

/// Inputs that have failed once, by target.
const FOUND: &[(&str, &[u8])] = &[
    // A range that is none was answered with 416 by one of two readings of it.
    ("ranges", b"dbytes=5-2"),
    ("ranges", b"dbytes=18446744073709551615-18446744"),
    ("ranges", b"dbytes=+2-5"),
    ("ranges", b"dbytes=100-x"),
    // A type that says XML in another way than SVG does: browsers show any as a page.
    ("links", b"\x01a\nfile\nimage/pngsvg+xml\n"),
    // A type that only begins like the name of one that browsers show as a page.
    ("links", b"\x01a\nfile\nhtmltext/hvml\n"),
    // Two dots, once an address has lost the tabs between them: the link led nowhere.
    ("links", b"\x01.\t\t.\nfile\n\n"),
    // Some letters of a secret in the name of a setting that nobody knows.
    ("config", b"\x02\0KOMMO__CHANNE5tRk2x@10.0.L=2s"),
    // A sign in place of a digit.
    ("rows", b"+a1786017600"),
    // A time before the epoch, which Kommo does not take.
    (
        "updates",
        br#" {"update_id":1,"message":{"message_id":5,"date":-5,"chat":{"id":777,"type":"private"},"text":"Hi"}}"#,
    ),
    (
        "export",
        br#"{"type":"personal_chat","id":7,"messages":[{"id":5,"date_unixtime":"-5","from_id":"user7","text":"Hi"}]}"#,
    ),
];

/// The same of dumps: their formats and rows.
const DUMPS: &[(u32, &str)] = &[
    // Bytes that we would write with other letters.
    (1, r#"{"k":"78fF","b":"ff00"}"#),
    // The number behind the last one that there is.
    (1, r#"{"k":"70ffffffffffffffff","v":"{}"}"#),
    // The same as what the counter says.
    (1, r#"{"k":"6d73657175656e6365","v":"18446744073709551615"}"#),
    // A chunk, which is no row.
    (1, r#"{"k":"23ffffffffffffffff","v":""}"#),
    // A job without a place: the number under which it is set aside is none of the counter's.
    (1, r#"{"k":"6a74673a73616c65733a35","v":"2"}"#),
    // Another value of a row, behind the end.
    (1, "{\"k\":\"6174673a73616c65733a35\",\"v\":\"1\"}\n{\"rows\":1}\n{\"k\":\"6174673a73616c65733a35\",\"v\":\"2\"}"),
    // A format that no store can be opened with.
    (0, r#"{"k":"6100","v":"1"}"#),
];

#[test]
fn what_was_found_once_holds() {
    for (target, bytes) in FOUND {
        check(target, bytes);
    }
    for (schema, row) in DUMPS {
        let head = format!("{{\"format\":\"telekommo-dump\",\"schema\":{schema}}}");
        check("dumps", format!("{head}\n{row}\n{{\"rows\":1}}\n").as_bytes());
    }
}

#[test]
#[ignore = "writes the seeds to where TELEKOMMO_FUZZ_CORPUS says, for libFuzzer"]
fn write_seeds() {
    let corpus = setting("TELEKOMMO_FUZZ_CORPUS").expect("TELEKOMMO_FUZZ_CORPUS names a folder");
    for target in TESTED {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds::of(target).iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
        }
    }
}
