//! What a process leaves on the machine: files for nobody else, and nothing of its memory.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::{Signal, geteuid};
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES},
    kommo::Rate,
};
use tokio::process::Command;

use super::process::{Process, as_user, finished, run, telekommo};
use crate::{
    hush::assert_hushed,
    support::{BRISK, WITHIN, eventually, in_kommo},
};

/// A user who is nobody else's.
const NOBODY: u32 = 65534;

/// The same command in a shell that lets everybody read and write what is made.
fn generously(command: &Command) -> Command {
    let std = command.as_std();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "umask 0 && exec \"$0\" \"$@\""]).arg(std.get_program()).args(std.get_args());
    let added = std.get_envs().filter_map(|(name, value)| Some((name, value?)));
    shell.env_clear().envs(added).stdin(Stdio::null()).kill_on_drop(true);
    shell
}

/// Everything below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let deeper = entries.iter().filter(|path| path.is_dir()).flat_map(|path| below(path)).collect::<Vec<_>>();
    [entries, deeper].concat()
}

/// That nobody else can do anything with what is below a folder; and that something is, of each of these names.
fn assert_private(folder: &Path, names: &[&str]) {
    let made = below(folder);
    for path in &made {
        let mode = fs::symlink_metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has the mode {mode:o}", path.display());
    }
    for name in names {
        assert!(made.iter().any(|path| path.ends_with(name)), "there is no {name} among {made:#?}");
    }
}

#[tokio::test]
async fn files_are_private_whatever_the_shell_allows_and_whatever_was_there() {
    let stage = Harness::without_bridge(&format!("{BRISK}store.dump_every = \"100ms\"")).unwrap();
    let data = stage.dir().join("data");
    // An operator has made the folder for others, too, and a dump was broken off that they can read.
    fs::create_dir_all(data.join("dumps")).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(data.join("dumps/unfinished.jsonl"), "").unwrap();
    fs::set_permissions(data.join("dumps"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(data.join("dumps/unfinished.jsonl"), fs::Permissions::from_mode(0o666)).unwrap();
    let process = Process::start(&stage, generously(&run(&stage))).await;
    stage.telegram.write(LINES[0].token, ANNA, "hello");
    let arrived = |stage: &Harness| in_kommo(stage, LINES[0], ANNA) == ["hello"];
    stage.until("the message is in Kommo", WITHIN, arrived).await.unwrap();
    let has_dump = || below(&data.join("dumps")).iter().any(|path| path.to_string_lossy().contains("dumps/store-"));
    eventually("there is a dump", async || has_dump()).await;
    assert!(process.end(Signal::TERM).await.status.success());
    assert_private(&data, &["store", "store.marker", "dumps"]);

    // As an older version has left them.
    for folder in ["store", "dumps", "imports"] {
        fs::create_dir_all(data.join(folder)).unwrap();
        fs::set_permissions(data.join(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let process = Process::start(&stage, generously(&run(&stage))).await;
    let ended = process.end(Signal::TERM).await;
    assert!(ended.status.success());
    assert_private(&data, &["store", "store.marker", "dumps", "imports"]);
    // An operator may have let somebody in for backups.
    let told = |line: &&str| line.contains("their permissions were removed") && line.contains("\"mode\":\"755\"");
    assert_eq!(ended.stderr.lines().filter(told).count(), 3, "{}", ended.stderr);
    assert_eq!(fs::metadata(&data).unwrap().mode() & 0o777, 0o755, "what the operator has made stays as it is");

    let restore = generously(&telekommo(&["restore", data.to_str().unwrap()]));
    assert!(finished(restore).await.status.success());
    let compact = generously(&telekommo(&["compact", data.to_str().unwrap()]));
    assert!(finished(compact).await.status.success());
    assert_private(&data, &["store", "store.marker", "dumps"]);
}

#[tokio::test]
async fn what_is_imported_is_private() {
    let stage =
        Harness::without_bridge("kommo.account_url = \"{account_url}\"\nkommo.access_token = \"{access_token}\"\n");
    let stage = stage.unwrap();
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    let process = Process::start(&stage, run(&stage)).await;
    let (export, config) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/telegram/export"), stage.write_config().unwrap());
    let words = ["import", export.to_str().unwrap(), "--source", "sales", "--config", config.to_str().unwrap()];
    let output = finished(generously(&telekommo(&words))).await;
    assert!(output.status.success(), "{output:?}");
    assert!(process.end(Signal::TERM).await.status.success());
    assert_private(&stage.dir().join("data"), &["imports", "1003.png"]);
}

#[tokio::test]
async fn the_system_tells_nobody_of_the_memory_and_of_no_secret() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let config = stage.write_config().unwrap();
    fs::set_permissions(stage.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = run(&stage);
    // Only root can play another user. What may not be read belongs to root, whoever runs it.
    if geteuid().is_root() {
        let data = stage.dir().join("data");
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
        command = as_user(&command, (NOBODY, NOBODY));
    }
    let process = Process::start(&stage, command).await;
    assert_hushed("the command line", &process.told_by_system("cmdline"));
    let limits = process.told_by_system("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    for name in ["mem", "environ", "maps"] {
        assert_eq!(process.owner_of(name), 0, "{name} can be read by the processes of the same user");
    }
    assert!(process.end(Signal::TERM).await.status.success());
}
