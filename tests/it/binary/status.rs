//! `telekommo status`: how the running bridge is doing.

use serde_json::{Value, json};
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, Harness, LINES, Line},
};

use super::process::{finished, telekommo, text};
use crate::support::{BRISK, TestStage, eventually};

const SALES: Line = LINES[0];

/// How the command ended, what it printed, and what it complained of.
async fn command(stage: &Harness, words: &[&str]) -> (Option<i32>, String, String) {
    let config = stage.write_config().unwrap();
    let words = [&["status"], words, &["--config", config.to_str().unwrap()]].concat();
    let output = finished(telekommo(&words)).await;
    (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

async fn status(stage: &Harness) -> Value {
    let (code, printed, complaint) = command(stage, &["--json"]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{printed}");
    serde_json::from_str(&printed).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_at_work_shows_its_messages_and_both_sides() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let id = stage.reply(SALES, ANNA, "an answer").await;
    stage.outcome(&id).await;
    stage.until_settled().await;
    let said = status(&stage).await;
    assert_eq!((&said["version"], &said["ready"]), (&json!(env!("CARGO_PKG_VERSION")), &json!(true)), "{said:#}");
    for (direction, received) in [("inbound", 1), ("outbound", 1)] {
        let flow = &said["day"][direction];
        assert_eq!((&flow["received"], &flow["delivered"], &flow["failed"]), (&json!(received), &json!(1), &json!(0)));
        assert!(flow["p50_ms"].as_u64().unwrap() > 0 && flow["p99_ms"].as_u64() < Some(60_000), "{flow}");
    }
    let hours = said["hours"].as_array().unwrap();
    let counted: u64 = hours.iter().map(|hour| hour["inbound"]["received"].as_u64().unwrap()).sum();
    assert_eq!((hours.len(), counted), (24, 1));
    let bots: Vec<_> = said["bots"].as_array().unwrap().iter().map(|bot| (&bot["source"], &bot["state"])).collect();
    assert!(bots.contains(&(&json!("sales"), &json!("working"))), "{bots:?}");
    assert_eq!(said["kommo"]["state"], "working");
    let at = |name: &str| said[name].as_i64().unwrap();
    assert!(at("started_at") <= at("at") && said["kommo"]["since"].as_i64().unwrap() <= at("at"));
    assert!(said["disk"]["free_bytes"].as_u64().unwrap() > 0);
    assert_eq!(said["failures"], json!([]));

    let (code, printed, complaint) = command(&stage, &[]).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    for part in [" is ready. It has run for ", "Bot sales       is polled, since ", "Kommo           answers, since "] {
        assert!(printed.contains(part), "{part} is missing in\n{printed}");
    }
    for private in ["an answer", "Anna", SALES.token] {
        assert!(!printed.contains(private) && !said.to_string().contains(private), "{private}");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_and_what_has_failed_is_told_until_it_is_mended() {
    let mut stage = TestStage::with("retry.kommo = [\"1h\"]").await;
    stage.allow_failures();
    stage.allow_leftovers();
    for customer in [ANNA, BEN] {
        stage.begin(SALES, customer).await;
    }
    stage.until_settled().await;
    stage.kommo.fault_of("stuck", Fault::Status { code: 500, body: "no".to_owned() });
    stage.telegram.write(SALES.token, ANNA, "this one is stuck");
    eventually("it has failed", async || status(&stage).await["failures"].as_array().unwrap().len() == 1).await;
    let said = status(&stage).await;
    let failed = &said["failures"][0];
    assert_eq!(
        (&failed["route"], &failed["thread"], &failed["fate"], &failed["attempts"]),
        (&json!("inbound"), &json!("tg:sales:777000111"), &json!("retried"), &json!(1)),
    );
    assert!(failed["why"].as_str().unwrap().contains("500"), "{failed}");
    let queues = said["queues"].as_array().unwrap();
    let inbound = queues.iter().find(|queue| queue["route"] == "inbound").unwrap();
    assert_eq!(inbound["waiting"], 1);
    // Others that ask are not told whose message it is.
    let (code, told) = stage.admin("/status").await;
    assert!(code == 200 && told.contains("500") && !told.contains("777000111"), "{told}");
    let url = format!("http://{}/status", stage.bridge().unwrap().admin_addr());
    let told = reqwest::Client::new().get(url).header("x-telekommo", "1").send().await.unwrap().text().await.unwrap();
    assert!(told.contains("500") && !told.contains("777000111"), "a header that anybody can send: {told}");

    stage.kommo.set_connected(false);
    stage.telegram.write(SALES.token, BEN, "nobody hears this");
    let kommo = async || status(&stage).await["kommo"]["state"].clone();
    eventually("Kommo takes nothing", async || kommo().await == "stopped").await;
    let (_, printed, _) = command(&stage, &[]).await;
    assert!(printed.contains(" is NOT ready.") && printed.contains("  !! inbound has paused: "), "{printed}");
    stage.kommo.set_connected(true);
    eventually("Kommo answers", async || kommo().await == "working").await;
    let said = status(&stage).await;
    assert!(said["kommo"]["since"].as_i64() > said["started_at"].as_i64(), "it counts from when it answers again");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_bridge_it_says_so_and_exits_with_1() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    for words in [&[][..], &["--json"]] {
        let (code, printed, complaint) = command(&stage, words).await;
        assert_eq!((code, printed.as_str()), (Some(1), ""));
        assert!(complaint.starts_with("telekommo: no bridge runs with this configuration"), "{complaint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_the_page_is_printed_and_opens_it_once() {
    let stage = TestStage::start().await;
    let (code, printed, complaint) = command(&stage, &["--open"]).await;
    assert_eq!(code, Some(0), "{complaint}");
    let (url, ticket) = printed.trim_end().split_once("#ticket=").unwrap();
    assert_eq!(url, format!("http://{}/", stage.bridge().unwrap().admin_addr()));
    assert!(complaint.contains("within 10 minutes. It is good once."), "{complaint}");
    let enter = || reqwest::Client::new().post(format!("{url}session")).bearer_auth(ticket).send();
    assert_eq!([enter().await.unwrap().status(), enter().await.unwrap().status()], [200, 401]);
    let (code, _, _) = command(&stage, &["--open", "--json"]).await;
    assert_eq!(code, Some(2));
    stage.finish().await;
}
