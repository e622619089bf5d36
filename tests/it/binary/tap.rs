//! `telekommo tap`: what is relayed, while it is.

use rustix::process::Signal;
use serde_json::Value;
use telekommo::sandbox::harness::{ANNA, BEN, Harness, LINES, Line};

use super::process::{Process, finished, telekommo, text};
use crate::support::{BRISK, TestStage};

const SALES: Line = LINES[0];

/// The command, once it watches.
async fn watching(stage: &TestStage, words: &[&str]) -> Process {
    let config = stage.write_config().unwrap();
    let process = Process::spawn(telekommo(&[&["tap"], words, &["--config", config.to_str().unwrap()]].concat()));
    process.logged("What is relayed from now on.").await;
    process
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_relayed_is_shown_and_its_words_only_if_they_are_asked_for() {
    let stage = TestStage::start().await;
    let masked = watching(&stage, &[]).await;
    let open = watching(&stage, &["--content", "--conversation", "tg:sales:777000111"]).await;
    for customer in [BEN, ANNA] {
        stage.begin(SALES, customer).await;
    }
    stage.telegram.write(SALES.token, ANNA, "a secret of Anna's");
    let line = masked.printed("[18 characters]").await;
    assert!(line.contains("  inbound  tg:sales:777000111  update") && line.contains("  done after "), "{line}");
    open.printed("a secret of Anna's").await;
    let id = stage.reply(SALES, ANNA, "an answer").await;
    stage.outcome(&id).await;
    let answer = open.printed("an answer").await;
    assert!(answer.contains("  outbound:sales  tg:sales:777000111  "), "{answer}");
    masked.printed("[9 characters]").await;
    for process in [masked, open] {
        let shown = process.stdout();
        assert!(!shown.contains("secret") || !shown.contains("777000222"), "{shown}");
        process.end(Signal::INT).await;
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_get_a_line_of_json_for_each_and_the_end_of_the_bridge_ends_it() {
    let mut stage = TestStage::start().await;
    let config = stage.write_config().unwrap();
    let words = ["tap", "--json", "--source", "sales", "--config", config.to_str().unwrap()];
    let process = Process::spawn(telekommo(&words));
    // It says nothing before something is relayed.
    crate::support::eventually("something is told", async || {
        stage.telegram.write(SALES.token, ANNA, "hello");
        !process.stdout().is_empty()
    })
    .await;
    let first: Value = serde_json::from_str(process.stdout().lines().next().unwrap()).unwrap();
    assert_eq!((&first["route"], &first["conversation"]), (&"inbound".into(), &"tg:sales:777000111".into()), "{first}");
    assert!(first["characters"] == 5 && first["text"].is_null() && first["attempt"] == 1, "{first}");
    stage.until_settled().await;
    stage.stop_bridge().await;
    let ended = process.ended().await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("the bridge has stopped"), "{}", ended.stderr);
    stage.start_bridge().await.unwrap();
    stage.finish().await;
}

#[tokio::test]
async fn without_a_bridge_there_is_nothing_to_watch() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let config = stage.write_config().unwrap();
    let output = finished(telekommo(&["tap", "--config", config.to_str().unwrap()])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("telekommo: no bridge runs with this configuration"));
}
