//! The drill: a bridge is backed up while it runs, and goes on from the backup on another machine.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::Output,
};

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, LINES, Line};
use tokio::process::Command;

use super::process::{Process, finished, run, telekommo, text, with_config};
use crate::support::{BRISK, WITHIN, conversation, in_kommo, in_telegram};

const SALES: Line = LINES[0];

fn name(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

fn backup(stage: &Harness, file: &Path) -> Command {
    let mut command = with_config("backup", &stage.dir().join("config.toml"));
    command.arg(file);
    command
}

async fn backed_up(stage: &Harness, file: &Path) -> String {
    let output = finished(backup(stage, file)).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

async fn restored(data: &Path, from: &Path) -> (Option<i32>, String, String) {
    let output = finished(telekommo(&["restore", name(data), name(from)])).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

fn said(output: &Output) -> (Option<i32>, &str) {
    (output.status.code(), text(&output.stderr))
}

/// What is beside the store since a restore, and what a backup has left unfinished.
fn traces(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_one = |name: &String| ["from-backup", "before-restore", "unfinished"].iter().any(|part| name.contains(part));
    names.filter(is_one).collect()
}

/// Waits until Kommo has these of Anna's messages, each once.
async fn until_kommo_has(stage: &Harness, texts: &[&str]) {
    let what = format!("Kommo has {texts:?}");
    stage.until(&what, WITHIN, |stage| in_kommo(stage, SALES, ANNA) == texts).await.unwrap();
}

#[tokio::test]
async fn a_bridge_goes_on_from_a_backup_on_another_machine() {
    let stage = Harness::without_bridge(&format!("{BRISK}log.level = \"debug\"\n")).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    let first = stage.telegram.write(SALES.token, ANNA, "first");
    until_kommo_has(&stage, &["first"]).await;
    stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "answer").await;
    let is_answered = |stage: &Harness| in_telegram(stage, SALES, ANNA) == ["answer"];
    stage.until("the answer is there", WITHIN, is_answered).await.unwrap();
    let imported = stage.dir().join("data/imports/one/two");
    fs::create_dir_all(&imported).unwrap();
    let bytes: Vec<_> = (0..100_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    fs::write(imported.join("7.jpg"), &bytes).unwrap();
    fs::write(imported.join("empty"), "").unwrap();
    stage.kommo.down(true).unwrap();
    stage.telegram.write(SALES.token, ANNA, "waiting");
    process.logged("failed, retrying").await;

    let file = stage.dir().join("backup.jsonl");
    let told = backed_up(&stage, &file).await;
    assert!(told.contains("2 imported files and the configuration"), "{told}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let backup = fs::read_to_string(&file).unwrap();
    assert!(backup.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert!(!backup.contains(SALES.secret()) && !backup.contains(&stage.kommo.settings().channel_secret));

    let (code, _, complaint) = restored(&stage.dir().join("data"), &file).await;
    assert!(code == Some(1) && complaint.contains("in use by another telekommo"), "{complaint}");
    stage.kommo.down(false).unwrap();
    stage.telegram.write(SALES.token, ANNA, "later");
    until_kommo_has(&stage, &["first", "waiting", "later"]).await;
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
    assert!(traces(&stage.dir().join("data")).is_empty());

    let elsewhere = stage.dir().join("elsewhere");
    let (code, said, complaint) = restored(&elsewhere, &file).await;
    assert_eq!(code, Some(0), "{complaint}");
    assert!(said.contains("2 imported files were added"), "{said}");
    assert_eq!(fs::read(elsewhere.join("imports/one/two/7.jpg")).unwrap(), bytes);
    assert_eq!(fs::read(elsewhere.join("imports/one/two/empty")).unwrap(), b"");
    let config = fs::read_to_string(elsewhere.join("config.from-backup.toml")).unwrap();
    assert!(config.contains("sources.sales.name = \"Sales bot\"\n"), "{config}");

    let mut command = run(&stage);
    command.env("TELEKOMMO_DATA_DIR", &elsewhere);
    let process = Process::start(&stage, command).await;
    stage.telegram.edit(SALES.token, ANNA, first, "first, changed");
    stage.telegram.write(SALES.token, ANNA, "last");
    until_kommo_has(&stage, &["first, changed", "waiting", "later", "last"]).await;
    let chat = stage.kommo.chat(&conversation(SALES, ANNA)).unwrap();
    let quoted = chat.messages.iter().find(|message| message.text == "first, changed").unwrap().id.clone();
    stage.kommo.reply_to(&conversation(SALES, ANNA), "Maria", "to the first", &quoted).await;
    let is_there = |stage: &Harness| in_telegram(stage, SALES, ANNA) == ["answer", "to the first"];
    stage.until("the second answer is there, and the first one once", WITHIN, is_there).await.unwrap();
    assert_eq!(stage.telegram.messages(SALES.token, ANNA).pop().unwrap().reply_to, Some(first));
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn a_backup_that_is_none_changes_nothing() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
    let (data, file) = (stage.dir().join("data"), stage.dir().join("backup.jsonl"));
    // No bridge runs, so the command opens the store itself.
    backed_up(&stage, &file).await;
    let whole = fs::read_to_string(&file).unwrap();
    let head = whole.lines().next().unwrap();
    let last_line = whole.trim_end().rfind('\n').unwrap() + 1;
    let outside = "{\"file\":\"../outside\",\"piece\":\"\"}";
    let unreadable = "{\"file\":\"a/b/c\",\"piece\":\"?\"}";
    for (broken, why) in [
        ("a letter".to_owned(), "it does not begin like one"),
        (format!("{head}\n"), "the backup ends before the store"),
        (format!("{head}\na letter\n"), "it does not begin like one"),
        (whole[..whole.len() - 20].to_owned(), "a line is cut"),
        (whole[..last_line].to_owned(), "its end is missing"),
        (format!("{head}\n{outside}\n{whole}"), "is no name of an imported file"),
        (format!("{head}\n{unreadable}\n{whole}"), "a piece of a file is broken"),
    ] {
        fs::write(&file, broken).unwrap();
        let (code, _, complaint) = restored(&data, &file).await;
        assert!(code == Some(1) && complaint.contains(why), "{why}: {complaint}");
        assert!(traces(&data).is_empty(), "{why}: {:?}", traces(&data));
    }
    let nowhere = stage.dir().join("nowhere");
    let (code, _, complaint) = restored(&data, &nowhere).await;
    assert!(code == Some(1) && complaint.contains(name(&nowhere)), "{complaint}");
}

#[tokio::test]
async fn what_cannot_be_written_leaves_what_is_there() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    let (folder, letter) = (stage.dir().join("backups"), stage.dir().join("letter"));
    fs::create_dir(&folder).unwrap();
    fs::write(&letter, "Dear Anna").unwrap();
    for (file, why) in [
        (letter.as_path(), "is there already, and is no backup"),
        (folder.as_path(), "is there already, and is no backup"),
        (&folder.join("missing/backup"), "cannot be written"),
    ] {
        let refused = finished(backup(&stage, file)).await;
        let (code, complaint) = said(&refused);
        assert!(code == Some(1) && complaint.contains(why) && complaint.contains(name(file)), "{complaint}");
    }
    assert_eq!(fs::read_to_string(&letter).unwrap(), "Dear Anna");

    let file = folder.join("backup.jsonl");
    backed_up(&stage, &file).await;
    let before = fs::read(&file).unwrap();
    let imported = stage.dir().join("data/imports/one/two");
    fs::create_dir_all(&imported).unwrap();
    fs::write(imported.join("7.jpg"), vec![7; 100_000]).unwrap();
    // A disk that is full after 32 KiB, for the command alone.
    let whole = backup(&stage, &file);
    let mut full = Command::new("/bin/sh");
    full.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"]).arg(whole.as_std().get_program());
    full.args(whole.as_std().get_args()).env_clear().kill_on_drop(true);
    let refused = finished(full).await;
    let (code, complaint) = said(&refused);
    assert!(code == Some(1) && complaint.contains("is not written: File too large"), "{complaint}");
    assert_eq!(fs::read(&file).unwrap(), before, "the older backup is as it was");
    assert!(traces(&folder).is_empty());
    backed_up(&stage, &file).await;
    assert!(fs::read(&file).unwrap().len() > 100_000, "an older backup is replaced");
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn a_restore_whose_files_cannot_be_written_leaves_the_store_where_it_is() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
    let (data, file) = (stage.dir().join("data"), stage.dir().join("backup.jsonl"));
    for folder in ["one", "two"] {
        fs::create_dir_all(data.join("imports").join(folder)).unwrap();
        fs::write(data.join("imports").join(folder).join("7.jpg"), folder).unwrap();
    }
    backed_up(&stage, &file).await;
    fs::remove_dir_all(data.join("imports")).unwrap();
    fs::create_dir_all(data.join("imports")).unwrap();
    // A file where the second folder belongs.
    fs::write(data.join("imports/two"), "").unwrap();
    let store = fs::metadata(data.join("store")).unwrap().ino();
    for _ in 0..4 {
        let (code, _, complaint) = restored(&data, &file).await;
        assert!(code == Some(1) && complaint.contains("nothing is restored from"), "{complaint}");
        assert!(traces(&data).is_empty(), "{:?}", traces(&data));
        assert_eq!(fs::metadata(data.join("store")).unwrap().ino(), store);
        assert!(!data.join("imports/one/7.jpg").exists());
    }
    fs::remove_file(data.join("imports/two")).unwrap();
    let (code, said, complaint) = restored(&data, &file).await;
    assert!(code == Some(0) && said.contains("2 imported files were added"), "{complaint}");
    assert_eq!(traces(&data).len(), 2, "the former store, and the configuration: {:?}", traces(&data));
}
