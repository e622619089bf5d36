//! Faults that an operator can have, planted one by one between the real binary and the fakes: each is told by an
//! alert, `/ready`, the metrics, `telekommo status`, the status page, `telekommo check` and the log, with what to do,
//! and once more when it is mended.
//!
//! | Fault | Planted in |
//! |---|---|
//! | dead token, foreign webhook, second poller | `alerts::faults`, and `binary::check` for the check |
//! | wrong clock, disconnected channel, source gone, token about to end | the same |
//! | full disk, dump failing, wrong `server.public_url` | the same; `power::disk` fills a real disk |
//! | parked message, stuck head | `alerts::faults` |
//! | no DNS, dead proxy, wrong secret, wrong scope, missing right, expired certificate | here |
//! | media route dead, blocked hooks | here |

use rustix::process::Signal;
use serde_json::Value;
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES, Line, unused_address},
    kommo::Subject,
};

use super::{SLOWER, inbox::Inbox, settings};
use crate::{
    binary::{
        check::front,
        process::{Process, finished, run, telekommo, text, with_config},
    },
    net::{
        pki::{Authority, Flaw},
        servers::speak_tls,
    },
    support::{conversation, eventually, in_telegram},
};

const SALES: Line = LINES[0];
const ACCOUNT: &str = "kommo.account_url = \"{account_url}\"\nkommo.access_token = \"{access_token}\"\n";

