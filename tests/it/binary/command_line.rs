//! What an operator types and reads.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;
use serde_json::json;
use telekommo::sandbox::{fault::Fault, harness::Harness, telegram::Target};
use tokio::process::Command;

use super::process::{Process, finished, telekommo, text, with_config};
use crate::support::{BRISK, WITHIN};

/// The narrowest terminal that everything is made for.
const TERMINAL: usize = 80;

#[tokio::test]
async fn help_fits_a_terminal_and_names_every_option() {
    let cases: [(&[&str], &[&str]); 23] = [
        (
            &["--help"],
            &[
                "run",
                "check",
                "connect",
                "disconnect",
                "sources",
                "sandbox",
                "reconcile",
                "history",
                "restore",
                "compact",
                "--version",
            ],
        ),
        (&["run", "--help"], &["--config <PATH>", "/etc/telekommo/config.toml"]),
        (&["check", "--help"], &["--config <PATH>", "--offline", "--json", "--message", "--chat <ID>"]),
        (&["init", "--help"], &["--answers <FILE>", "[bots.NAME]", "Run it again at any time"]),
        (
            &["sandbox", "--help"],
            &["--listen <ADDR>", "127.0.0.1:7070", "--script", "--hooks-to <URL>", "--set <LINE>"],
        ),
        (&["reconcile", "--help"], &["--since <DURATION>", "reconcile.max_age"]),
        (&["history", "--help"], &["<CONVERSATION>", "--limit <NUMBER>", "--json"]),
        (&["restore", "--help"], &["<DATA_DIR>", "[DUMP]"]),
        (&["compact", "--help"], &["<DATA_DIR>"]),
        (&["import", "--help"], &["<EXPORT>", "--source <NAME>", "--dry-run", "--manager <NAME=USER>"]),
        (&["register", "--help"], &["--answer", "--public-url <URL>", "telekommo-widget.zip"]),
        (&["templates", "push", "--help"], &["<FILE>", "--dry-run", "[[template]]"]),
        (&["templates", "--help"], &["list", "push", "remove"]),
        (&["link", "--help"], &["--source <NAME> --contact <NUMBER>", "--campaign <NAME>", "--png <FILE>"]),
        (&["chats", "--help"], &["list", "show", "link", "unlink"]),
        (&["chats", "link", "--help"], &["<CONVERSATION>", "<CONTACT>"]),
        (&["sources", "--help"], &["list", "sync", "remove"]),
        (&["parked", "--help"], &["list", "retry", "drop"]),
        (&["queue", "--help"], &["list", "show", "retry", "park", "drop"]),
        (&["queue", "list", "--help"], &["--waiting", "--parked", "--json", "--conversation", "--source"]),
        (&["queue", "park", "--help"], &["[ID]...", "--all", "--route", "--older-than"]),
        (&["parked", "list", "--help"], &["--route", "--reason", "--older-than"]),
        (&["parked", "retry", "--help"], &["[ID]...", "--all", "--route", "--reason", "--older-than"]),
    ];
    for (arguments, mentions) in cases {
        let output = finished(telekommo(arguments)).await;
        let help = text(&output.stdout);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
        for mention in mentions {
            assert!(help.contains(mention), "{arguments:?} does not mention {mention}:\n{help}");
        }
        let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > TERMINAL).collect();
        assert!(wide.is_empty(), "{arguments:?} is too wide: {wide:#?}");
    }
}

#[tokio::test]
async fn without_arguments_there_is_help() {
    let output = finished(telekommo(&[])).await;
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    assert_eq!(text(&output.stderr), text(&finished(telekommo(&["--help"])).await.stdout));
}

