//! `telekommo check`: each fault that it can find is named, with what to do.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, time::Duration};

use axum::http::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::Value;
use telekommo::{
    clock,
    sandbox::{
        harness::{Harness, LINES, Line, unused_address},
        kommo::FakeKommo,
        telegram::Customer,
    },
};

use super::process::{Process, finished, run, text, with_config};
use crate::{
    net::{
        pki::{Authority, Flaw},
        servers::speak_tls,
    },
    support::eventually,
};

pub(crate) mod front;
mod kept;
mod live;
mod message;
mod poller;

const SALES: Line = LINES[0];
/// Settings with which a check does not wait long for another poller, and Kommo is asked for the account.
const SETTINGS: &str = "telegram.poll_timeout = \"1s\"\nkommo.account_url = \"{account_url}\"\nkommo.access_token = \
                        \"{access_token}\"\n";

/// What a check printed for programs, and how it ended.
struct Checked {
    code: Option<i32>,
    findings: Vec<Value>,
    all: String,
}

impl Checked {
    /// The texts of what stands like this.
    fn those(&self, state: &str) -> Vec<String> {
        let those = self.findings.iter().filter(|it| it["state"] == state);
        those.map(|it| format!("{}: {}", it["check"].as_str().unwrap(), it["text"].as_str().unwrap())).collect()
    }

    /// Asserts that this alone stands like that, and says so with these words.
    fn only(&self, state: &str, check: &str, words: &[&str]) {
        let those = self.those(state);
        let [only] = those.as_slice() else { panic!("not one is {state}: {those:#?}") };
        assert!(only.starts_with(&format!("{check}: ")), "{only}");
        assert!(words.iter().all(|word| only.contains(word)), "{words:?}: {only}");
    }
}

async fn check_with(stage: &Harness, variables: &[(&str, &str)]) -> Checked {
    let mut command = with_config("check", &stage.write_config().unwrap());
    command.arg("--json").envs(variables.iter().copied());
    let output = finished(command).await;
    let all = text(&output.stdout).to_owned();
    assert_eq!(text(&output.stderr), "");
    let printed: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(printed["ok"], output.status.code() == Some(0));
    Checked { code: output.status.code(), findings: printed["checks"].as_array().unwrap().clone(), all }
}

async fn check(stage: &Harness) -> Checked {
    check_with(stage, &[]).await
}

/// A stage whose public address is `public`, and whose bridge listens at `listen`; its sources are in Kommo.
fn stage_at(public: &str, listen: SocketAddr, more: &str) -> Harness {
    let stage = Harness::without_bridge(&format!(
        "server.listen = \"{listen}\"\nserver.public_url = \"{public}\"\n{SETTINGS}{more}"
    ))
    .unwrap();
    for line in LINES {
        stage.kommo.add_source(line.source, line.name, telekommo::sandbox::kommo::MAIN_PIPELINE);
    }
    stage
}

/// A stage that the internet reaches.
fn reachable(more: &str) -> Harness {
    let listen = unused_address();
    stage_at(&format!("http://{listen}"), listen, more)
}

/// A stage behind a web server that answers some requests itself.
async fn behind(answers: front::Answers) -> Harness {
    let listen = unused_address();
    let front = front::open(answers, listen).await;
    stage_at(&format!("http://{front}"), listen, "")
}

#[tokio::test]
async fn without_a_bridge_the_check_answers_itself_and_a_file_comes_by_the_public_address() {
    let stage = reachable("");
    let bot = SALES.token.split(':').next().unwrap().parse().unwrap();
    let (first_name, last_name) = ("Bot".to_owned(), None);
    stage.telegram.add_customer(Customer { id: bot, first_name, last_name, username: None, language_code: None });
    let polls = stage.telegram.poll_count(SALES.token);
    let checked = check(&stage).await;
    assert_eq!(checked.code, Some(0), "{}", checked.all);
    assert_eq!(stage.telegram.poll_count(SALES.token), polls + 1, "nobody else polls, which only a poll shows");
    let names: Vec<_> = checked.findings.iter().map(|it| it["check"].as_str().unwrap()).collect();
    for name in [
        "configuration",
        "data",
        "disk",
        "hooks",
        "probes",
        "clock",
        "channel",
        "connection",
        "token",
        "account",
        "sources",
        "rights",
        "files",
        "bot",
        "webhook",
        "poller",
        "public_address",
        "way_of_hooks",
        "way_of_files",
    ] {
        assert!(names.contains(&name), "{name}: {}", checked.all);
    }
    assert!(checked.all.contains("No file was fetched"), "{}", checked.all);
    stage.telegram.set_avatar(bot, Some(b"a picture".to_vec().into()));
    let checked = check(&stage).await;
    assert!(
        checked.code == Some(0) && checked.all.contains("the picture of the bot of source sales came from Telegram")
    );
    assert!(!checked.all.contains("SANDBOX") && !checked.all.contains(&stage.kommo.access_token()));
}

