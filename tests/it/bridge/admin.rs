//! The operator's listener.

use serde_json::Value;
use telekommo::{
    cli::connect,
    config::{Config, Environment},
    sandbox::{
        harness::{ANNA, LINES, Line},
        kommo::Status,
    },
};

use crate::support::{TestStage, conversation, in_telegram, told};

const SALES: Line = LINES[0];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_probes_of_a_bridge_that_is_well() {
    let stage = TestStage::start().await;
    assert_eq!(stage.admin("/live").await, (200, "alive\n".to_owned()));
    stage.until_ready_says(200, &["ready\n"]).await;
    assert_eq!(stage.admin("/elsewhere").await.0, 404);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_a_command_disconnects_is_named() {
    let stage = TestStage::start().await;
    stage.until_ready_says(200, &["ready\n"]).await;
    let file = stage.write_config_for_commands().unwrap();
    let config = Config::load(Some(&file), &Environment::default()).unwrap();
    connect::disconnect(&config).await.unwrap();
    stage.until_ready_says(503, &["the channel is not connected to the account", "`telekommo connect`"]).await;
    connect::connect(&config).await.unwrap();
    stage.until_ready_says(200, &["ready\n"]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_gone_is_named_by_the_first_message() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.kommo.set_connected(false);
    stage.telegram.write(SALES.token, ANNA, "hello");
    stage.until_ready_says(503, &["inbound has paused", "`telekommo connect`"]).await;
    stage.kommo.set_connected(true);
    stage.until_ready_says(200, &["ready\n"]).await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_what_happened_and_tell_nothing_of_anybody() {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.write(SALES.token, ANNA, "a customer's secret");
    let id = stage.reply(SALES, ANNA, "a manager's secret").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.telegram.block(SALES.token, ANNA, true);
    let id = stage.reply(SALES, ANNA, "not delivered").await;
    assert!(matches!(stage.outcome(&id).await, Status::Failed { .. }));

    let (status, text) = stage.admin("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "telekommo_updates_total{source=\"sales\",outcome=\"stored\"} ",
        "telekommo_hooks_total{outcome=\"stored\"} 2",
        "telekommo_jobs_total{route=\"inbound\",outcome=\"done\"} ",
        "telekommo_jobs_total{route=\"outbound:sales\",outcome=\"parked\"} 1",
        "telekommo_jobs_total{route=\"report\",outcome=\"done\"} 2",
        "telekommo_waiting_jobs{route=\"outbound:sales\"} 0",
        "telekommo_parked_messages 0",
        "telekommo_told_messages 1",
        "telekommo_unreadable_rows_total 0",
    ] {
        assert!(text.lines().any(|it| it.starts_with(line)), "{line} is missing in\n{text}");
    }
    assert_parses(&text);
    let settings = stage.kommo.settings();
    let private = [SALES.token, &settings.channel_secret, "secret", "Anna", "annap", &ANNA.to_string()];
    assert!(private.iter().all(|word| !text.contains(word)), "{text}");
    stage.finish().await;
}

/// Every line is a sample with a finite value, or says what samples are.
fn assert_parses(text: &str) {
    let (samples, comments): (Vec<_>, Vec<_>) = text.lines().partition(|line| !line.starts_with('#'));
    assert!(!samples.is_empty());
    for sample in samples {
        let (name, value) = sample.rsplit_once(' ').expect("a name and a value");
        assert!(name.starts_with("telekommo_"), "{sample}");
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{sample}");
    }
    assert!(comments.iter().all(|line| line.starts_with("# HELP ") || line.starts_with("# TYPE ")), "{comments:?}");
}

/// Asks for a change of a parked message, and gives the status.
pub(super) async fn change(stage: &TestStage, id: u64, act: &str, is_ours: bool) -> u16 {
    let address = stage.bridge().expect("the bridge runs").admin_addr();
    let request = reqwest::Client::new().post(format!("http://{address}/parked/{id}/{act}"));
    let request = if is_ours { request.header("X-Telekommo", "1") } else { request };
    request.send().await.expect("the listener answers").status().as_u16()
}

/// The parked messages as the listener tells them.
async fn listed(stage: &TestStage) -> Vec<Value> {
    let (status, text) = stage.admin("/parked").await;
    assert_eq!(status, 200);
    assert!(!text.contains("what was said"), "what people write is nobody else's business: {text}");
    serde_json::from_str(&text).expect("a list")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_answer_can_be_sent_after_all_or_forgotten() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.block(SALES.token, ANNA, true);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = stage.reply(SALES, ANNA, "what was said").await;
        assert!(matches!(stage.outcome(&id).await, Status::Failed { code: 901, .. }));
        ids.push(id);
    }
    stage.telegram.block(SALES.token, ANNA, false);
    let parked = listed(&stage).await;
    assert_eq!(parked.len(), 2);
    assert!(parked.iter().all(|row| row["thread"] == format!("tg:sales:{ANNA}")), "{parked:?}");
    let [second, first] = [0, 1].map(|n: usize| parked[n]["id"].as_u64().unwrap());

    assert_eq!(change(&stage, first, "retry", false).await, 403, "a web page cannot do this");
    assert_eq!(change(&stage, first, "retry", true).await, 204);
    assert_eq!(change(&stage, first, "retry", true).await, 404, "it is not parked any more");
    assert_eq!(change(&stage, second, "drop", true).await, 204);
    assert!(listed(&stage).await.is_empty());
    stage.until("Kommo is told", |stage| told(stage, &ids[0]).last() == Some(&Status::Delivered)).await;
    stage.until_settled().await;
    assert_eq!(told(&stage, &ids[1]).len(), 1, "nothing more is told of what was forgotten");
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["what was said"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_told_only_to_who_asks_by_address() {
    let stage = TestStage::start().await;
    stage.begin(SALES, ANNA).await;
    let (status, text) = stage.admin("/chats").await;
    assert_eq!(status, 200);
    assert!(text.contains("Anna Petrova"), "{text}");
    // As a page does whose own name leads to this machine.
    let address = stage.bridge().expect("the bridge runs").admin_addr();
    let asked = async |path: &str, host: &str| {
        let request = reqwest::Client::new().get(format!("http://{address}{path}")).header("Host", host);
        let response = request.send().await.expect("the listener answers");
        (response.status().as_u16(), response.text().await.expect("the answer is text"))
    };
    let chat = format!("/chats/{}", conversation(SALES, ANNA));
    for path in ["/chats", "/parked", &chat] {
        for host in ["page.example.com", "page.example.com:80", "localhost.example.com", "127.0.0.1.example.com"] {
            let (status, text) = asked(path, host).await;
            assert!(status == 403 && !text.contains("Anna"), "{path} {host}: {status} {text}");
        }
        for host in ["127.0.0.1", "[::1]:9090", "10.0.0.7:9090", "localhost:9090", "LOCALHOST"] {
            assert_eq!(asked(path, host).await.0, 200, "{path} {host}");
        }
    }
    // Probes come by names, and tell nothing of anybody.
    for path in ["/live", "/ready", "/metrics"] {
        assert_eq!(asked(path, "telekommo.example.com").await.0, 200, "{path}");
    }
    stage.finish().await;
}
