//! One fault each: it is told once, with what to do, and once when it is over.

use std::fs;

use serde_json::json;
use telekommo::{
    clock,
    domain::time::UnixMillis,
    sandbox::{
        fault::Fault,
        harness::{ANNA, BEN, LINES, Line},
        kommo::{Endpoint, MAIN_PIPELINE},
        telegram::Target,
    },
};

use super::{SLOWER, inbox::Inbox, settings, telling};
use crate::support::{TestStage, eventually, in_kommo};

const SALES: Line = LINES[0];
const SUPPORT: Line = LINES[1];
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Waits until this was told of, with these words, and until /ready says the same. Then mends it, and waits until that
/// was told.
async fn told_once(stage: &TestStage, inbox: &Inbox, key: &str, words: &[&str], mend: impl AsyncFnOnce()) {
    let told = format!("told {key}");
    inbox.until(&[&told]).await;
    let text = inbox.texts().remove(0);
    let missing: Vec<_> = words.iter().filter(|word| !text.contains(**word)).collect();
    assert!(missing.is_empty(), "{missing:?} are not in {text}");
    let (_, ready) = stage.admin("/ready").await;
    assert!(words.iter().all(|word| ready.contains(word)), "{ready}");
    mend().await;
    inbox.until(&[&told, &format!("resolved {key}")]).await;
    assert!(inbox.texts()[1].contains("It was: "), "{:?}", inbox.texts());
}

