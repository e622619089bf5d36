//! Signals that end no bridge, and terminals that close.

use std::fs::{File, OpenOptions};

use rustix::{
    process::Signal,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use telekommo::sandbox::harness::{ANNA, Harness, LINES};
use tokio::process::Command;

use super::process::{Process, run, telekommo};
use crate::support::{BRISK, WITHIN, conversation};

/// What the system's own answer would be to end the process.
const SURVIVED: [Signal; 4] = [Signal::HUP, Signal::USR1, Signal::USR2, Signal::PIPE];

async fn relays(stage: &Harness, text: &str) {
    stage.telegram.write(LINES[0].token, ANNA, text);
    let is_there = |stage: &Harness| {
        let chat = stage.kommo.chat(&conversation(LINES[0], ANNA));
        chat.is_some_and(|chat| chat.messages.iter().any(|message| message.text == text))
    };
    stage.until("the message is in Kommo", WITHIN, is_there).await.unwrap();
}

#[tokio::test]
async fn a_bridge_goes_on_and_says_so() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    for signal in SURVIVED {
        process.signal(signal);
    }
    for said in ["SIGHUP: reloading the configuration", "SIGUSR1: ", "SIGUSR2: "] {
        let line = process.logged(said).await;
        assert!(line.contains("\"INFO\""), "{line}");
    }
    relays(&stage, "still there?").await;
    let ended = process.end(Signal::TERM).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_start_goes_on_too() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = Process::spawn(run(&stage));
    let first = process.logged("").await;
    assert!(first.contains("telekommo is starting") && first.contains(env!("CARGO_PKG_VERSION")), "{first}");
    for signal in SURVIVED {
        process.signal(signal);
    }
    process.logged("SIGHUP").await;
    stage.hooks_go_to(process.ports().await.hooks);
    relays(&stage, "hello").await;
    assert_eq!(process.end(Signal::INT).await.status.code(), Some(0));
}

/// The two ends of a terminal: what holds it open, and what a command has of it.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (File::from(ours), theirs)
}

/// Both of a command's streams go to the terminal.
fn shown_on(command: &mut Command, terminal: File) {
    command.stdout(terminal.try_clone().unwrap()).stderr(terminal);
}

fn hang_up(child: &tokio::process::Child, terminal: File) {
    drop(terminal);
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(id.unwrap(), Signal::HUP).unwrap();
}

#[tokio::test]
async fn a_bridge_outlives_its_terminal() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (ours, theirs) = terminal();
    let mut command = run(&stage);
    shown_on(&mut command, theirs);
    let mut child = command.spawn().unwrap();
    drop(command);
    relays(&stage, "hello").await;
    hang_up(&child, ours);
    // Each of these writes log lines that nobody takes any more.
    for text in ["one", "two", "three"] {
        relays(&stage, text).await;
    }
    assert_eq!(child.try_wait().unwrap(), None);
    let id = i32::try_from(child.id().unwrap()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(id, Signal::TERM).unwrap();
    let status = tokio::time::timeout(WITHIN, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn what_a_person_watches_ends_in_order_with_its_terminal() {
    let sandbox = Process::spawn(telekommo(&["sandbox", "--listen", "127.0.0.1:0"]));
    sandbox.printed("--config ").await;
    let ended = sandbox.end(Signal::HUP).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}
