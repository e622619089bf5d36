//! `telekommo register`: the letter, the widget, and the answer.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use telekommo::config::{Config, Environment};
use tempfile::TempDir;
use tokio::process::Command;

use super::process::{finished, telekommo, text};

const ANSWERS: [&str; 11] = [
    "register",
    "--service-name=Acme Telegram",
    "--accounts=28805383",
    "--email=ops@example.com",
    "--integration=5f0c3a5c-0000-4000-8000-000000000000",
    "--widget-code=telekommo_acme",
    "--write-first=no",
    "--max-file-mb=50",
    "--widget=widget.zip",
    "--icon=icon.svg",
    "--config=config.toml",
];
const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = telekommo(arguments);
    command.current_dir(folder);
    command
}

/// The command with a first line of input.
fn with_input(folder: &Path, arguments: &[&str], line: &str) -> Command {
    let mut input = tempfile::tempfile().unwrap();
    writeln!(input, "{line}").unwrap();
    std::io::Seek::rewind(&mut input).unwrap();
    let mut command = command(folder, arguments);
    command.stdin(Stdio::from(input));
    command
}

#[tokio::test]
async fn the_letter_says_what_the_support_asks_and_the_files_are_written() {
    let folder = TempDir::new().unwrap();
    // A configuration that lacks what only the registration brings.
    fs::write(folder.path().join("config.toml"), "[server]\npublic_url = \"https://bridge.example.com/tk/\"\n")
        .unwrap();
    let output = finished(command(folder.path(), &ANSWERS)).await;
    let letter = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for part in [
        "Webhook URL: https://bridge.example.com/tk/kommo/:scope_id",
        "Service name: Acme Telegram",
        "Accounts: 28805383",
        "Time window: none",
        "Integration stores files itself: no",
        "Quoting (replies): yes",
        "👍",
        "Largest file: 50 MB",
    ] {
        assert!(letter.contains(part), "{part} is missing in\n{letter}");
    }
    let next = text(&output.stderr);
    assert!(next.contains("Send it to support@kommo.com") && !next.contains("telegram.ask_phone"), "{next}");
    assert!(letter.contains("Widget code: telekommo_acme\n") && !next.contains("Upload"), "{letter}{next}");
    let archive = fs::read(folder.path().join("widget.zip")).unwrap();
    assert!(archive.starts_with(b"PK\x03\x04"));
    assert!(fs::read_to_string(folder.path().join("icon.svg")).unwrap().starts_with("<svg"));
}

#[tokio::test]
async fn what_is_wanted_beyond_messages_is_asked_for_and_its_needs_are_told() {
    let folder = TempDir::new().unwrap();
    let url = "--public-url=https://bridge.example.com";
    let first = ANSWERS.iter().copied().filter(|answer| !answer.starts_with("--write-first"));
    let output = finished(command(
        folder.path(),
        &first.chain([url, "--write-first=yes", "--reactions=no"]).collect::<Vec<_>>(),
    ))
    .await;
    let (letter, next) = (text(&output.stdout), text(&output.stderr));
    assert!(letter.contains("Reactions: no\n") && !letter.contains("👍"), "{letter}");
    assert!(letter.contains("Write first: yes\n"), "{letter}");
    assert!(next.contains("telegram.ask_phone") && next.contains("kommo.origin_code"), "{next}");
}

#[tokio::test]
async fn a_letter_without_the_widgets_code_is_written_before_kommo_gives_one() {
    let folder = TempDir::new().unwrap();
    let known = ANSWERS.iter().copied().filter(|answer| !answer.starts_with("--widget-code"));
    let output =
        finished(command(folder.path(), &known.chain(["--public-url=https://bridge.example.com"]).collect::<Vec<_>>()))
            .await;
    let (letter, next) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{next}");
    assert!(letter.contains("Widget code: not known to us"), "{letter}");
    assert!(next.contains("Upload widget.zip") && folder.path().join("widget.zip").exists(), "{next}");
}

#[tokio::test]
async fn an_answer_that_is_wrong_or_missing_is_named_and_nothing_is_written() {
    let without =
        |option: &str| ANSWERS.iter().copied().filter(|answer| !answer.starts_with(option)).collect::<Vec<_>>();
    let wrong =
        [without("--service-name"), vec!["--service-name=9 lives", "--public-url=https://a.example.com"]].concat();
    let plain = [ANSWERS.to_vec(), vec!["--public-url=http://a.example.com"]].concat();
    let code = [without("--widget-code"), vec!["--widget-code=a b", "--public-url=https://a.example.com"]].concat();
    let missing = [without("--email"), vec!["--public-url=https://a.example.com"]].concat();
    for (arguments, says) in [
        (wrong, "--service-name: "),
        (plain, "--public-url: "),
        (code, "--widget-code: "),
        (missing, "--email is missing"),
    ] {
        let folder = TempDir::new().unwrap();
        let output = finished(command(folder.path(), &arguments)).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

const LETTER: [&str; 5] = [
    "register",
    "--answer",
    "--channel-id=344A5002-f8ca-454d-af3d-396180102ac7",
    "--origin-code=amo.ext.12345",
    "--bot-id=76fc2bea-902f-425c-9a3d-dcdac4766090",
];

#[tokio::test]
async fn the_supports_answer_becomes_lines_that_telekommo_reads() {
    let folder = TempDir::new().unwrap();
    let arguments = [&LETTER[..], &["--account-id=52e591f7-c98f-4255-8495-827210138c81"]].concat();
    let output = finished(with_input(folder.path(), &arguments, SECRET)).await;
    let lines = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!lines.contains(SECRET) && !text(&output.stderr).contains(SECRET));
    let kept = folder.path().join("channel-secret");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let config = folder.path().join("config.toml");
    let more = "[server]\npublic_url = \"https://a.example.com\"\n[sources.sales]\ntoken = \"1:a\"\nname = \"Sales\"\n";
    fs::write(&config, format!("[kommo]\n{lines}{more}")).unwrap();
    let config = Config::load(Some(&config), &Environment::default()).unwrap();
    assert_eq!(config.kommo.channel_secret.expose(), SECRET);
    assert_eq!(config.kommo.channel_id.as_str(), "344a5002-f8ca-454d-af3d-396180102ac7");
    // As a file that an editor has marked.
    fs::remove_file(&kept).unwrap();
    let marked = finished(with_input(folder.path(), &arguments, &format!("\u{feff}{SECRET}\r\n"))).await;
    assert_eq!((marked.status.code(), fs::read_to_string(&kept).unwrap()), (Some(0), format!("{SECRET}\n")));
    // A second answer does not replace the first one's secret.
    let again = finished(with_input(folder.path(), &arguments, &SECRET.replace('0', "f"))).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("is there already"), "{}", text(&again.stderr));
    assert_eq!(fs::read_to_string(kept).unwrap().trim(), SECRET);
}

#[tokio::test]
async fn a_secret_that_is_none_is_not_shown() {
    let folder = TempDir::new().unwrap();
    let output = finished(with_input(folder.path(), &LETTER, &SECRET[1..])).await;
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint.contains("40 hexadecimal characters") && !complaint.contains(&SECRET[1..]), "{complaint}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