#[tokio::test]
async fn a_running_bridge_answers_for_itself_and_another_one_is_another_one() {
    let stage = reachable("");
    let process = Process::start(&stage, run(&stage)).await;
    let polls = || stage.telegram.requests().iter().filter(|it| it.args["timeout"] == 5).count();
    let checked = check(&stage).await;
    assert_eq!((checked.code, polls()), (Some(0), 0), "{}", checked.all);
    assert!(checked.all.contains("it leads to this telekommo"), "{}", checked.all);
    let there = stage.write_config().unwrap();
    let public = fs::read_to_string(there).unwrap();
    let public = public.lines().find_map(|line| line.strip_prefix("server.public_url = ")).unwrap().trim_matches('"');
    let other = stage_at(public, unused_address(), "");
    check(&other).await.only("wrong", "public_address", &["another telekommo than this one", "pass requests on"]);
    process.end(Signal::TERM).await;
}

#[tokio::test]
async fn what_the_web_server_in_front_does_wrong_is_named() {
    let refuses_posts: front::Answers = |method, _| (*method == Method::POST).then_some(StatusCode::FORBIDDEN);
    let keeps_files: front::Answers = |_, path| path.starts_with("/media").then_some(StatusCode::NOT_FOUND);
    let is_down: front::Answers = |_, _| Some(StatusCode::BAD_GATEWAY);
    let is_another: front::Answers = |_, _| Some(StatusCode::OK);
    for (answers, name, words) in [
        (refuses_posts, "way_of_hooks", "a firewall or a rule of the web server refuses it"),
        (keeps_files, "way_of_files", "everything below /media on to http://127.0.0.1"),
        (is_down, "public_address", "does not reach telekommo"),
        (is_another, "public_address", "or correct server.public_url"),
    ] {
        let checked = check(&behind(answers).await).await;
        assert_eq!(checked.code, Some(1), "{words}: {}", checked.all);
        checked.only("wrong", name, &[words]);
    }
    // As the manual sets it up, a web server passes two paths on, and answers the rest itself.
    let is_caddy: front::Answers =
        |_, path| (!path.starts_with("/kommo/") && !path.starts_with("/media/")).then_some(StatusCode::OK);
    let fine = check(&behind(is_caddy).await).await;
    assert_eq!(fine.code, Some(0), "{}", fine.all);
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_named_with_why() {
    for (public, words) in [
        ("http://telekommo.invalid".to_owned(), "(DNS)"),
        (format!("http://{}", unused_address()), "Start the web server in front of telekommo"),
    ] {
        let stage = stage_at(&public, unused_address(), "");
        check(&stage).await.only("wrong", "public_address", &[words]);
    }
    let (authority, listen) = (Authority::new(), unused_address());
    for (flaw, name, words) in [
        (Some(Flaw::Expired), "public_address", "the certificate has expired"),
        (Some(Flaw::OtherName), "public_address", "for another name"),
        (None, "", ""),
    ] {
        let server = speak_tls(authority.acceptor(flaw.unwrap_or(Flaw::Nothing)), listen).await;
        let stage = stage_at(&format!("https://{server}"), listen, "");
        let file = stage.dir().join("ca.pem");
        authority.write(&file);
        let checked = check_with(&stage, &[("SSL_CERT_FILE", file.to_str().unwrap())]).await;
        if flaw.is_none() {
            assert_eq!(checked.code, Some(0), "{}", checked.all);
        } else {
            checked.only("wrong", name, &[words, "See to the certificate"]);
        }
    }
}

#[tokio::test]
async fn what_takes_a_bots_updates_away_is_named() {
    let stage = reachable("");
    let url = format!("{}/bot{}/setWebhook", stage.telegram.url(), SALES.token);
    let hook = "url=https://other.example.com/secret-path";
    reqwest::Client::new().get(format!("{url}?{hook}")).send().await.unwrap().error_for_status().unwrap();
    let checked = check(&stage).await;
    checked.only("wrong", "webhook", &["a webhook of other.example.com", "source sales", "deleteWebhook"]);
    assert!(!checked.all.contains("secret-path"), "the address of a webhook may be a secret");

    let stage = reachable("#telegram.poll_timeout\n");
    let _poller = poller::Poller::of(&stage, SALES);
    eventually("the other one polls", async || stage.telegram.poll_count(SALES.token) > 0).await;
    check(&stage).await.only("wrong", "poller", &["another program polls the bot of source sales", "/revoke"]);

    let stage = reachable("");
    stage.telegram.revoke(SALES.token);
    check(&stage).await.only("wrong", "bot", &["the bot of source sales", "@BotFather"]);
}

#[tokio::test]
async fn what_is_wrong_with_this_machine_is_named() {
    let stage = reachable("store.reserve_mb = 1000000000\n");
    check(&stage).await.only("wrong", "disk", &["free some space"]);

    let stage = reachable(&format!("telegram.proxy = \"http://{}\"\n", unused_address()));
    let checked = check(&stage).await;
    assert!(checked.code == Some(1) && checked.those("wrong").iter().any(|it| it.starts_with("bot: ")));
    assert!(checked.those("wrong").iter().all(|it| it.contains("the proxy")), "{}", checked.all);

    let stage = reachable("kommo.channel_secret_file = \"secret\"\n#kommo.channel_secret \n");
    fs::set_permissions(stage.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = stage.dir().join("secret");
    fs::write(&file, &stage.kommo.settings().channel_secret).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let checked = check(&stage).await;
    checked.only("warning", "warning", &["can be read by other users of this machine", "chmod 600"]);
    assert_eq!(checked.code, Some(0), "messages pass all the same");
}

#[tokio::test]
async fn a_clock_that_differs_from_theirs_is_named() {
    let there = front::of_another_time("Wed, 01 Jan 2020 00:00:00 GMT").await;
    for (key, side) in [("kommo.chats_url", "Kommo"), ("telegram.api_url", "Telegram")] {
        let stage = reachable(&format!("{key} = \"http://{there}\"\n"));
        let checked = check(&stage).await;
        let words = format!("ahead of {side}'s: set it, for instance by a time server");
        assert!(
            checked.those("wrong").iter().any(|it| it.starts_with("clock: ") && it.contains(&words)),
            "{}",
            checked.all
        );
    }
    let stage = reachable("");
    stage.telegram.down(true).unwrap();
    stage.kommo.down(true).unwrap();
    check(&stage).await.only("unknown", "clock", &["neither Kommo nor Telegram tells the time"]);
}

/// What is wrong in the account, the state, the check and its words.
type InAccount = (fn(&FakeKommo), &'static str, &'static str, &'static str);

const IN_ACCOUNT: [InAccount; 3] = [
    (|kommo| kommo.remove_source("sales"), "wrong", "sources", "`telekommo sources sync`"),
    (
        |kommo| drop(kommo.new_token(clock::now().plus(Duration::from_hours(24 * 9)))),
        "warning",
        "token",
        "valid for only 8 more days: make a new one",
    ),
    (|kommo| kommo.set_connected(false), "wrong", "connection", "`telekommo connect` connects it"),
];

#[tokio::test]
async fn what_is_wrong_in_the_account_is_named() {
    for (plant, state, name, words) in IN_ACCOUNT {
        let stage = reachable("");
        plant(&stage.kommo);
        check(&stage).await.only(state, name, &[words]);
    }
}

#[tokio::test]
async fn what_a_running_bridge_says_of_itself_is_named() {
    let stage = reachable("store.dump_every = \"100ms\"\n");
    let process = Process::start(&stage, run(&stage)).await;
    let dumps = stage.dir().join("data/dumps");
    eventually("there is a file in the place of the folder", async || {
        drop(fs::remove_dir_all(&dumps));
        fs::write(&dumps, "").is_ok()
    })
    .await;
    process.logged("could not be dumped").await;
    check(&stage).await.only("wrong", "running", &["dump: ", "the store could not be dumped"]);
    process.end(Signal::TERM).await;
}

#[tokio::test]
async fn a_person_reads_one_line_for_each_and_one_at_the_end() {
    let stage = reachable("");
    let output = finished(with_config("check", &stage.write_config().unwrap())).await;
    let said = text(&output.stdout);
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("All is well: ") && last.ends_with(" checks."), "{said}");
    assert!(said.contains("\n✓ Disk            ") && !said.contains('\u{1b}'), "{said}");
    stage.kommo.set_connected(false);
    let output = finished(with_config("check", &stage.write_config().unwrap())).await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("\n✗ Connection      not connected"), "{said}");
    assert!(said.lines().last().unwrap().ends_with(" checks wrong: Connection."), "{said}");
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_json_for_a_program_too() {
    let stage = Harness::without_bridge("kommo.timeout = \"soon\"").unwrap();
    let checked = check(&stage).await;
    assert_eq!(checked.code, Some(2));
    checked.only("wrong", "configuration", &["kommo.timeout", "is not a duration"]);
}
