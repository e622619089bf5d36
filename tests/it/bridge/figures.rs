//! What /metrics says of a bridge at work.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, LINES, Line},
    telegram::Target,
};

use crate::support::{TestStage, eventually};

const SALES: Line = LINES[0];

/// The text that a reader gets who asks like this, and what it is called.
async fn figures(stage: &TestStage, accept: &str) -> (String, String) {
    let address = stage.bridge().unwrap().admin_addr();
    let request = reqwest::Client::new().get(format!("http://{address}/metrics")).header("Accept", accept);
    let response = request.send().await.unwrap();
    let name = response.headers()["content-type"].to_str().unwrap().to_owned();
    (name, response.text().await.unwrap())
}

/// A bridge that has relayed a message both ways, and failed with another.
async fn at_work() -> TestStage {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.allow_leftovers();
    stage.begin(SALES, ANNA).await;
    let id = stage.reply(SALES, ANNA, "an answer").await;
    stage.outcome(&id).await;
    let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: message is too strange"}"#.to_owned();
    let sending = Target { token: Some(SALES.token.to_owned()), method: Some("sendMessage".to_owned()) };
    stage.telegram.fault(sending, Fault::Status { code: 400, body }, 1);
    let id = stage.reply(SALES, ANNA, "not taken").await;
    stage.outcome(&id).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_calls_and_the_disk_are_counted() {
    let stage = at_work().await;
    let (_, text) = figures(&stage, "*/*").await;
    let of = r#"source="sales",direction="#;
    for line in [
        format!(r#"telekommo_messages_total{{{of}"inbound",kind="text",outcome="received"}} 1"#),
        format!(r#"telekommo_messages_total{{{of}"inbound",kind="text",outcome="delivered"}} 1"#),
        format!(r#"telekommo_messages_total{{{of}"outbound",kind="text",outcome="received"}} 2"#),
        format!(r#"telekommo_messages_total{{{of}"outbound",kind="text",outcome="delivered"}} 1"#),
        format!(r#"telekommo_failed_messages_total{{{of}"outbound",outcome="reported"}} 1"#),
        format!(r#"telekommo_failed_messages_total{{{of}"outbound",outcome="parked"}} 0"#),
        format!(r#"telekommo_delivery_seconds_count{{{of}"outbound"}} 1"#),
        r#"telekommo_answer_seconds_count{source="sales"} 1"#.to_owned(),
        r#"telekommo_http_requests_total{remote="telegram",method="sendMessage",status="200"} 1"#.to_owned(),
        r#"telekommo_http_requests_total{remote="telegram",method="sendMessage",status="400"} 1"#.to_owned(),
        r#"telekommo_http_requests_total{remote="kommo",method="message",status="200"} 1"#.to_owned(),
        r#"telekommo_http_requests_total{remote="kommo",method="delivery_status",status="200"} 2"#.to_owned(),
        r#"telekommo_http_request_duration_seconds_count{remote="kommo",method="message"} 1"#.to_owned(),
        r#"telekommo_bot_up{source="sales"} 1"#.to_owned(),
        r#"telekommo_trouble{cause="kommo_unreachable",of=""} 0"#.to_owned(),
        "telekommo_ready 1".to_owned(),
        "telekommo_told_messages 1".to_owned(),
        "telekommo_last_dump_timestamp_seconds 0".to_owned(),
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
    for above in ["telekommo_store_bytes ", "telekommo_disk_free_bytes ", "telekommo_start_timestamp_seconds "] {
        let line = text.lines().find_map(|line| line.strip_prefix(above)).unwrap();
        assert!(line.parse::<u64>().unwrap() > 0, "{above}{line}");
    }
    let polls =
        text.lines().find(|line| line.starts_with(r#"telekommo_polls_total{source="sales",outcome="answered"}"#));
    assert!(!polls.unwrap().ends_with(" 0"));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_a_figure_and_a_dump_has_a_time() {
    let mut stage = TestStage::with("store.dump_every = \"100ms\"").await;
    stage.allow_failures();
    stage.kommo.down(true).unwrap();
    stage.telegram.write(SALES.token, ANNA, "hello");
    let says = async |line: &str| figures(&stage, "*/*").await.1.lines().any(|it| it == line);
    eventually("Kommo is away", async || says(r#"telekommo_trouble{cause="kommo_unreachable",of=""} 1"#).await).await;
    eventually("it is not ready", async || says("telekommo_ready 0").await).await;
    let unanswered = async || {
        let (_, text) = figures(&stage, "*/*").await;
        let none =
            |line: &str| line.starts_with(r#"telekommo_http_requests_total{remote="kommo""#) && line.contains("none");
        text.lines().any(none)
    };
    eventually("a call had no answer", unanswered).await;
    eventually("a dump is there", async || !says("telekommo_last_dump_timestamp_seconds 0").await).await;
    assert!(!says("telekommo_dumps_bytes 0").await);
    stage.kommo.down(false).unwrap();
    stage.until_settled().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_gets_the_form_that_it_asks_for() {
    let stage = at_work().await;
    let (name, text) = figures(&stage, "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3").await;
    assert_eq!(name, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(text.contains("# TYPE telekommo_hooks counter") && text.ends_with("# EOF\n"), "{text}");
    let (name, text) = figures(&stage, "*/*").await;
    assert_eq!(name, "text/plain; version=0.0.4; charset=utf-8");
    assert!(text.contains("# TYPE telekommo_hooks_total counter") && !text.contains("# EOF"), "{text}");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_finds_nothing_to_complain_about() {
    let stage = at_work().await;
    let (_, text) = figures(&stage, "text/plain").await;
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match promtool.spawn() {
        Ok(mut promtool) => {
            promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            let output = promtool.wait_with_output().unwrap();
            let said =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        Err(error) => eprintln!("skipped: promtool cannot be run here ({error}): apt install prometheus"),
    }
    stage.finish().await;
}