#[tokio::test]
async fn the_version_is_the_packages() {
    let output = finished(telekommo(&["--version"])).await;
    assert_eq!(text(&output.stdout), concat!("telekommo ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// A wrong configuration: more settings, and what the message has to say.
const MISTAKES: [(&str, &str); 4] = [
    ("kommo.timeot = \"1s\"", "did you mean"),
    ("kommo.timeout = \"soon\"", "kommo.timeout"),
    ("store.dump_keep = 0", "store.dump_keep"),
    ("this is no toml", "config.toml"),
];

#[tokio::test]
async fn a_wrong_configuration_ends_with_2_and_touches_nothing() {
    for (settings, says) in MISTAKES {
        let stage = Harness::without_bridge(settings).unwrap();
        for command in ["run", "check"] {
            let output = finished(with_config(command, &stage.write_config().unwrap())).await;
            let message = text(&output.stderr);
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{command}: {settings}");
            assert!(message.starts_with("telekommo: ") && message.contains(says), "{settings}: {message}");
            assert_eq!(message.matches("telekommo: ").count(), 1, "{message}");
            let files: Vec<_> = fs::read_dir(stage.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(files, ["config.toml"], "{command} left something behind");
        }
    }
}

#[tokio::test]
async fn a_configuration_is_named_before_the_command_or_behind_it() {
    let stage = Harness::without_bridge("").unwrap();
    let file = stage.write_config().unwrap();
    let file = file.to_str().unwrap();
    for words in [["--config", file, "check", "--offline"], ["check", "--offline", "--config", file]] {
        let output = finished(telekommo(&words)).await;
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", text(&output.stderr));
    }
    for words in [["--config", file, "sandbox", "--script"], ["restore", "data", "--config", file]] {
        let output = finished(telekommo(&words)).await;
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(text(&output.stderr).starts_with("telekommo: --config: "), "{}", text(&output.stderr));
    }
}

#[tokio::test]
async fn help_about_help_is_help() {
    let help = finished(telekommo(&["--help"])).await.stdout;
    for words in [&["help", "--help"][..], &["help", "-h"], &["help"]] {
        let output = finished(telekommo(words)).await;
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), text(&help)), "{words:?}");
    }
    let history = finished(telekommo(&["help", "history", "--help"])).await;
    assert!(text(&history.stdout).contains("<CONVERSATION>"), "{}", text(&history.stdout));
}

#[tokio::test]
async fn no_message_is_no_number_of_messages() {
    let output = finished(telekommo(&["history", "tg:sales:777000111", "--limit", "0"])).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("write a whole number above 0"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_missing_configuration_is_named() {
    let output = finished(telekommo(&["run", "--config", "/nowhere/config.toml"])).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nowhere/config.toml"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_wrong_variable_gets_a_suggestion() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let mut command: Command = with_config("check", &stage.write_config().unwrap());
    command.env("TELEKOMMO_KOMMO__TIMEOT", "1s");
    let output = finished(command).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean TELEKOMMO_KOMMO__TIMEOUT?"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn check_says_what_a_configuration_means_without_secrets() {
    let stage = Harness::without_bridge("").unwrap();
    let output = finished(with_config("check", &stage.write_config().unwrap())).await;
    let summary = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let (telegram, kommo, scope) = (stage.telegram.url(), stage.kommo.url(), stage.kommo.settings().scope_id());
    for mention in [&telegram, &kommo, &scope, "sales", "Sales bot", "7000000001", "Support bot"] {
        assert!(summary.contains(mention), "{mention} is missing in\n{summary}");
    }
    for secret in ["SANDBOX", &stage.kommo.settings().channel_secret] {
        assert!(!summary.contains(secret), "a secret is in\n{summary}");
    }
    assert!(!stage.dir().join("data").exists(), "a check must not start anything");
}

#[tokio::test]
async fn check_warns_of_what_looks_wrong() {
    let stage = Harness::without_bridge("").unwrap();
    let file = stage.write_config().unwrap();
    let warned = async || {
        let output = finished(telekommo(&["check", "--offline", "--config", file.to_str().unwrap()])).await;
        assert_eq!(output.status.code(), Some(0));
        text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(!warned().await.contains("Warning"), "there is nothing to warn of");
    fs::set_permissions(stage.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(warned().await.contains("holds secrets, and other users of this machine can read it: run chmod 600"));
    let text = fs::read_to_string(&file).unwrap();
    let public = text.lines().find(|line| line.starts_with("server.public_url")).unwrap();
    fs::write(&file, text.replace(public, "server.public_url = \"http://tk.acme.com/kommo\"")).unwrap();
    let said = warned().await;
    assert!(said.contains("is http:") && said.contains("contains /kommo"), "{said}");
}

#[tokio::test]
async fn check_warns_of_what_the_example_has_in_place_of_ones_own() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml.example");
    let output = finished(telekommo(&["check", "--offline", "--config", example])).await;
    let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(0), "{said}");
    let keys = "kommo.channel_id, kommo.channel_secret, kommo.account_id, sources.sales.token are those of \
                config.toml.example";
    assert!(
        said.contains(keys) && said.contains("server.public_url, https://bridge.example.com, is that of the example"),
        "{said}"
    );
}

#[tokio::test]
async fn check_warns_of_a_token_that_is_none_and_of_a_listener_without_a_password() {
    let stage = Harness::without_bridge("").unwrap();
    let file = stage.write_config().unwrap();
    let warned = async |variables: &[(&str, &str)]| {
        let mut command = telekommo(&["check", "--offline", "--config", file.to_str().unwrap()]);
        command.envs(variables.iter().copied());
        let output = finished(command).await;
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (url, token) = ("TELEKOMMO_KOMMO__ACCOUNT_URL", "TELEKOMMO_KOMMO__ACCESS_TOKEN");
    let good = stage.kommo.access_token();
    for (variables, says) in [
        (&[(url, "https://acme.kommo.com"), (token, "abc")][..], "does not look like a long-lived token"),
        (&[(token, good.as_str())], "kommo.access_token needs kommo.account_url"),
        (
            &[("TELEKOMMO_ADMIN__LISTEN", "0.0.0.0:9090")],
            "admin.listen, 0.0.0.0:9090, can be reached from other machines",
        ),
    ] {
        let said = warned(variables).await;
        assert!(said.contains("Warning") && said.contains(says), "{says}: {said}");
    }
    let said = warned(&[(url, "https://acme.kommo.com"), (token, &good)]).await;
    assert!(!said.contains("Warning"), "{said}");
}

#[tokio::test]
async fn the_sandboxs_script_passes() {
    let output = finished(telekommo(&["sandbox", "--script"])).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("All 8 messages arrived"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("Next: `telekommo sandbox`"), "{}", text(&output.stdout));
    let help = finished(telekommo(&["sandbox", "--help"])).await;
    let said = [text(&output.stdout), text(&help.stdout)].concat();
    let wide: Vec<_> = said.lines().filter(|line| line.chars().count() > TERMINAL).collect();
    assert!(wide.is_empty(), "too wide for a terminal: {wide:#?}");
}

#[tokio::test]
async fn the_sandbox_says_what_is_wrong_with_a_line() {
    for (line, remedy) in [
        ("telegram.buttons = \"none\"", "write inline or keyboard"),
        ("telegram.nothing = 1", "the keys of [telegram] are"),
        ("nonsense", "compare with config.toml.example"),
    ] {
        let output = finished(telekommo(&["sandbox", "--listen", "127.0.0.1:0", "--set", line])).await;
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(text(&output.stderr).contains(remedy), "{line}: {}", text(&output.stderr));
    }
}

#[tokio::test]
async fn check_names_the_bots_and_says_whose_token_is_wrong() {
    let stage = Harness::without_bridge("").unwrap();
    let file = stage.write_config().unwrap();
    let output = finished(with_config("check", &file)).await;
    assert!(text(&output.stdout).contains("the bot of source sales is @acme_sales_bot"), "{}", text(&output.stdout));
    let wrong = fs::read_to_string(&file).unwrap().replace("SANDBOX-support-bot", "SANDBOX-other");
    fs::write(&file, wrong).unwrap();
    let output = finished(with_config("check", &file)).await;
    let (said, code) = (text(&output.stdout), output.status.code());
    assert!(code == Some(1) && said.contains("the bot of source support") && said.contains("token"), "{code:?} {said}");
    assert!(!said.contains("SANDBOX"), "{said}");
}

#[tokio::test]
async fn check_tells_apart_why_a_bot_cannot_be_reached() {
    let stage = Harness::without_bridge("").unwrap();
    let file = stage.write_config().unwrap();
    for (code, description, advice) in [
        (401, "Unauthorized", "put it into the configuration"),
        (400, "Logged out", "call logOut there"),
        (404, "Not Found", "check the path in `telegram.api_url`"),
    ] {
        let body = json!({ "ok": false, "error_code": code, "description": description }).to_string();
        stage.telegram.fault(Target::any(), Fault::Status { code, body }, u32::MAX);
        let output = finished(with_config("check", &file)).await;
        let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!((output.status.code(), said.matches(advice).count()), (Some(1), 2), "{description}: {said}");
        stage.telegram.heal();
    }
    stage.telegram.down(true).unwrap();
    let output = finished(with_config("check", &file)).await;
    let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("connection refused"), "{said}");
}

#[tokio::test]
async fn a_command_whose_output_nobody_reads_ends_quietly() {
    let stage = Harness::without_bridge("").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = with_config("check", &stage.write_config().unwrap());
    let child = command.arg("--offline").stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let output = tokio::time::timeout(WITHIN, child.wait_with_output()).await.unwrap().unwrap();
    // 128 and SIGPIPE, as shells report it.
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(141), ""));
}

#[tokio::test]
async fn a_complaint_that_nobody_reads_ends_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = telekommo(&["check", "--config", "/nowhere/config.toml"]);
    let status = command.stderr(writer).status();
    assert_eq!(tokio::time::timeout(WITHIN, status).await.unwrap().unwrap().code(), Some(141));
}

#[tokio::test]
async fn output_that_cannot_be_written_is_a_failure() {
    let stage = Harness::without_bridge("").unwrap();
    let mut command = with_config("check", &stage.write_config().unwrap());
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = command.arg("--offline").stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let output = tokio::time::timeout(WITHIN, child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(complaint.starts_with("telekommo: the output cannot be written: No space left"), "{complaint}");
}

#[tokio::test]
async fn commands_work_on_the_sandbox() {
    let sandbox = Process::spawn(telekommo(&["sandbox", "--listen", "127.0.0.1:0"]));
    let line = sandbox.printed("--config ").await;
    let (_, config) = line.split_once("--config ").expect("it was just found");
    for words in [&["connect"][..], &["sources", "sync"], &["check"], &["parked", "list"]] {
        let output = finished(telekommo(&[words, &["--config", config]].concat())).await;
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}{}", text(&output.stdout), text(&output.stderr));
    }
    assert_eq!(sandbox.end(Signal::TERM).await.status.code(), Some(0));
}