/// All calls of a bot are refused for a while.
async fn refused(code: u16, description: &str, key: &str, words: &[&str]) {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, "").await;
    let body = json!({ "ok": false, "error_code": code, "description": description }).to_string();
    stage.telegram.fault(Target::bot(SALES.token), Fault::Status { code, body }, u32::MAX);
    told_once(&stage, &inbox, key, words, async || stage.telegram.heal()).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_revoked() {
    refused(401, "Unauthorized", "bot_revoked:sales", &["bot sales", "@BotFather"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_webhook() {
    let description = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the \
                       webhook first";
    refused(409, description, "bot_webhook:sales", &["bot sales", "deleteWebhook"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_poller() {
    let description =
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    refused(409, description, "bot_polled_elsewhere:sales", &["bot sales", "stop it"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegram_that_is_away() {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, "").await;
    stage.begin(SALES, ANNA).await;
    stage.telegram.down(true).unwrap();
    // What waits meanwhile is not told besides.
    stage.kommo.reply(&format!("tg:sales:{ANNA}"), "Maria", "waits").await;
    let words = ["bot sales: ", "bot support: ", "connection refused"];
    told_once(&stage, &inbox, "telegram", &words, async || stage.telegram.down(false).unwrap()).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kommo_that_is_away() {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, "").await;
    stage.begin(SALES, ANNA).await;
    stage.kommo.down(true).unwrap();
    told_once(&stage, &inbox, "kommo", &["connection refused"], async || stage.kommo.down(false).unwrap()).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_was_disconnected() {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, "").await;
    stage.begin(SALES, ANNA).await;
    stage.kommo.set_connected(false);
    told_once(&stage, &inbox, "channel", &["`telekommo connect`"], async || stage.kommo.set_connected(true)).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong() {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, "").await;
    stage.begin(SALES, ANNA).await;
    clock::set_off_by(-DAY_MS);
    stage.telegram.write(SALES.token, ANNA, "hello");
    told_once(&stage, &inbox, "clock", &["behind Kommo's", "time server"], async || clock::set_off_by(0)).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_parked() {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, "").await;
    stage.begin(SALES, ANNA).await;
    let body = r#"{"error_code":400,"error_description":"my own words"}"#.to_owned();
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 400, body }, 1);
    stage.telegram.write(SALES.token, ANNA, "my own words");
    told_once(&stage, &inbox, "parked", &["1 message", "`telekommo parked list`"], async || {
        let id = stage.store().parked(1).unwrap()[0].id.0;
        let answer = stage.commands().post(format!("http://localhost/parked/drop?ids={id}")).send().await;
        assert_eq!(answer.unwrap().text().await.unwrap(), r#"{"done":1,"left":[]}"#);
    })
    .await;
    assert!(inbox.texts().iter().all(|text| !text.contains("my own words") && !text.contains("Anna")));
    stage.finish().await;
}

/// Their managers read that they failed, so none of them needs a person; but something is wrong with all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_messages_that_fail() {
    let inbox = Inbox::open().await;
    let mut stage = telling(&inbox, "alerts.failed_percent = 50\n").await;
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: message is too strange"}"#.to_owned();
    let sending = Target { token: Some(SALES.token.to_owned()), method: Some("sendMessage".to_owned()) };
    stage.telegram.fault(sending, Fault::Status { code: 400, body }, 6);
    for _ in 0..6 {
        let id = stage.reply(SALES, ANNA, "not taken").await;
        stage.outcome(&id).await;
    }
    told_once(&stage, &inbox, "failures", &["6 of 7 messages failed"], async || {
        for _ in 0..6 {
            let id = stage.reply(SALES, ANNA, "taken").await;
            stage.outcome(&id).await;
        }
    })
    .await;
    stage.finish().await;
}

/// Others are served meanwhile, so the way to Kommo is not to blame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_whose_head_is_stuck() {
    let inbox = Inbox::open().await;
    let more = "alerts.backlog_after = \"300ms\"\nretry.kommo = [\"1500ms\"]\n";
    let stage = telling(&inbox, more).await;
    stage.begin(SALES, ANNA).await;
    stage.kommo.fault_of("stuck", Fault::Status { code: 403, body: "<html>blocked</html>".to_owned() });
    stage.telegram.write(SALES.token, ANNA, "stuck");
    stage.telegram.write(SUPPORT.token, BEN, "passes");
    stage.until("the other one passes", |stage| in_kommo(stage, SUPPORT, BEN) == ["passes"]).await;
    told_once(&stage, &inbox, "backlog", &["inbound", "the oldest for"], async || stage.kommo.heal()).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_that_fails() {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, "store.dump_every = \"100ms\"\n").await;
    let dumps = stage.dir().join("data/dumps");
    eventually("there is a file in the place of the folder", async || {
        drop(fs::remove_dir_all(&dumps));
        fs::write(&dumps, "").is_ok()
    })
    .await;
    told_once(&stage, &inbox, "dump", &["the store could not be dumped"], async || fs::remove_file(&dumps).unwrap())
        .await;
    stage.finish().await;
}

const ACCOUNT: &str = "kommo.account_url = \"{account_url}\"\nkommo.access_token = \"{access_token}\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_gone() {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, ACCOUNT).await;
    eventually("the sources are in step", async || stage.kommo.sources().len() == LINES.len()).await;
    let pipeline = stage.kommo.sources().into_iter().find(|source| source.external_id == "sales").unwrap().pipeline_id;
    stage.kommo.remove_source("sales");
    told_once(&stage, &inbox, "sources", &["sales", "`telekommo sources sync`"], async || {
        stage.kommo.add_source("sales", SALES.name, pipeline);
    })
    .await;
    assert_eq!(pipeline, MAIN_PIPELINE);
    stage.finish().await;
}

/// What only another configuration mends: the next start tells that it is over.
async fn until_a_restart(broken: &str, mended: &str, key: &str, words: &[&str]) {
    let inbox = Inbox::open().await;
    let mut stage = telling(&inbox, &format!("{SLOWER}{broken}")).await;
    let told = format!("told {key}");
    inbox.until(&[&told]).await;
    assert!(words.iter().all(|word| inbox.texts()[0].contains(word)), "{:?}", inbox.texts());
    stage.stop_bridge().await;
    let brisk = crate::support::BRISK.lines().filter(|line| !line.starts_with("kommo.connect_on_start"));
    stage.configure(&format!(
        "{}\n{}",
        brisk.collect::<Vec<_>>().join("\n"),
        settings(&inbox, &format!("{SLOWER}{mended}"))
    ));
    stage.start_bridge().await.unwrap();
    inbox.until(&[&told, &format!("resolved {key}")]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_nearly_full() {
    until_a_restart("alerts.disk_mb = 4294967295\n", "", "disk", &["store.reserve_mb", "free some space"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_the_account_that_ends_soon() {
    let soon = format!("{ACCOUNT}alerts.expires_within = \"36500d\"\n");
    until_a_restart(&soon, ACCOUNT, "token", &["kommo.access_token", "Keys and scopes"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_address_that_leads_elsewhere() {
    let other = Inbox::open().await;
    let elsewhere = format!("server.public_url = \"http://{}\"\n", other.address);
    until_a_restart(&elsewhere, "", "public_address", &["does not lead to telekommo", "server.public_url"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_that_nobody_hears() {
    let (inbox, beats) = (Inbox::open().await, Inbox::open().await);
    let url = format!("http://{}/ping/hushpassword", beats.address);
    let stage = telling(&inbox, &format!("alerts.heartbeat_url = {url:?}\nalerts.heartbeat_every = \"50ms\"\n")).await;
    eventually("it beats", async || beats.calls().len() > 3).await;
    let beat = beats.calls().remove(0);
    assert_eq!((beat.method.as_str(), beat.path.as_str()), ("GET", "/ping/hushpassword"));
    beats.answer(404);
    told_once(&stage, &inbox, "heartbeat", &["404"], async || beats.answer(200)).await;
    stage.finish().await;
}

/// The clock of a machine that boots without a battery shows the past; what was told by then is told once all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_by_a_wrong_clock_is_over_once() {
    let inbox = Inbox::open().await;
    let stage = telling(&inbox, "").await;
    stage.begin(SALES, ANNA).await;
    clock::set_off_by(30 * DAY_MS);
    let before = clock::now();
    stage.telegram.write(SALES.token, ANNA, "hello");
    told_once(&stage, &inbox, "clock", &["ahead of Kommo's"], async || clock::set_off_by(0)).await;
    assert!(clock::now() < before && before > UnixMillis(0));
    stage.finish().await;
}
