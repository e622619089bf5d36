//! The first start of another version.

use std::fs;

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, LINES, Line};

use super::process::{Process, finished, run, telekommo, text};
use crate::support::{BRISK, WITHIN, in_kommo};

const SALES: Line = LINES[0];

#[tokio::test]
async fn another_version_dumps_first_and_starts_all_the_same_if_it_cannot() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (data, has) = (stage.dir().join("data"), |texts: &'static [&str]| {
        move |stage: &Harness| in_kommo(stage, SALES, ANNA) == texts
    });
    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(SALES.token, ANNA, "before");
    stage.until("it is in Kommo", WITHIN, has(&["before"])).await.unwrap();
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));

    // As if the version before had been the last, and something lay where dumps go.
    fs::write(data.join("store.version"), "0.0.1").unwrap();
    fs::write(data.join("dumps"), "").unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    let why = process.logged("could not be dumped").await;
    assert!(why.contains("ERROR") && why.contains("dumps cannot be written to"), "{why}");
    let ports = process.ports().await;
    let ready = reqwest::get(format!("http://{}/ready", ports.admin)).await.unwrap().text().await.unwrap();
    assert!(ready.contains("dump: ") && ready.contains("could not be dumped before the upgrade"), "{ready}");
    stage.telegram.write(SALES.token, ANNA, "meanwhile");
    stage.until("it is in Kommo", WITHIN, has(&["before", "meanwhile"])).await.unwrap();
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));

    fs::remove_file(data.join("dumps")).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    let told = process.logged("the store was dumped first").await;
    assert!(told.contains("\"before\":\"0.0.1\""), "{told}");
    let ports = process.ports().await;
    let ready = reqwest::get(format!("http://{}/ready", ports.admin)).await.unwrap().text().await.unwrap();
    assert!(!ready.contains("dump: "), "{ready}");
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
    let dump = data.join("dumps/before-upgrade-00000001.jsonl");
    let restored = finished(telekommo(&["restore", data.to_str().unwrap(), dump.to_str().unwrap()])).await;
    assert_eq!(restored.status.code(), Some(0), "{}", text(&restored.stderr));

    let process = Process::start(&stage, run(&stage)).await;
    stage.telegram.write(SALES.token, ANNA, "after");
    stage.until("it is in Kommo", WITHIN, has(&["before", "meanwhile", "after"])).await.unwrap();
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}
