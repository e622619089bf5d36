//! Addresses below a path, as web servers pass them on.

use axum::body::Bytes;
use reqwest::Client;
use rustix::process::Signal;
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Media, Status},
    telegram::{FileKind, NewFile},
};

use super::process::{Process, finished, run, text, with_config};
use crate::support::{BRISK, WITHIN, conversation, in_kommo, statuses};

const SALES: Line = LINES[0];
/// Nobody listens there; the tests ask the bridge itself.
const PUBLIC: &str = "http://127.0.0.1:1/tg/bridge";

async fn started(stage: &Harness) -> Process {
    let mut command = run(stage);
    command.env("TELEKOMMO_SERVER__PUBLIC_URL", PUBLIC);
    let process = Process::start(stage, command).await;
    stage.telegram.write(SALES.token, ANNA, "hello");
    let known = |stage: &Harness| in_kommo(stage, SALES, ANNA) == ["hello"];
    stage.until("the conversation is in Kommo", WITHIN, known).await.unwrap();
    process
}

async fn link(stage: &Harness) -> String {
    let bytes = Bytes::from_static(b"%PDF-1.4 the very bytes");
    stage.telegram.send_file(
        SALES.token,
        ANNA,
        &NewFile { kind: FileKind::Document, bytes, name: Some("a.pdf".to_owned()), caption: None },
    );
    let found = |stage: &Harness| -> Option<Media> {
        let chat = stage.kommo.chat(&conversation(SALES, ANNA))?;
        chat.messages.into_iter().find_map(|message| message.media)
    };
    stage.until("the file is in Kommo", WITHIN, |stage| found(stage).is_some()).await.unwrap();
    let url = found(stage).unwrap().url;
    url.strip_prefix(&format!("{PUBLIC}/")).unwrap_or_else(|| panic!("{url}")).to_owned()
}

#[tokio::test]
async fn the_path_of_the_public_address_may_be_kept_or_taken_away() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = started(&stage).await;
    let (hooks, scope) = (process.ports().await.hooks, stage.kommo.settings().scope_id());
    for front in ["/tg/bridge", "", "//tg/bridge/", "/Tg/Bridge"] {
        stage.kommo.set_hook_url(format!("http://{hooks}{front}/kommo/{scope}"));
        let (id, answer) = stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "hello").await;
        assert_eq!(answer.status, Some(200), "{front}");
        let done = |stage: &Harness| statuses(stage, &id) == [Status::Delivered];
        stage.until("the answer has arrived", WITHIN, done).await.unwrap();
    }
    let link = link(&stage).await;
    for front in ["/tg/bridge/", "/", "/tg/bridge//"] {
        let answer = reqwest::get(format!("http://{hooks}{front}{link}")).await.unwrap();
        assert_eq!((answer.status().as_u16(), front), (200, front));
        assert_eq!(&answer.bytes().await.unwrap()[..], b"%PDF-1.4 the very bytes", "{front}");
    }
    let ended = process.end(Signal::TERM).await;
    assert!(!ended.stderr.contains("another path") && !ended.stderr.contains("another scope"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_path_that_a_web_server_has_changed_is_told_as_such() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = started(&stage).await;
    let (hooks, scope) = (process.ports().await.hooks, stage.kommo.settings().scope_id());
    let link = link(&stage).await;
    let sealed = link.strip_prefix("media/").unwrap();
    let post =
        async |path: &str| Client::new().post(format!("http://{hooks}{path}")).send().await.unwrap().status().as_u16();
    // What strangers try is no news.
    for path in ["/", "/wp-login.php", "/a.b/c.d"] {
        assert_eq!(post(path).await, 404, "{path}");
    }
    assert!(!process.stderr().contains("came "), "{}", process.stderr());
    for path in [format!("/other/kommo/{scope}"), format!("/{scope}"), format!("/kommo/x/{scope}")] {
        assert_eq!(post(&path).await, 404, "{path}");
    }
    for path in [format!("/other/media/{sealed}"), format!("/{sealed}")] {
        assert_eq!(reqwest::get(format!("http://{hooks}{path}")).await.unwrap().status(), 404, "{path}");
    }
    let hook = process.logged("a hook came by another path than /tg/bridge/kommo/…").await;
    assert!(hook.contains("\"/other\"") && hook.contains("server.public_url"), "{hook}");
    let file = process.logged("a request for a file came by another path than /tg/bridge/media/…").await;
    let signed = sealed.split('/').next().unwrap();
    assert!(file.contains("\"/other\"") && !process.stderr().contains(signed), "a link is a key: {file}");
    assert_eq!(post("/kommo/another_scope").await, 404);
    process.logged("a hook came to another scope than ours").await;
    let log = process.end(Signal::TERM).await.stderr;
    assert_eq!(log.matches("another path").count(), 2, "each is said once: {log}");
}

#[tokio::test]
async fn check_says_both_ways() {
    let stage = Harness::without_bridge("").unwrap();
    let mut command = with_config("check", &stage.write_config().unwrap());
    command.arg("--offline").env("TELEKOMMO_SERVER__PUBLIC_URL", PUBLIC);
    let output = finished(command).await;
    assert!(text(&output.stdout).contains("with /tg/bridge in front or without"), "{}", text(&output.stdout));
}
