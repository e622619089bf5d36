//! `telekommo queue`: what waits and what is parked.

use serde_json::Value;
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
};

use super::process::{finished, telekommo, text};
use crate::support::{TestStage, eventually, in_kommo};

const SALES: Line = LINES[0];

/// How a command ended, what it printed, and what it complained of.
async fn command(stage: &TestStage, words: &[&str]) -> (Option<i32>, String, String) {
    let config = stage.write_config().unwrap();
    let words = [&["queue"], words, &["--config", config.to_str().unwrap()]].concat();
    let output = finished(telekommo(&words)).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

async fn done(stage: &TestStage, words: &[&str]) -> String {
    let (code, printed, complaint) = command(stage, words).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{words:?}: {printed}");
    printed
}

async fn rows(stage: &TestStage, words: &[&str]) -> Vec<Value> {
    serde_json::from_str(&done(stage, &[words, &["--json"]].concat()).await).unwrap()
}

/// A bridge on which a message of each customer is stuck, with two more behind Anna's.
async fn with_stuck_messages() -> TestStage {
    let mut stage = TestStage::with("retry.kommo = [\"1h\"]").await;
    stage.allow_failures();
    for customer in [ANNA, BEN] {
        stage.begin(SALES, customer).await;
    }
    stage.until_settled().await;
    stage.kommo.fault_of("stuck", Fault::Status { code: 500, body: "no".to_owned() });
    for (customer, words) in
        [(ANNA, "the first one is stuck"), (BEN, "Ben is stuck"), (ANNA, "the second"), (ANNA, "the third")]
    {
        stage.telegram.write(SALES.token, customer, words);
    }
    eventually("both have failed, and two wait behind", async || {
        let rows = rows(&stage, &["list", "--waiting"]).await;
        rows.len() == 2
            && rows.iter().all(|row| row["state"] == "retrying")
            && rows.iter().any(|row| row["behind"] == 2)
    })
    .await;
    stage
}

/// The number of the first message of a customer.
async fn number(stage: &TestStage, customer: i64) -> String {
    let conversation = format!("tg:sales:{customer}");
    let rows = rows(stage, &["list", "--conversation", &conversation]).await;
    rows[0]["id"].to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_message_is_shown_set_aside_and_sent_after_all() {
    let stage = with_stuck_messages().await;
    let printed = done(&stage, &["list"]).await;
    for part in [
        "inbound  tg:sales:777000111  Anna Petrova\n        From the customer, for Kommo: the first one is stuck\n",
        "        is tried again in ",
        "; failed once: ",
        "        2 more wait behind it\n",
        "\n4 messages wait: 2 next in their conversations, 2 behind them.\n",
        "Nothing is parked.\n",
    ] {
        assert!(printed.contains(part), "{part} is missing in\n{printed}");
    }
    let anna = number(&stage, ANNA).await;
    let shown = done(&stage, &["show", &anna]).await;
    for part in
        [&format!("Message         {anna}\n"), "Reason          ", "500", "the first one is stuck", "Next            `"]
    {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let all = done(&stage, &["show", "tg:sales:777000111"]).await;
    assert!(all.contains("the third") && all.contains("waits behind those before it"), "{all}");

    assert_eq!(done(&stage, &["park", &anna]).await, "1 message was parked.\n");
    stage.until("what was behind is sent", |stage| in_kommo(stage, SALES, ANNA).len() == 3).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA)[1..], ["the second", "the third"]);
    let parked = rows(&stage, &["list", "--parked"]).await;
    let kept = (&parked[0]["state"], &parked[0]["reason"], &parked[0]["text"]);
    let told = ["parked", "the operator has parked it", "the first one is stuck"].map(Value::from);
    assert_eq!(kept, (&told[0], &told[1], &told[2]));

    stage.kommo.heal();
    assert_eq!(done(&stage, &["retry", "--all"]).await, "2 messages are tried again.\n");
    stage.until_settled().await;
    assert_eq!(in_kommo(&stage, SALES, ANNA)[3], "the first one is stuck");
    assert_eq!(in_kommo(&stage, SALES, BEN)[1], "Ben is stuck");
    assert_eq!(done(&stage, &["list"]).await, "Nothing waits.\n\nNothing is parked.\n");
    assert_eq!(rows(&stage, &["list"]).await, [Value::Null; 0]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_conversations_are_set_aside_and_dropped_while_no_bridge_runs() {
    let mut stage = with_stuck_messages().await;
    let (anna, ben) = (number(&stage, ANNA).await, number(&stage, BEN).await);
    let (code, printed, complaint) = command(&stage, &["drop", &ben]).await;
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(complaint.contains(&format!("`telekommo queue park {ben}` comes first")), "{complaint}");
    let behind = rows(&stage, &["show", "tg:sales:777000111"]).await[1]["id"].to_string();
    let (code, _, complaint) = command(&stage, &["park", &behind]).await;
    assert!(code == Some(1) && complaint.contains(&format!("it waits behind {anna}")), "{complaint}");

    stage.stop_bridge().await;
    let stopped = async |words: &[&str]| {
        let (code, printed, complaint) = command(&stage, words).await;
        assert_eq!(
            (code, complaint.as_str()),
            (Some(0), "No bridge runs. This is what its store says.\n"),
            "{words:?}"
        );
        printed
    };
    assert!(stopped(&["list", "--source", "support"]).await.starts_with("Nothing waits."));
    assert!(stopped(&["list", "--reason", "500"]).await.contains("4 messages wait: 2 next"));
    assert!(stopped(&["list", "--older-than", "1h"]).await.starts_with("Nothing waits."));
    let of_anna = ["park", "--all", "--conversation", "tg:sales:777000111"];
    assert_eq!(stopped(&of_anna).await, "3 messages were parked.\n");
    assert_eq!(stopped(&["park", "--all", "--route", "inbound"]).await, "1 message was parked.\n");
    assert_eq!(stopped(&["drop", "--all", "--source", "sales"]).await, "4 messages were deleted.\n");
    stage.start_bridge().await.unwrap();
    assert_eq!(done(&stage, &["list"]).await, "Nothing waits.\n\nNothing is parked.\n");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_named_below_what_waits_for_its_end() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.kommo.down(true).unwrap();
    stage.telegram.write(SALES.token, ANNA, "hello?");
    let said = async || done(&stage, &["list", "--waiting"]).await;
    eventually("the outage is named", async || said().await.contains("\n1 message waits.\nIn the way      ")).await;
    let said = said().await;
    assert!(said.contains("hello?") && said.contains("Kommo"), "{said}");
    stage.kommo.down(false).unwrap();
    stage.until_settled().await;
    stage.finish().await;
}

#[tokio::test]
async fn what_names_no_message_is_refused() {
    let stage = TestStage::start().await;
    for words in [&["retry"][..], &["park", "--all", "7"], &["drop", "seven"], &["list", "--waiting", "--parked"]] {
        assert_eq!(command(&stage, words).await.0, Some(2), "{words:?}");
    }
    for (words, says) in [
        (&["show", "4711"][..], "no message has this number"),
        (&["show", "sales"], "neither the number of a message nor a conversation"),
        (&["park", "4711"], "4711: no message has this number"),
        (&["retry", "4711"], "4711: no message has this number"),
        (&["drop", "4711"], "4711: no parked message has this number"),
    ] {
        let (code, printed, complaint) = command(&stage, words).await;
        assert_eq!((code, printed.as_str()), (Some(1), ""), "{words:?}: {complaint}");
        assert!(complaint.contains(says), "{words:?}: {complaint}");
    }
    assert_eq!(done(&stage, &["show", "tg:sales:7"]).await, "No message of tg:sales:7 waits or is parked.\n");
    stage.finish().await;
}
