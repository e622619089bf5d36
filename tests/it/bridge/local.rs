//! An own Bot API server on the same machine: large files, read from its disk.

use std::{path::Path, time::Duration};

use axum::body::Bytes;
use reqwest::{Client, Method, Response, StatusCode, header};
use serde_json::Value;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Attachment, AttachmentKind, Draft, Media, Status},
    telegram::{FileKind, Hosting, NewFile, Target},
};
use tempfile::TempDir;

use crate::{
    binary::process::{finished, with_config},
    support::{TestStage, conversation},
};

const SALES: Line = LINES[0];
/// More than Telegram's own server gives.
const LENGTH: usize = 25 << 20;

fn settings(directory: &Path) -> String {
    format!("telegram.local = true\ntelegram.local_dir = \"{}\"\n", directory.display())
}

/// A server that keeps its files in a folder of its own, and a bridge that looks for them in `directory` of it.
async fn stage(directory: &str) -> (TestStage, TempDir) {
    with(directory, "").await
}

async fn with(directory: &str, more: &str) -> (TestStage, TempDir) {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("server")).unwrap();
    std::fs::create_dir_all(home.path().join("elsewhere")).unwrap();
    let stage = TestStage::with(&(settings(&home.path().join(directory)) + more)).await;
    stage.telegram.host(Hosting::Local(home.path().join("server")));
    (stage, home)
}

