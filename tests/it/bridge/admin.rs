//! The operator's listener.

use reqwest::Method;
use serde_json::Value;
use telekommo::{
    cli::connect,
    config::{Config, Environment},
    sandbox::{
        harness::{ANNA, LINES, Line},
        kommo::Status,
    },
};

use crate::support::{TestStage, in_telegram, statuses};

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

/// Changes a parked message, as a command does.
pub(super) async fn change(stage: &TestStage, id: u64, act: &str) {
    let answer = stage.commands().post(format!("http://localhost/parked/{act}?ids={id}")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"done":1,"left":[]}"#, "{act}");
}

/// The parked messages as a command gets them.
async fn listed(stage: &TestStage) -> Vec<Value> {
    let answer = stage.commands().get("http://localhost/parked").send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).expect("a list")
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

    change(&stage, first, "retry").await;
    let again = stage.commands().post(format!("http://localhost/parked/retry?ids={first}")).send().await.unwrap();
    assert!(again.text().await.unwrap().contains("no parked message has this number"));
    change(&stage, second, "drop").await;
    assert!(listed(&stage).await.is_empty());
    stage.until("Kommo is told", |stage| statuses(stage, &ids[0]).last() == Some(&Status::Delivered)).await;
    stage.until_settled().await;
    assert_eq!(statuses(&stage, &ids[1]).len(), 1, "nothing more is told of what was forgotten");
    assert_eq!(in_telegram(&stage, SALES, ANNA), ["what was said"]);
    stage.finish().await;
}

/// The status and the text of an answer of the admin listener.
async fn asked(stage: &TestStage, (method, path): (Method, &str), headers: &[(&str, &str)]) -> (u16, String) {
    let address = stage.bridge().expect("the bridge runs").admin_addr();
    let request = reqwest::Client::new().request(method, format!("http://{address}{path}"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.expect("the listener answers");
    (response.status().as_u16(), response.text().await.expect("the answer is text"))
}

/// A link of `telekommo status --open`: the ticket in it.
async fn ticket(stage: &TestStage) -> String {
    let answer = stage.commands().post("http://localhost/session/link").send().await.unwrap().text().await.unwrap();
    let link: Value = serde_json::from_str(&answer).unwrap();
    link["url"].as_str().unwrap().split_once("/#ticket=").unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_page_sees_and_changes_nothing_and_probes_answer_everybody() {
    let stage = TestStage::start().await;
    let address = stage.bridge().unwrap().admin_addr();
    let own = format!("http://{address}");
    let ways = [
        (Method::GET, "/"),
        (Method::GET, "/page.js"),
        (Method::GET, "/status"),
        (Method::GET, "/parked"),
        (Method::POST, "/session"),
        (Method::POST, "/parked/drop?ids=1"),
    ];
    for (method, path) in ways {
        for foreign in [
            ("Host", "page.example.com"),
            ("Host", "localhost.example.com"),
            ("Host", "127.0.0.1.example.com"),
            ("Origin", "http://page.example.com"),
            ("Origin", "http://127.0.0.1:1"),
            ("Origin", "null"),
        ] {
            assert_eq!(asked(&stage, (method.clone(), path), &[foreign]).await.0, 403, "{method} {path} {foreign:?}");
        }
    }
    for path in ["/", "/status"] {
        for host in ["127.0.0.1", "[::1]:9090", "10.0.0.7:9090", "localhost:9090", "LOCALHOST"] {
            assert_eq!(asked(&stage, (Method::GET, path), &[("Host", host)]).await.0, 200, "{path} {host}");
        }
        assert_eq!(asked(&stage, (Method::GET, path), &[("Origin", &own)]).await.0, 200, "{path}");
    }
    for path in ["/live", "/ready", "/metrics"] {
        let foreign = [("Host", "telekommo.example.com"), ("Origin", "http://page.example.com")];
        assert_eq!(asked(&stage, (Method::GET, path), &foreign).await.0, 200, "{path}");
    }
    // What commands ask for is not there.
    for path in ["/chats", "/queue", "/session/link"] {
        assert_eq!(asked(&stage, (Method::GET, path), &[("X-Telekommo", "1")]).await.0, 404, "{path}");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_shown_and_changed_within_a_session_alone() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    stage.telegram.block(SALES.token, ANNA, true);
    let id = stage.reply(SALES, ANNA, "what was said").await;
    assert!(matches!(stage.outcome(&id).await, Status::Failed { code: 901, .. }));
    let number = listed(&stage).await[0]["id"].as_u64().unwrap();
    let drop = format!("/parked/drop?ids={number}");
    for wrong in ["", "Bearer ", "Bearer x", "Basic eDp4"] {
        for (method, path) in [(Method::GET, "/parked"), (Method::POST, drop.as_str())] {
            let (status, text) = asked(&stage, (method, path), &[("Authorization", wrong), ("X-Telekommo", "1")]).await;
            assert!(
                status == 401 && text.contains("`sudo telekommo status --open`"),
                "{path} {wrong}: {status} {text}"
            );
        }
        assert_eq!(asked(&stage, (Method::POST, "/session"), &[("Authorization", wrong)]).await.0, 401);
    }
    let link = format!("Bearer {}", ticket(&stage).await);
    let (status, _) = asked(&stage, (Method::GET, "/parked"), &[("Authorization", &link)]).await;
    assert_eq!(status, 401, "a ticket is no token");
    let (status, text) = asked(&stage, (Method::POST, "/session"), &[("Authorization", &link)]).await;
    assert_eq!(status, 200);
    assert_eq!(asked(&stage, (Method::POST, "/session"), &[("Authorization", &link)]).await.0, 401, "it was used");
    let token: Value = serde_json::from_str(&text).unwrap();
    let token = format!("Bearer {}", token["token"].as_str().unwrap());
    let session = [("Authorization", token.as_str()), ("X-Telekommo", "1")];
    let (status, text) = asked(&stage, (Method::GET, "/parked"), &session).await;
    assert!(status == 200 && text.contains("what was said") && text.contains("Anna Petrova"), "{text}");
    let foreign = [session[0], session[1], ("Origin", "http://page.example.com")];
    assert_eq!(asked(&stage, (Method::POST, &drop), &foreign).await.0, 403);
    assert_eq!(listed(&stage).await.len(), 1, "nothing has been changed so far");
    assert_eq!(asked(&stage, (Method::POST, &drop), &session).await, (200, r#"{"done":1,"left":[]}"#.to_owned()));
    assert!(listed(&stage).await.is_empty());
    stage.finish().await;
}
