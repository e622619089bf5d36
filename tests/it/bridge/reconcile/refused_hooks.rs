//! Something in front of the bridge that refuses Kommo's hooks.

use super::{SALES, lose_all, stop};
use crate::support::{TestStage, eventually, in_telegram};
use telekommo::sandbox::harness::{ANNA, unused_address};

/// A comparison follows the other so soon that a test need not wait for an hour.
const OFTEN: &str = "reconcile.every = \"1s\"\n";

async fn stage() -> TestStage {
    let mut stage = TestStage::with(OFTEN).await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage
}

async fn said(stage: &TestStage) -> String {
    let (_, ready) = stage.admin("/ready").await;
    ready.lines().filter(|line| line.starts_with("hooks: ")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_that_are_refused_in_front_are_told_until_they_come_again() {
    let stage = stage().await;
    let address = stage.bridge().unwrap().public_addr();
    let nowhere = unused_address();
    // What is written now is younger than the start.
    tokio::time::timeout(crate::support::WITHIN, async {
        for n in 0.. {
            stage.hooks_go_to(nowhere);
            lose_all(&stage, SALES, ANNA, &[&format!("answer {n}")]).await;
            eventually("it is found", async || in_telegram(&stage, SALES, ANNA).len() > n).await;
            if !said(&stage).await.is_empty() {
                break;
            }
        }
    })
    .await
    .unwrap();
    let line = said(&stage).await;
    for words in
        ["answers since 20", "UTC were found in Kommo's history instead of coming by their hooks", "POST requests"]
    {
        assert!(line.contains(words), "{line}");
    }
    stage.until_counted("telekommo_found_answers_total").await;

    stage.hooks_go_to(address);
    let id = stage.reply(SALES, ANNA, "by its hook").await;
    stage.outcome(&id).await;
    assert_eq!(said(&stage).await, "");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_while_the_bridge_was_down_is_no_sign() {
    let mut stage = stage().await;
    stop(&mut stage).await;
    lose_all(&stage, SALES, ANNA, &["one", "two", "three"]).await;
    let before = telekommo::clock::now();
    stage.start_bridge().await.unwrap();
    eventually("all are found", async || in_telegram(&stage, SALES, ANNA).len() == 3).await;
    super::compared(&stage, before).await;
    assert_eq!(said(&stage).await, "");
    let (_, metrics) = stage.admin("/metrics").await;
    assert!(metrics.contains("telekommo_found_answers_total 0"), "{metrics}");
    stage.finish().await;
}