fn noise(length: usize) -> Bytes {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

/// A file that is larger than Telegram's own server takes. No two parts of it are the same.
fn large() -> Bytes {
    let block = noise(1 << 20);
    let blocks = (0..=50_u8).flat_map(|n| [Bytes::copy_from_slice(&[n]), block.slice(1..)]);
    blocks.collect::<Vec<_>>().concat().into()
}

/// A manager sends a file. Gives what Kommo is told of it.
async fn answered(stage: &TestStage, bytes: Bytes) -> Status {
    let draft = Draft::file(Attachment::new(AttachmentKind::File, "film.zip", bytes));
    let (id, hook) = stage.kommo.say(&conversation(SALES, ANNA), "Maria", draft).await;
    assert_eq!(hook.status, Some(200));
    stage.outcome(&id).await
}

fn media(stage: &Harness) -> Option<Media> {
    stage.kommo.chat(&conversation(SALES, ANNA))?.messages.pop()?.media
}

/// Anna sends a file, and Kommo tries to fetch it.
async fn sent(stage: &TestStage, bytes: Bytes) -> Media {
    let name = Some("film.zip".to_owned());
    stage.telegram.send_file(SALES.token, ANNA, &NewFile { kind: FileKind::Document, bytes, name, caption: None });
    stage.until("Kommo has fetched it", |stage| media(stage).is_some_and(|media| media.fetched.is_some())).await;
    media(stage).unwrap()
}

async fn asked(method: Method, url: &str, range: &str) -> Response {
    Client::new().request(method, url).header(header::RANGE, range).send().await.unwrap()
}

fn told<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_read_from_the_disk() {
    let (stage, _home) = stage("server").await;
    let bytes = noise(LENGTH);
    let media = sent(&stage, bytes.clone()).await;
    let fetched = media.fetched.unwrap();
    assert_eq!((fetched.status, fetched.content_type.as_str()), (Some(200), "application/pdf"));
    assert!(fetched.bytes == bytes, "other bytes arrived");

    let part = asked(Method::GET, &media.url, "bytes=21000000-21000099").await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(told(&part, "content-range"), format!("bytes 21000000-21000099/{LENGTH}"));
    assert_eq!((told(&part, "content-length"), told(&part, "x-content-type-options")), ("100", "nosniff"));
    assert!(part.bytes().await.unwrap() == bytes.slice(21_000_000..21_000_100));
    let beyond = asked(Method::GET, &media.url, &format!("bytes={LENGTH}-")).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let head = asked(Method::HEAD, &media.url, "").await;
    assert_eq!((head.status(), told(&head, "content-length")), (StatusCode::OK, LENGTH.to_string().as_str()));

    let searches = stage.telegram.requests().into_iter().filter(|it| it.method == "getfile").count();
    assert_eq!(searches, 1, "where the file is was known after the first answer");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_has_left_the_disk_is_asked_for_again() {
    let (mut stage, home) = stage("server").await;
    stage.allow_failures();
    let bytes = noise(3000);
    let media = sent(&stage, bytes.clone()).await;
    std::fs::remove_dir_all(home.path().join("server").join(SALES.token)).unwrap();
    assert!(asked(Method::GET, &media.url, "").await.bytes().await.unwrap() == bytes);

    std::fs::remove_dir_all(home.path().join("server").join(SALES.token)).unwrap();
    let file_id = stage.telegram.messages(SALES.token, ANNA)[0].file.clone().unwrap().file_id;
    stage.telegram.forget_file(&file_id);
    assert_eq!(asked(Method::GET, &media.url, "").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_outside_of_the_directory_is_read() {
    let (stage, _home) = stage("elsewhere").await;
    let fetched = sent(&stage, noise(3000)).await.fetched.unwrap();
    assert_eq!(fetched.status, Some(502));
    let body = String::from_utf8_lossy(&fetched.bytes).into_owned();
    assert_eq!(body, "this file cannot be given now\n");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_cannot_be_read_is_said_at_the_start_and_by_the_check() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("nothing");
    let error = format!("{:#}", Harness::start(&settings(&missing)).await.unwrap_err());
    for words in ["cannot read", "nothing", "`telegram.local_dir`", "telekommo's user"] {
        assert!(error.contains(words), "{error}");
    }

    let error = format!("{:#}", Harness::start("telegram.local = true\n").await.unwrap_err());
    assert!(error.contains("local_dir"), "{error}");

    let wrong = async |directory: &Path, is_up: bool| {
        let stage =
            Harness::without_bridge(&format!("{}telegram.poll_timeout = \"1s\"\n", settings(directory))).unwrap();
        stage.telegram.down(!is_up).unwrap();
        let mut command = with_config("check", &stage.write_config().unwrap());
        command.arg("--json");
        let printed: Value = serde_json::from_slice(&finished(command).await.stdout).unwrap();
        let checks = printed["checks"].as_array().unwrap().clone();
        let wrong = checks.into_iter().filter(|it| it["state"] == "wrong");
        wrong.map(|it| it["check"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(wrong(home.path(), true).await, [""; 0]);
    assert_eq!(wrong(&missing, false).await, ["bot", "bot", "files"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_more_than_fifty_megabytes_passes_an_own_server_alone() {
    let (mut stage, _home) = stage("server").await;
    stage.begin(SALES, ANNA).await;
    let bytes = large();
    assert_eq!(answered(&stage, bytes.clone()).await, Status::Delivered);
    stage.assert_holds(&stage.sent()[0], &bytes);

    // What the configuration calls an own server is Telegram's, or has one before it that takes less.
    stage.allow_failures();
    stage.allow_leftovers();
    stage.telegram.host(Hosting::Cloud);
    let outcome = answered(&stage, bytes).await;
    let words = "the server on the way to Telegram accepts no file of 51 MB (HTTP 413)";
    assert!(matches!(&outcome, Status::Failed { text, .. } if text.contains(words)), "{outcome:?}");
    assert_eq!(stage.sent().len(), 1);
    stage.parked(1).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_server_may_take_its_time_to_bring_a_file_to_telegram() {
    let (stage, _home) = with("server", "telegram.send_timeout = \"1s\"\n").await;
    stage.begin(SALES, ANNA).await;
    let bytes = noise(3000);
    stage.telegram.fault(Target::method("sendDocument"), Fault::Hang(Duration::from_millis(2500)), 1);
    assert_eq!(answered(&stage, bytes.clone()).await, Status::Delivered);
    assert_eq!(stage.sent().len(), 1);
    stage.assert_holds(&stage.sent()[0], &bytes);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegrams_own_server_may_not() {
    let mut stage = TestStage::with("telegram.send_timeout = \"1s\"\n").await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    stage.telegram.fault(Target::method("sendDocument"), Fault::Hang(Duration::from_millis(2500)), 1);
    let outcome = answered(&stage, noise(3000)).await;
    let words = "May not have been delivered";
    assert!(matches!(&outcome, Status::Failed { text, .. } if text.contains(words)), "{outcome:?}");
    stage.parked(1).await;
    stage.finish().await;
}
