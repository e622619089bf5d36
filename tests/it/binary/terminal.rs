//! What an operator reads at a terminal, which is made here.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES},
    telegram::{GroupKind, NewGroup},
};
use tokio::{process::Command, task::spawn_blocking, time::timeout};

use super::process::{finished, telekommo, text};
use crate::support::{TestStage, WITHIN, eventually};

/// What a command says on a terminal of so many columns.
pub(super) async fn shown(arguments: &[&str], columns: u16) -> String {
    on_terminal(arguments, columns, None).await.1
}

/// A terminal of so many columns: our end, and that of a program.
pub(super) fn terminal(columns: u16) -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    tcsetwinsize(&ours, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (File::from(ours), theirs)
}

/// How a command ends and what it says on a terminal of so many columns, where somebody types an answer if one sits
/// there.
pub(super) async fn on_terminal(arguments: &[&str], columns: u16, answer: Option<&str>) -> (Option<i32>, String) {
    let (mut ours, theirs) = terminal(columns);
    let mut command = telekommo(arguments);
    command.env("TERM", "xterm");
    if let Some(answer) = answer {
        // The terminal keeps it until it is read.
        ours.write_all(answer.as_bytes()).unwrap();
        command.stdin(theirs.try_clone().unwrap());
    }
    command.stdout(theirs.try_clone().unwrap()).stderr(theirs);
    let mut child = command.spawn().unwrap();
    // It holds the terminal's other end, by whose closing the reader learns that all is said.
    drop(command);
    let reader = spawn_blocking(move || all_of(ours));
    let status = timeout(WITHIN, child.wait()).await.expect("the command ends").unwrap();
    (status.code(), timeout(WITHIN, reader).await.expect("the terminal ends").unwrap().replace("\r\n", "\n"))
}

fn all_of(mut terminal: File) -> String {
    let (mut text, mut bytes) = (Vec::new(), [0; 4096]);
    // Linux tells the end of a terminal as an error.
    while let Ok(count @ 1..) = terminal.read(&mut bytes) {
        text.extend_from_slice(&bytes[..count]);
    }
    String::from_utf8(text).unwrap()
}

fn assert_fits(text: &str, columns: usize) {
    let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > columns).collect();
    assert!(wide.is_empty(), "wider than {columns}: {wide:#?}");
}

#[tokio::test]
async fn errors_and_help_fit_the_terminal() {
    let stage = Harness::without_bridge("kommo.timeout = \"soon\"").unwrap();
    let file = stage.write_config().unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["check", "--config", "/nowhere/config.toml"], "copy config.toml.example there and fill it in"),
        (&["reconcile", "--since", "soon"], "write a number above 0 and a unit"),
        (&["import"], "<EXPORT>  The export: its folder"),
        (&["check", "--help"], "--offline"),
    ];
    for (arguments, mention) in cases {
        for columns in [80, 50] {
            let said = shown(arguments, columns).await;
            assert!(words(&said).contains(&words(mention)), "{arguments:?}: {said}");
            assert_fits(&said, columns.into());
        }
    }
    let said = shown(&["check", "--config", file.to_str().unwrap()], 80).await;
    assert!(words(&said).contains("is not a duration: write a number above 0"), "{said}");
    assert_fits(&said, 80);
}

#[tokio::test]
async fn a_list_is_readable_on_every_terminal() {
    const CLUB: &str = "Garden club of the northern suburbs";
    let stage = TestStage::with("telegram.groups = \"relay\"").await;
    stage.begin(LINES[0], ANNA).await;
    stage.telegram.set_reads_all(LINES[0].token, true);
    let (kind, title) = (GroupKind::Supergroup, CLUB.to_owned());
    stage.telegram.add_group(LINES[0].token, NewGroup { id: -1_000_000_000_042, kind, title, members: vec![ANNA] });
    stage.telegram.write_in_group(LINES[0].token, -1_000_000_000_042, ANNA, "Good morning, all");
    let config = stage.write_config_for_commands().unwrap();
    let list = ["chats", "list", "--config", config.to_str().unwrap()];
    stage.until("Kommo has both", |stage| stage.kommo.chats().len() == 2).await;
    stage.until_settled().await;
    for columns in [30, 40, 80, 120] {
        let said = shown(&list, columns).await;
        assert!(words(&said).contains("tg:sales:777000111") && words(&said).contains("Garden club"), "{said}");
        assert_fits(&said, columns.into());
    }
    assert!(shown(&list, 160).await.contains(CLUB), "there is room for all of it");
    let output = finished(telekommo(&list)).await;
    assert!(text(&output.stdout).lines().any(|line| line.contains(CLUB)), "a program finds it");
    stage.finish().await;
}

#[tokio::test]
async fn whoever_disconnects_at_a_terminal_is_asked_and_a_script_is_not() {
    let stage = Harness::without_bridge("").unwrap();
    let file = stage.write_config().unwrap();
    let disconnect = ["disconnect", "--config", file.to_str().unwrap()];
    for answer in ["no\n", "\n", "what\n"] {
        stage.kommo.set_connected(true);
        let (code, said) = on_terminal(&disconnect, 80, Some(answer)).await;
        assert!(code == Some(1) && said.contains("nothing was changed"), "{code:?} {said}");
        assert!(stage.kommo.is_connected(), "{answer:?}: {said}");
    }
    let sure = [&disconnect[..], &["--yes"]].concat();
    for (words, answer) in [(&disconnect[..], Some("Yes\n")), (&sure, Some("\n")), (&disconnect, None)] {
        stage.kommo.set_connected(true);
        let (code, said) = on_terminal(words, 80, answer).await;
        assert!(code == Some(0) && !stage.kommo.is_connected(), "{answer:?}: {code:?} {said}");
    }
}

#[tokio::test]
async fn a_secret_that_is_typed_is_not_shown() {
    const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c";
    let folder = tempfile::tempdir().unwrap();
    let (mut ours, theirs) = terminal(80);
    let register = [
        "register",
        "--answer",
        "--channel-id=344a5002-f8ca-454d-af3d-396180102ac7",
        "--origin-code=amo.ext.12345",
        "--bot-id=76fc2bea-902f-425c-9a3d-dcdac4766090",
        "--account-id=52e591f7-c98f-4255-8495-827210138c81",
    ];
    // It makes the terminal that of the command.
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(env!("CARGO_BIN_EXE_telekommo")).args(register).env_clear();
    command.current_dir(folder.path()).kill_on_drop(true).stdin(theirs.try_clone().unwrap());
    command.stdout(theirs.try_clone().unwrap()).stderr(theirs.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    drop(command);
    let is_shown = |ours: &File| tcgetattr(ours).unwrap().local_modes.contains(LocalModes::ECHO);
    assert!(is_shown(&ours));
    eventually("the terminal shows nothing", async || !is_shown(&ours)).await;
    ours.write_all(format!("{SECRET}\n").as_bytes()).unwrap();
    let status = timeout(WITHIN, child.wait()).await.expect("the command ends").unwrap();
    assert!(is_shown(&ours), "the terminal is as it was");
    drop(theirs);
    let said = timeout(WITHIN, spawn_blocking(move || all_of(ours))).await.expect("the terminal ends").unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.starts_with("The channel's secret (it is not shown): \r\nchannel_id = "), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(fs::read_to_string(folder.path().join("channel-secret")).unwrap().trim(), SECRET);
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_no_terminal_gets_whole_lines() {
    let output = finished(telekommo(&["check", "--config", "/nowhere/config.toml"])).await;
    assert_eq!(text(&output.stderr).lines().count(), 1, "{output:?}");
}
