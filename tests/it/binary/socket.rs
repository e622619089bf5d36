//! The socket by which commands talk to the bridge, and the store that they open where none runs.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use rustix::process::{Signal, geteuid};
use telekommo::sandbox::harness::{ANNA, Harness, LINES};
use tokio::process::Command;

use super::process::{Process, as_user, finished, run, telekommo, text, with_config};
use crate::support::{BRISK, WITHIN, eventually, in_kommo};

/// Two users who are nobody else's.
const THEIRS: (u32, u32) = (64321, 64321);
const OTHER: (u32, u32) = (64322, 64322);

fn socket(stage: &Harness) -> PathBuf {
    stage.dir().join("data/telekommo.sock")
}

/// `telekommo chats list`, with a configuration that leads to no port of the bridge.
fn list(stage: &Harness) -> Command {
    let config = stage.write_config().unwrap();
    telekommo(&["chats", "list", "--config", config.to_str().unwrap()])
}

/// What a command prints and complains of.
async fn said(command: Command) -> (Option<i32>, String, String) {
    let output = finished(command).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

/// Starts a bridge to which a customer has written.
async fn with_a_conversation(stage: &Harness) -> Process {
    let process = Process::start(stage, run(stage)).await;
    stage.telegram.write(LINES[0].token, ANNA, "hello");
    let arrived = |stage: &Harness| in_kommo(stage, LINES[0], ANNA) == ["hello"];
    stage.until("the message is in Kommo", WITHIN, arrived).await.unwrap();
    process
}

#[tokio::test]
async fn commands_reach_the_bridge_by_its_socket_alone_and_the_store_without_it() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (code, _, complaint) = said(list(&stage)).await;
    assert!(code == Some(1) && complaint.contains("there is no store in "), "{complaint}");
    let process = with_a_conversation(&stage).await;
    assert_eq!(fs::metadata(socket(&stage)).unwrap().mode() & 0o777, 0o600);
    eventually("the conversation is listed", async || said(list(&stage)).await.1.contains("Anna Petrova")).await;
    let (code, printed, complaint) = said(list(&stage)).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{printed}");
    assert!(printed.contains("tg:sales:777000111  Anna Petrova"), "{printed}");
    assert!(process.end(Signal::TERM).await.status.success());
    assert!(!socket(&stage).exists(), "a bridge that ends takes its socket along");

    let (code, without, complaint) = said(list(&stage)).await;
    assert_eq!((code, complaint.as_str()), (Some(0), "No bridge runs. This is what its store says.\n"));
    assert_eq!(without.replace(" ago", ""), printed.replace(" ago", ""));
    // What was changed there is there for the bridge.
    let config = stage.write_config().unwrap();
    let forget = ["chats", "forget", "tg:sales:777000111", "--config", config.to_str().unwrap()];
    assert_eq!(said(telekommo(&forget)).await.0, Some(0));
    let process = Process::start(&stage, run(&stage)).await;
    let (_, printed, _) = said(list(&stage)).await;
    assert!(printed.contains("tg:sales:777000111") && !printed.contains("Anna"), "{printed}");
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn a_socket_that_a_crash_has_left_is_replaced() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = with_a_conversation(&stage).await;
    // What Kommo has is in the store only when it has been settled.
    eventually("the conversation is listed", async || said(list(&stage)).await.1.contains("Anna Petrova")).await;
    process.end(Signal::KILL).await;
    assert!(socket(&stage).exists() && UnixStream::connect(socket(&stage)).is_err());
    let (code, printed, complaint) = said(list(&stage)).await;
    assert!(code == Some(0) && complaint.contains("No bridge runs."), "{complaint}");
    assert!(printed.contains("Anna Petrova"), "{printed}");
    let process = Process::start(&stage, run(&stage)).await;
    assert_eq!(said(list(&stage)).await.2, "");
    // A second bridge on the same store leaves the first one its socket.
    let second = finished(run(&stage)).await;
    assert!(text(&second.stderr).contains("in use by another telekommo"), "{}", text(&second.stderr));
    assert_eq!(said(list(&stage)).await.2, "");
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn what_has_the_sockets_name_and_is_none_stays_and_stops_no_bridge() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    fs::create_dir_all(stage.dir().join("data")).unwrap();
    fs::write(socket(&stage), "mine").unwrap();
    let process = with_a_conversation(&stage).await;
    process.logged("commands cannot reach this bridge").await;
    let (code, _, complaint) = said(list(&stage)).await;
    assert!(code == Some(1) && complaint.contains("does not answer on "), "{complaint}");
    assert!(process.end(Signal::TERM).await.status.success());
    assert_eq!(fs::read_to_string(socket(&stage)).unwrap(), "mine");
}

#[tokio::test]
async fn the_data_directory_may_have_a_long_name() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let data = stage.dir().join("a-folder-whose-name-is-long".repeat(8));
    let long = |mut command: Command| {
        command.env("TELEKOMMO_DATA_DIR", &data);
        command
    };
    let process = Process::start(&stage, long(run(&stage))).await;
    let (code, printed, complaint) = said(long(list(&stage))).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{printed}");
    assert!(process.end(Signal::TERM).await.status.success());
}

/// Lets everybody look into a folder and read a file in it.
fn open_to_all(folder: &Path, file: &Path) {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
}

#[tokio::test]
async fn the_bridges_user_and_root_give_commands_and_nobody_else() {
    if !geteuid().is_root() {
        return;
    }
    let stage = Harness::without_bridge(BRISK).unwrap();
    let config = stage.write_config().unwrap();
    open_to_all(stage.dir(), &config);
    let data = stage.dir().join("data");
    fs::create_dir(&data).unwrap();
    chown(&data, Some(THEIRS.0), Some(THEIRS.1)).unwrap();
    let process = Process::start(&stage, as_user(&run(&stage), THEIRS)).await;
    let command = || with_config("parked", &config);
    let listed = || {
        let mut command = command();
        command.arg("list");
        command
    };
    for allowed in [listed(), as_user(&listed(), THEIRS)] {
        let (code, printed, complaint) = said(allowed).await;
        assert_eq!((code, printed.as_str(), complaint.as_str()), (Some(0), "Nothing is parked.\n", ""));
    }
    let (code, _, complaint) = said(as_user(&listed(), OTHER)).await;
    assert!(code == Some(1) && complaint.contains("run this as uid 64321, or with sudo"), "{complaint}");
    // Whoever opens the folder and the socket to all has not made all of them operators.
    open_to_all(&data, &config);
    fs::set_permissions(socket(&stage), Permissions::from_mode(0o666)).unwrap();
    let (code, _, complaint) = said(as_user(&listed(), OTHER)).await;
    assert!(code == Some(1) && complaint.contains("does not accept commands of this user"), "{complaint}");
    process.logged("refused a command of another user").await;
    assert!(process.end(Signal::TERM).await.status.success());

    // What root changes while no bridge runs belongs to the bridge's user afterwards.
    let (code, _, complaint) = said(listed()).await;
    assert_eq!(code, Some(0), "{complaint}");
    for entry in fs::read_dir(data.join("store")).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().uid(), THEIRS.0, "{}", entry.path().display());
    }
    let process = Process::start(&stage, as_user(&run(&stage), THEIRS)).await;
    assert!(process.end(Signal::TERM).await.status.success());
}