/// What stands in a text, whatever lines it is broken into.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A bridge of the binary's, with an inbox that is told what is wrong.
struct Planted {
    stage: Harness,
    inbox: Inbox,
    variables: Vec<(&'static str, String)>,
    process: Process,
}

impl Planted {
    /// With a fault from the start, by these settings.
    async fn start(mut stage: Harness, more: &str, variables: Vec<(&'static str, String)>) -> Self {
        let inbox = Inbox::open().await;
        stage.configure(&Self::written(&inbox, more));
        let process = Self::spawn(&stage, &variables).await;
        Self { stage, inbox, variables, process }
    }

    fn written(inbox: &Inbox, more: &str) -> String {
        let brisk = "retry.kommo = [\"100ms\"]\nretry.telegram = [\"100ms\"]\nretry.probe_every = \"300ms\"\n";
        let listen = unused_address();
        let reached = format!("server.listen = \"{listen}\"\nserver.public_url = \"http://{listen}\"\n");
        let reached = if more.contains("server.listen") { "" } else { &reached };
        settings(inbox, &format!("{SLOWER}{brisk}{reached}{more}"))
    }

    async fn spawn(stage: &Harness, variables: &[(&'static str, String)]) -> Process {
        let mut command = run(stage);
        command.envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        Process::start(stage, command).await
    }

    async fn page(&self, path: &str) -> String {
        let admin = self.process.ports().await.admin;
        reqwest::get(format!("http://{admin}{path}")).await.unwrap().text().await.unwrap()
    }

    /// Asserts that the fault is told everywhere, with these words.
    async fn is_told(&self, key: &str, metric: &str, words: &[&str]) {
        self.inbox.until(&[&format!("told {key}")]).await;
        let alert = self.inbox.texts().remove(0);
        let (ready, metrics) = (self.page("/ready").await, self.page("/metrics").await);
        // What the status page shows.
        let page = serde_json::from_str::<Value>(&self.page("/status").await).unwrap()["troubles"].to_string();
        let config = self.stage.write_config().unwrap();
        let status = finished(telekommo(&["status", "--config", config.to_str().unwrap()])).await;
        let mut check = with_config("check", &config);
        check.envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        let check = finished(check).await;
        assert_ne!(check.status.code(), Some(0), "the check finds it");
        for word in words {
            for (place, said) in [
                ("the alert", in_one_line(&alert)),
                ("/ready", ready.clone()),
                ("the page", page.clone()),
                ("status", in_one_line(text(&status.stdout))),
                ("check", in_one_line(text(&check.stdout))),
                ("the log", self.process.stderr()),
            ] {
                assert!(said.contains(word), "{place} does not say {word:?}: {said}");
            }
        }
        let figure = format!("telekommo_trouble{{{metric}}} 1");
        assert!(metrics.contains(&figure), "{figure}");
    }

    async fn is_over(&self, key: &str) {
        self.inbox.until(&[&format!("told {key}"), &format!("resolved {key}")]).await;
    }

    /// Starts the bridge again with these settings in place of the fault.
    async fn mended_by(mut self, more: &str, key: &str) {
        assert!(self.process.end(Signal::TERM).await.status.success());
        self.stage.configure(&Self::written(&self.inbox, more));
        self.process = Self::spawn(&self.stage, &self.variables).await;
        self.is_over(key).await;
        self.process.end(Signal::TERM).await;
    }
}

async fn by_settings(broken: &str, mended: &str, (key, metric): (&str, &str), words: &[&str]) {
    let stage = Harness::without_bridge("").unwrap();
    let planted = Planted::start(stage, broken, Vec::new()).await;
    planted.is_told(key, metric, words).await;
    planted.mended_by(mended, key).await;
}

#[tokio::test]
async fn a_name_that_leads_nowhere() {
    let metric = "cause=\"bot_unreachable\",of=\"sales\"";
    by_settings("telegram.api_url = \"http://telegram.invalid\"\n", "", ("telegram", metric), &["cannot be looked up"])
        .await;
}

#[tokio::test]
async fn a_proxy_that_is_dead() {
    let proxy = format!("telegram.proxy = \"http://{}\"\n", unused_address());
    let metric = "cause=\"bot_unreachable\",of=\"sales\"";
    by_settings(&proxy, "", ("telegram", metric), &["the proxy cannot be reached"]).await;
}

#[tokio::test]
async fn a_secret_of_another_channel() {
    let secret = format!("kommo.channel_secret = \"{}\"\n", "f".repeat(40));
    let metric = "cause=\"channel_not_connected\",of=\"\"";
    by_settings(&secret, "", ("channel", metric), &["kommo.channel_secret is not that of this channel"]).await;
}

#[tokio::test]
async fn a_scope_of_another_account() {
    let account = "kommo.account_id = \"00000000-1111-4222-8333-444444444444\"\n";
    let metric = "cause=\"channel_not_connected\",of=\"\"";
    by_settings(account, "", ("channel", metric), &["Compare kommo.channel_id, kommo.account_id"]).await;
}

#[tokio::test]
async fn a_right_that_the_token_lacks() {
    let stage = Harness::without_bridge("").unwrap();
    stage.kommo.forbid(&[Subject::Sources]);
    let planted = Planted::start(stage, ACCOUNT, Vec::new()).await;
    planted.is_told("sources", "cause=\"sources\",of=\"\"", &["the token lacks a right", "administrator"]).await;
    planted.stage.kommo.forbid(&[]);
    // A restart tries at once what is else tried every quarter of an hour.
    planted.mended_by(ACCOUNT, "sources").await;
}

#[tokio::test]
async fn a_certificate_that_has_expired() {
    let (authority, listen) = (Authority::new(), unused_address());
    let stage = Harness::without_bridge("").unwrap();
    let file = stage.dir().join("ca.pem");
    authority.write(&file);
    let variables = vec![("SSL_CERT_FILE", file.to_str().unwrap().to_owned())];
    let at = |server| format!("server.listen = \"{listen}\"\nserver.public_url = \"https://{server}\"\n");
    let expired = at(speak_tls(authority.acceptor(Flaw::Expired), listen).await);
    let planted = Planted::start(stage, &expired, variables).await;
    let metric = "cause=\"public_address\",of=\"\"";
    planted.is_told("public_address", metric, &["the certificate has expired", "certificate"]).await;
    let good = at(speak_tls(authority.acceptor(Flaw::Nothing), listen).await);
    planted.mended_by(&good, "public_address").await;
}

/// The web server in front passes hooks on, and answers what comes for files itself.
#[tokio::test]
async fn a_way_of_files_that_is_dead() {
    let listen = unused_address();
    let keeps_files: front::Answers = |_, path| path.starts_with("/media").then_some(axum::http::StatusCode::NOT_FOUND);
    let front = front::open(keeps_files, listen).await;
    let at = |public| format!("server.listen = \"{listen}\"\nserver.public_url = \"http://{public}\"\n");
    let planted = Planted::start(Harness::without_bridge("").unwrap(), &at(front), Vec::new()).await;
    let words = ["let the web server pass everything below /media on to http://", "no files of customers"];
    planted.is_told("public_address", "cause=\"public_address\",of=\"\"", &words).await;
    planted.mended_by(&at(listen), "public_address").await;
}

/// Nothing but the answers that are found late tells of it: the address itself is in order.
#[tokio::test]
async fn hooks_that_are_refused_in_front() {
    let stage = Harness::without_bridge("").unwrap();
    let planted = Planted::start(stage, "reconcile.every = \"1s\"\n", Vec::new()).await;
    let (stage, hooks) = (&planted.stage, planted.process.ports().await.hooks);
    stage.telegram.write(SALES.token, ANNA, "hello");
    eventually("she is in Kommo", async || stage.kommo.chat(&conversation(SALES, ANNA)).is_some()).await;
    stage.hooks_go_to(unused_address());
    for number in 1..=20 {
        stage.kommo.reply(&conversation(SALES, ANNA), "Maria", &format!("answer {number}")).await;
        eventually("it is found", async || in_telegram(stage, SALES, ANNA).len() == number).await;
        if !planted.inbox.events().is_empty() {
            break;
        }
    }
    planted.is_told("hooks", "cause=\"hooks\",of=\"\"", &["seems to refuse Kommo's hooks"]).await;
    stage.hooks_go_to(hooks);
    stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "by its hook").await;
    planted.is_over("hooks").await;
    planted.process.end(Signal::TERM).await;
}

/// The manual names each fault with its cause in the metrics, which a bridge shows from the start.
#[tokio::test]
async fn the_manual_names_causes_that_exist() {
    let manual = include_str!("../../../src/docs/troubleshoot.md");
    let (_, table) = manual.split_once("## How each fault is reported").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with('|')).skip(2).take_while(|line| line.starts_with('|'));
    let causes = rows.flat_map(|row| row.split('|').nth(2).unwrap().split('`').skip(1).step_by(2));
    let causes: Vec<_> = causes.collect();
    assert!(causes.len() >= 20, "{causes:?}");
    let planted = Planted::start(Harness::without_bridge("").unwrap(), "", Vec::new()).await;
    let metrics = planted.page("/metrics").await;
    for cause in causes {
        assert!(metrics.contains(&format!("telekommo_trouble{{cause=\"{cause}\",")), "{cause}");
    }
    planted.process.end(Signal::TERM).await;
}
