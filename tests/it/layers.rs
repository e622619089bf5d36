//! The rules that the crate's documentation states, held against `src/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use source::{Source, within};

mod circles;
mod source;

/// No file is longer.
const MOST_LINES: usize = 350;

/// What a file does that it must not.
type Breaches = Vec<String>;

/// A rule: what it says, and how to tell.
type Rule = (&'static str, fn(&Source) -> Breaches);

const RULES: [Rule; 28] = [
    ("the words import nothing", |file| room_imports_only(file, "words", &["words"])),
    ("the domain imports the words alone", |file| room_imports_only(file, "domain", &["domain", "words"])),
    ("the translation imports the domain, the words and the wire formats", |file| {
        let leaves = ["domain", "words", "kommo::wire", "telegram::wire", "media::link"];
        room_imports_only(file, "translate", &[leaves.as_slice(), &["translate"]].concat())
    }),
    (
        "the translation is synchronous",
        |file| if file.is_in("translate") { named(file, &["async"]) } else { Vec::new() },
    ),
    ("the store imports the domain", |file| room_imports_only(file, "store", &["domain", "files", "store"])),
    ("the trace knows of the store where its folder is, and nothing of the relay", |file| {
        room_imports_only(file, "trace", &["clock", "domain", "store::data_dir", "trace"])
    }),
    ("what is known of files is a leaf", |file| room_imports_only(file, "files", &["files"])),
    ("Telegram is a client: it knows neither Kommo nor the queue", |file| {
        never_imports(file, "telegram", &["intake", "kommo", "relay", "store"])
    }),
    ("Kommo is a client: it knows neither Telegram nor the queue", |file| {
        never_imports(file, "kommo", &["intake", "relay", "store", "telegram", "translate"])
    }),
    ("what comes in does not know what becomes of it", |file| never_imports(file, "intake", &["relay"])),
    ("only the intake, the gateway and the operator push", |file| {
        let may = ["admin", "fuzz", "gateway", "intake", "store"].iter().any(|room| file.is_in(room));
        if may { Vec::new() } else { imports(file, &["store::Intake"]) }
    }),
    ("the relay serves nothing and is configured by others", |file| never_imports(file, "relay", &["axum", "config"])),
    ("the bridge knows neither the operator's side nor the sandbox", |file| {
        let above = ["admin", "alerts", "app", "cli", "fuzz", "main", "sandbox"].iter().any(|room| file.is_in(room));
        if above { Vec::new() } else { imports(file, &["admin", "alerts", "cli", "sandbox"]) }
    }),
    ("the operator's side within the daemon does not know who uses it", |file| {
        never_imports(file, "admin", &["app", "cli", "sandbox"])
    }),
    ("alerts do not know who shows what is wrong besides", |file| {
        never_imports(file, "alerts", &["admin", "app", "cli", "relay", "sandbox", "serve"])
    }),
    ("the daemon knows neither the commands nor the sandbox", |file| never_imports(file, "app", &["cli", "sandbox"])),
    ("the commands do not know the sandbox", |file| never_imports(file, "cli", &["sandbox"])),
    ("wire formats and signatures are leaves", |file| {
        let leaves = ["telegram::wire", "kommo::wire", "kommo::sign"];
        leaves.iter().flat_map(|leaf| room_imports_only(file, leaf, &["lenient", leaf])).collect()
    }),
    ("the ways out are a leaf", |file| room_imports_only(file, "net", &["net"])),
    ("links to files are a leaf", |file| room_imports_only(file, "media::link", &["domain", "media::link"])),
    ("whoever serves files knows neither Kommo nor the queue", |file| {
        never_imports(file, "media", &["kommo", "relay", "store"])
    }),
    ("only the store knows sled", |file| if file.is_in("store") { Vec::new() } else { named(file, &["sled"]) }),
    ("the two wire formats meet in no file", |file| {
        let sides = [imports(file, &["telegram::wire"]), imports(file, &["kommo::wire"])];
        if sides.iter().any(Vec::is_empty) { Vec::new() } else { sides.concat() }
    }),
    ("managers are told what stands in the catalogue", |file| {
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        let told = |begin: &&&str| code.contains(&format!("\"{begin}"));
        if file.is_in("words") { Vec::new() } else { TOLD.iter().filter(told).map(ToString::to_string).collect() }
    }),
    ("the program starts no other, which would have its environment", |file| {
        imports(file, &["std::process::Command", "tokio::process"])
    }),
    ("files are short and finished", |file| {
        let lines = file.text.lines().count();
        let long = (lines > MOST_LINES).then(|| format!("{lines} lines"));
        let later = ["TODO", "FIXME", "XXX"].iter().filter(|mark| file.text.contains(**mark));
        let aborts = ["panic !", "todo !", "unimplemented !", ". unwrap ( )"];
        let code = file.tokens.join(" ");
        let aborts = aborts.iter().filter(|abort| code.contains(**abort));
        long.into_iter().chain(later.chain(aborts).map(ToString::to_string)).collect()
    }),
    ("old names stay gone", |file| named(file, &OLD_NAMES.split_whitespace().collect::<Vec<_>>())),
    ("a release does not know the fuzzing", |file| {
        let is_fuzzing = file.module().split("::").any(|room| room == "fuzz");
        let knows = |path: &String| path.split("::").any(|room| room == "fuzz");
        if is_fuzzing { Vec::new() } else { file.paths().into_iter().filter(knows).collect() }
    }),
];

/// Names that stood for something of which the field has a word; the glossary has those.
const OLD_NAMES: &str = "\
    Book BotTrouble Brake Courier Course Courtesy DedupeId Deed Detour Disliked Door Ending Errand Fact Filling \
    Former Gather Guest Handed Handover HoldsTooMuch Lasting Meter Narrowing Nonsense Parcel Parted Portrait Reach \
    Rewound Rhythm Seldom SetAside Stray Talk Trip Troubles Untouched Unwhole Ways Weave Whom Wish Wished Woven \
    heard said tell tells told whom";

/// How what a manager reads of an answer begins in English.
const TOLD: [&str; 3] = ["Not delivered", "Not sent", "May not have been"];

/// What the file imports of our own crate, if it belongs to `room` and `allowed` does not have it.
fn room_imports_only(file: &Source, room: &str, allowed: &[&str]) -> Breaches {
    let ours = |path: &String| ROOMS.iter().any(|room| within(path, room));
    let forbidden = |path: &String| ours(path) && !allowed.iter().any(|room| within(path, room));
    if file.is_in(room) { file.paths().into_iter().filter(forbidden).collect() } else { Vec::new() }
}

/// What the file imports of `forbidden`, if it belongs to `room`.
fn never_imports(file: &Source, room: &str, forbidden: &[&str]) -> Breaches {
    if file.is_in(room) { imports(file, forbidden) } else { Vec::new() }
}

fn imports(file: &Source, rooms: &[&str]) -> Breaches {
    file.paths().into_iter().filter(|path| rooms.iter().any(|room| within(path, room))).collect()
}

fn named(file: &Source, words: &[&str]) -> Breaches {
    file.tokens.iter().filter(|token| words.contains(&token.as_str())).cloned().collect()
}

/// Every module of `lib.rs`, by which a path of ours is told from another crate's.
const ROOMS: [&str; 30] = [
    "admin",
    "alerts",
    "app",
    "breaker",
    "cli",
    "clock",
    "config",
    "docs",
    "domain",
    "files",
    "fuzz",
    "gateway",
    "intake",
    "invite",
    "kommo",
    "lenient",
    "lifecycle",
    "media",
    "metrics",
    "net",
    "rate_limit",
    "relay",
    "sandbox",
    "serve",
    "store",
    "telegram",
    "tls",
    "trace",
    "translate",
    "words",
];

pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs"));
    files.chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

/// The files of `src/` that are no tests.
fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let name = |path: &PathBuf| path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
    let is_test = |name: &str| name.ends_with("tests.rs") || name.contains("tests/");
    let files = rust_files(&src).into_iter().map(|path| (name(&path), path)).filter(|(name, _)| !is_test(name));
    files.map(|(name, path)| Source::new(&name, &fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_rules_hold() {
    let sources = sources();
    assert!(sources.len() > 80, "only {} files were read", sources.len());
    let paths: usize = sources.iter().map(|file| file.paths().len()).sum();
    assert!(paths > 1000, "only {paths} paths were found");
    let mut breaches = Vec::new();
    for (rule, check) in RULES {
        for file in &sources {
            breaches.extend(check(file).into_iter().map(|breach| format!("{rule}: {} has {breach}", file.file)));
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_module_is_a_room() {
    let lib = sources().into_iter().find(|file| file.file == "lib.rs").unwrap();
    let declared: Vec<_> = lib.tokens.windows(2).filter(|pair| pair[0] == "mod").map(|pair| pair[1].as_str()).collect();
    assert_eq!(declared, ROOMS);
}

#[test]
fn no_file_of_the_tests_is_too_long() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [rust_files(&here.join("src")), rust_files(&here.join("tests"))].concat();
    assert!(files.len() > 100);
    for file in files {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", file.display());
    }
}

/// File, text, and which rule it breaks; `None` for one that breaks none.
const MADE_UP: [(&str, &str, Option<&str>); 57] = [
    ("relay/inbound.rs", "struct Courier { guest: Guest }", Some("old names stay gone")),
    ("domain/job.rs", "use crate::domain::retry::Failure;", None),
    ("words/spoken.rs", "use crate::clock;", Some("the words import nothing")),
    ("domain/job.rs", "use crate::words::Sentence;", None),
    ("domain/job.rs", "use crate::clock;", Some("the domain imports the words alone")),
    ("domain/job.rs", "fn f() { crate::store::f() }", Some("the domain imports the words alone")),
    ("translate/text.rs", "use crate::{domain::job::Call, kommo::wire::Hook};", None),
    (
        "translate/text.rs",
        "use crate::{domain::job::Call, kommo::chats::Chats};",
        Some("the translation imports the domain, the words and the wire formats"),
    ),
    ("translate/text.rs", "pub async fn f() {}", Some("the translation is synchronous")),
    ("translate/text.rs", "#[cfg(test)] mod tests { async fn f() {} }", None),
    ("store/push.rs", "use sled::Db; use super::keys; use crate::domain::job::Lane;", None),
    ("store/push.rs", "use crate::clock;", Some("the store imports the domain")),
    ("store/error.rs", "use crate::files::denied;", None),
    ("files/denied.rs", "use crate::store::Store;", Some("what is known of files is a leaf")),
    ("telegram/bot.rs", "use crate::{rate_limit::RateLimit, telegram::failure};", None),
    ("telegram/bot.rs", "use crate::kommo;", Some("Telegram is a client: it knows neither Kommo nor the queue")),
    ("telegram/bot.rs", "use crate::relay::Relay;", Some("Telegram is a client: it knows neither Kommo nor the queue")),
    (
        "kommo/chats.rs",
        "use crate::{self as root, telegram::bot};",
        Some("Kommo is a client: it knows neither Telegram nor the queue"),
    ),
    ("kommo/chats.rs", "use crate::store::Store;", Some("Kommo is a client: it knows neither Telegram nor the queue")),
    ("intake/hook.rs", "use crate::{kommo::sign::Signer, store::Intake};", None),
    ("intake/hook.rs", "use crate::relay::Relay;", Some("what comes in does not know what becomes of it")),
    (
        "relay/inbound.rs",
        "use crate::store::{Intake, Store};",
        Some("only the intake, the gateway and the operator push"),
    ),
    ("relay/inbound.rs", "use axum::Router;", Some("the relay serves nothing and is configured by others")),
    ("relay.rs", "fn f(c: crate::config::Config) {}", Some("the relay serves nothing and is configured by others")),
    ("serve.rs", "use crate::sandbox::page;", Some("the bridge knows neither the operator's side nor the sandbox")),
    ("alerts/run.rs", "use crate::{metrics::Metrics, telegram::bot::Bot};", None),
    ("alerts/run.rs", "use crate::admin::ready;", Some("alerts do not know who shows what is wrong besides")),
    (
        "telegram/bot.rs",
        "use crate::alerts::Alerts;",
        Some("the bridge knows neither the operator's side nor the sandbox"),
    ),
    ("app.rs", "use crate::admin::upkeep;", None),
    ("app.rs", "use crate::cli::connect;", Some("the daemon knows neither the commands nor the sandbox")),
    ("cli/check.rs", "use crate::{admin::sources, app};", None),
    ("cli/check.rs", "use crate::sandbox::run;", Some("the commands do not know the sandbox")),
    (
        "admin/parked.rs",
        "use crate::cli::values;",
        Some("the operator's side within the daemon does not know who uses it"),
    ),
    ("sandbox/run.rs", "use crate::{app::App, cli::terminal};", None),
    ("telegram/wire.rs", "use crate::lenient::lenient;", None),
    ("telegram/wire.rs", "use super::bot::Bot;", Some("wire formats and signatures are leaves")),
    ("trace/files.rs", "use crate::{domain::time::UnixMillis, store::data_dir::chown_like};", None),
    (
        "trace/files.rs",
        "use crate::store::Store;",
        Some("the trace knows of the store where its folder is, and nothing of the relay"),
    ),
    ("net/egress.rs", "use crate::net::proxy::Proxy;", None),
    ("net/egress.rs", "use crate::config::Config;", Some("the ways out are a leaf")),
    ("media/link.rs", "use crate::domain::message::Media;", None),
    ("media/link.rs", "use crate::clock;", Some("links to files are a leaf")),
    (
        "media/serve.rs",
        "use crate::{store::Store, telegram::bot::Bot};",
        Some("whoever serves files knows neither Kommo nor the queue"),
    ),
    ("cli/check.rs", "fn f() { ::sled::open() }", Some("only the store knows sled")),
    ("cli/check.rs", "//! sled\nconst S: &str = \"sled\";", None),
    (
        "relay/inbound.rs",
        "use crate::{kommo, telegram::wire::Update}; fn f(h: kommo::wire::Hook) {}",
        Some("the two wire formats meet in no file"),
    ),
    (
        "relay/reach.rs",
        "const GONE: &str = \"Not sent: it is gone.\";",
        Some("managers are told what stands in the catalogue"),
    ),
    ("relay/reach.rs", "#[cfg(test)] const GONE: &str = \"Not sent: it is gone.\";", None),
    (
        "clock.rs",
        "use std::process::{Command, ExitCode};",
        Some("the program starts no other, which would have its environment"),
    ),
    (
        "clock.rs",
        "fn f() { tokio::process::Command::new(x) }",
        Some("the program starts no other, which would have its environment"),
    ),
    ("clock.rs", "use clap::Command; fn f() { std::process::exit(1) }", None),
    ("clock.rs", "// TODO: later", Some("files are short and finished")),
    ("clock.rs", "fn f() { x.unwrap() }", Some("files are short and finished")),
    ("clock.rs", "fn f() { panic!(\"\") }", Some("files are short and finished")),
    ("media/fuzz.rs", "use crate::{fuzz::input::Input, media::whole};", None),
    ("media/serve.rs", "use crate::fuzz::input::Input;", Some("a release does not know the fuzzing")),
    ("media/serve.rs", "use crate::media::fuzz;", Some("a release does not know the fuzzing")),
];

#[test]
fn every_rule_can_be_broken() {
    for (file, text, expected) in MADE_UP {
        let source = Source::new(file, text);
        let broken: Vec<_> =
            RULES.iter().filter(|(_, check)| !check(&source).is_empty()).map(|(rule, _)| *rule).collect();
        assert_eq!(broken, Vec::from_iter(expected), "{file}: {text}");
    }
    let long = Source::new("clock.rs", &"\n".repeat(MOST_LINES + 1));
    assert!(!RULES[25].1(&long).is_empty());
    let unbroken = RULES.iter().find(|(rule, _)| !MADE_UP.iter().any(|(.., broken)| *broken == Some(rule)));
    assert_eq!(unbroken.map(|(rule, _)| rule), None, "no example breaks this rule");
}
