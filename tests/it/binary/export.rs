//! Exporting conversations from a Kommo that is busy, fails, or repeats itself.

use std::time::Duration;

use serde_json::{Value, json};
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, LINES, Line},
    kommo::Endpoint,
};
use tokio::time::Instant;

use super::process::{finished, text, with_config};
use crate::support::{TestStage, conversation, in_kommo};

const SALES: Line = LINES[0];

/// A stage with a conversation of so many messages.
async fn with_messages(count: usize) -> TestStage {
    let stage = TestStage::start().await;
    for number in 0..count {
        stage.telegram.write(SALES.token, ANNA, &format!("message {number}"));
    }
    stage.until("all is in Kommo", |stage| in_kommo(stage, SALES, ANNA).len() == count).await;
    stage.until_settled().await;
    stage
}

/// Exports all, with these settings in the environment.
async fn export(stage: &TestStage, set: &[(&str, &str)]) -> (Option<i32>, Vec<Value>, String) {
    let mut command = with_config("export", &stage.write_config_for_commands().unwrap());
    command.envs(set.iter().copied());
    let output = finished(command).await;
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), lines, text(&output.stderr).to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kommo_is_asked_again_where_that_may_help_and_only_there() {
    let mut stage = with_messages(60).await;
    stage.allow_failures();
    stage.kommo.fault(Endpoint::History, Fault::RetryAfter(1), 1);
    stage.kommo.fault(Endpoint::History, Fault::Status { code: 502, body: String::new() }, 2);
    stage.kommo.fault(Endpoint::History, Fault::DropBefore, 1);
    let (code, lines, complaint) = export(&stage, &[]).await;
    assert_eq!((code, lines.len()), (Some(0), 60), "{complaint}");
    assert!(stage.kommo.faults_are_over());

    let refusal = json!({ "error_code": 403, "error_type": "FORBIDDEN", "error_description": "no" });
    stage.kommo.fault(Endpoint::History, Fault::Status { code: 403, body: refusal.to_string() }, 1);
    let (code, lines, complaint) = export(&stage, &[]).await;
    assert_eq!((code, lines.len()), (Some(1), 0), "{complaint}");
    assert!(complaint.contains("1 conversation not exported") && complaint.contains("403"), "{complaint}");

    stage.kommo.fault(Endpoint::History, Fault::Status { code: 503, body: String::new() }, 1000);
    let before = stage.kommo.requests().len();
    let (code, _, complaint) = export(&stage, &[]).await;
    assert!(code == Some(1) && complaint.contains("503"), "{complaint}");
    assert_eq!(stage.kommo.requests().len() - before, 6, "not for ever");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kommo_that_repeats_a_page_is_not_read_for_ever() {
    let mut stage = with_messages(1).await;
    stage.allow_failures();
    let message =
        |number: i64| json!({ "timestamp": number, "message": { "id": format!("m{number}"), "type": "text" } });
    let page = json!({ "messages": (0..50).map(message).collect::<Vec<_>>() });
    stage.kommo.fault(Endpoint::History, Fault::Status { code: 200, body: page.to_string() }, 1000);
    let (code, lines, complaint) = export(&stage, &[]).await;
    assert_eq!((code, lines.len()), (Some(1), 0), "{complaint}");
    let name = conversation(SALES, ANNA);
    assert!(complaint.contains(&name) && complaint.contains("Kommo repeats its page 4"), "{complaint}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_have_most_of_the_rate() {
    let stage = with_messages(120).await;
    let began = Instant::now();
    let (code, lines, complaint) = export(&stage, &[("TELEKOMMO_KOMMO__REQUESTS_PER_SECOND", "4")]).await;
    assert_eq!((code, lines.len()), (Some(0), 120), "{complaint}");
    assert!(began.elapsed() >= Duration::from_secs(2), "three pages, one a second: {:?}", began.elapsed());
    stage.finish().await;
}
