//! What a start sees to in Kommo: the channel, the account, the sources. Messages never wait for it.

use std::time::Duration;

use telekommo::{
    domain::time::UnixMillis,
    sandbox::{
        fault::Fault,
        harness::{ANNA, BEN, LINES},
        kommo::{Doubtful, Endpoint, ErrorShape, FakeKommo, MAIN_PIPELINE, Rate, RestRequest, Status, Subject},
    },
};

use crate::support::{TestStage, conversation, eventually, in_telegram};

/// Settings of a bridge that connects its channel and has a token.
const WHOLE: &str = r#"
kommo.connect_on_start = true
kommo.account_url = "{account_url}"
kommo.access_token = "{access_token}"
"#;

/// What the channel was told by each `connect`.
fn connections(kommo: &FakeKommo) -> Vec<String> {
    let asked = kommo.requests().into_iter().filter(|request| request.endpoint == Some(Endpoint::Connect));
    asked.map(|request| request.body).collect()
}

fn changes(kommo: &FakeKommo) -> Vec<RestRequest> {
    kommo.rest_requests().into_iter().filter(|request| request.method != "GET").collect()
}

fn lines(kommo: &FakeKommo) -> Vec<(String, String)> {
    kommo.sources().into_iter().map(|line| (line.external_id, line.name)).collect()
}

async fn restart(stage: &mut TestStage) {
    stage.stop_bridge().await;
    stage.start_bridge().await.unwrap();
}

#[tokio::test]
async fn a_start_connects_the_channel_again_and_again() {
    let mut stage = TestStage::with("kommo.connect_on_start = true\nkommo.channel_title = \"Acme\"").await;
    stage.until("the channel is connected", |stage| connections(&stage.kommo).len() == 1).await;
    stage.stop_bridge().await;
    stage.kommo.set_connected(false);
    stage.start_bridge().await.unwrap();
    stage.until("the channel is connected again", |stage| stage.kommo.is_connected()).await;
    let bodies = connections(&stage.kommo);
    assert_eq!(bodies[0], bodies[1]);
    for part in [r#""title":"Acme""#, r#""hook_api_version":"v2""#, r#""is_time_window_disabled":true"#] {
        assert!(bodies[0].contains(part), "{}", bodies[0]);
    }
    stage.finish().await;
}

#[tokio::test]
async fn the_time_window_holds_if_the_operator_wants_it() {
    let stage = TestStage::with("kommo.connect_on_start = true\nkommo.time_window = \"on\"").await;
    stage.until("the channel is connected", |stage| connections(&stage.kommo).len() == 1).await;
    assert!(connections(&stage.kommo)[0].contains(r#""is_time_window_disabled":false"#));
    assert!(!connections(&stage.kommo)[0].contains("title"), "nobody has asked for another one");
    stage.finish().await;
}

/// Where Kommo wants a title and nobody has chosen one, the channel is called by what is known.
#[tokio::test]
async fn a_channel_is_connected_with_a_title_where_kommo_wants_one() {
    for (errors, status) in [(ErrorShape::Older, 400), (ErrorShape::Newer, 422)] {
        let mut stage = TestStage::with("kommo.connect_on_start = true").await;
        stage.allow_failures();
        stage.until("the channel is connected", |stage| connections(&stage.kommo).len() == 1).await;
        stage.stop_bridge().await;
        stage.kommo.set_connected(false);
        stage.kommo.quirks(|quirks| {
            (quirks.untitled, quirks.errors, quirks.unfit_status) = (Doubtful::Refused, errors, status);
        });
        stage.start_bridge().await.unwrap();
        stage.until("the channel is connected again", |stage| stage.kommo.is_connected()).await;
        let titles: Vec<_> =
            connections(&stage.kommo).iter().map(|body| body.contains(r#""title":"Telegram""#)).collect();
        assert_eq!(titles, [false, false, true], "there are two bots, and it is asked for");
        stage.finish().await;
    }
}

#[tokio::test]
async fn a_channel_that_kommo_refuses_is_tried_again_and_messages_wait() {
    let mut stage = TestStage::with("kommo.connect_on_start = true").await;
    stage.allow_failures();
    stage.stop_bridge().await;
    stage.kommo.set_connected(false);
    let unknown = r#"{"error_code":404,"error_type":"ORIGIN_NOT_REGISTERED","error_description":"NOT_FOUND"}"#;
    stage.kommo.fault(Endpoint::Connect, Fault::Status { code: 404, body: unknown.to_owned() }, 2);
    stage.start_bridge().await.unwrap();
    stage.begin(LINES[0], ANNA).await;
    assert!(stage.kommo.is_connected());
    stage.finish().await;
}

#[tokio::test]
async fn sources_are_made_changed_and_never_deleted() {
    let mut stage = TestStage::with(WHOLE).await;
    stage.until("the sources are made", |stage| stage.kommo.sources().len() == 2).await;
    // Each start begins to count anew.
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    stage.kommo.add_source("old", "Old bot", MAIN_PIPELINE);
    let before = changes(&stage.kommo).len();
    let asked = |stage: &TestStage| stage.kommo.rest_requests().len();
    let (mut known, made) = (asked(&stage), lines(&stage.kommo));
    restart(&mut stage).await;
    eventually("the account and the sources are asked for", async || asked(&stage) >= known + 2).await;
    assert_eq!(changes(&stage.kommo).len(), before, "nothing is left to do");
    assert_eq!(lines(&stage.kommo), made);
    known = asked(&stage);
    stage.kommo.remove_source("sales");
    restart(&mut stage).await;
    eventually("the source is made again", async || asked(&stage) >= known + 3).await;
    let ids: Vec<_> = lines(&stage.kommo).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["support", "old", "sales"]);
    stage.finish().await;
}

#[tokio::test]
async fn answers_of_a_source_that_was_removed_in_kommo_arrive() {
    let stage = TestStage::with(WHOLE).await;
    stage.until("the sources are made", |stage| stage.kommo.sources().len() == 2).await;
    let [sales, support] = LINES;
    stage.kommo.make_default(sales.source);
    stage.kommo.remove_source(support.source);
    stage.begin(support, ANNA).await;
    let id = stage.reply(support, ANNA, "still here").await;
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, support, ANNA), ["still here"]);
    stage.finish().await;
}

/// What is wrong with the account, its token or the way to it: in words, the token, and what happens.
type Trouble = (&'static str, &'static str, fn(&FakeKommo));

const TROUBLES: [Trouble; 6] = [
    ("the token is wrong", "wrong", |_| {}),
    ("the token has expired", "{access_token}", |kommo| drop(kommo.new_token(UnixMillis(0)))),
    ("the account is another one", "{access_token}", |kommo| {
        kommo.set_amojo_id("11111111-2222-4333-8444-555555555555");
    }),
    ("a right is missing", "{access_token}", |kommo| kommo.forbid(&[Subject::Sources])),
    ("there are too many requests", "{access_token}", |kommo| {
        kommo.set_rest_rate(Rate { per_second: 0, patience: 1, shut_out_for: Duration::from_mins(5) });
    }),
    ("it always fails", "{access_token}", |kommo| {
        kommo.rest_fault(None, Fault::Status { code: 500, body: String::new() }, u32::MAX);
    }),
];

#[tokio::test]
async fn no_trouble_with_the_account_stops_a_message() {
    for (what, token, trouble) in TROUBLES {
        let mut stage = TestStage::with(&WHOLE.replace("{access_token}", token)).await;
        stage.allow_failures();
        stage.stop_bridge().await;
        trouble(&stage.kommo);
        let asked = stage.kommo.rest_requests().len();
        stage.start_bridge().await.unwrap();
        eventually(what, async || stage.kommo.rest_requests().len() > asked).await;
        stage.begin(LINES[0], BEN).await;
        let id = stage.reply(LINES[0], BEN, what).await;
        stage.outcome(&id).await;
        stage.finish().await;
    }
}

#[tokio::test]
async fn without_a_way_to_the_account_messages_go_on() {
    let mut stage = TestStage::with(WHOLE).await;
    stage.stop_bridge().await;
    stage.kommo.rest_down(true).unwrap();
    stage.start_bridge().await.unwrap();
    stage.begin(LINES[0], ANNA).await;
    stage.finish().await;
}

#[tokio::test]
async fn the_sources_of_a_foreign_account_are_left_alone() {
    let mut stage = TestStage::with(WHOLE).await;
    stage.until("the sources are made", |stage| stage.kommo.sources().len() == 2).await;
    stage.stop_bridge().await;
    stage.kommo.set_amojo_id("11111111-2222-4333-8444-555555555555");
    stage.kommo.remove_source("sales");
    let (asked, before) = (stage.kommo.rest_requests().len(), changes(&stage.kommo).len());
    stage.start_bridge().await.unwrap();
    eventually("the account is asked", async || stage.kommo.rest_requests().len() > asked).await;
    stage.begin(LINES[0], ANNA).await;
    assert_eq!(changes(&stage.kommo).len(), before);
    stage.finish().await;
}

#[tokio::test]
async fn an_account_that_is_not_named_is_asked_once_and_remembered() {
    let mut stage = TestStage::with(&format!("{WHOLE}\n#kommo.account_id")).await;
    stage.begin(LINES[0], ANNA).await;
    stage.until("the sources are made", |stage| stage.kommo.sources().len() == 2).await;
    stage.stop_bridge().await;
    stage.kommo.rest_down(true).unwrap();
    stage.start_bridge().await.unwrap();
    stage.reply(LINES[0], ANNA, "we are here").await;
    stage.until_settled().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_takes_hooks_before_the_account_has_told_who_it_is() {
    let settings = WHOLE.replace("kommo.connect_on_start = true", "#kommo.account_id");
    let mut stage = TestStage::with(&settings).await;
    stage.allow_failures();
    stage.begin(LINES[0], ANNA).await;
    stage.stop_bridge().await;
    // The same account, and a bridge that has never been here.
    std::fs::rename(stage.dir().join("data"), stage.dir().join("former")).unwrap();
    stage.kommo.rest_down(true).unwrap();
    stage.start_bridge().await.unwrap();
    stage.until_ready_says(503, &["kommo.account_id is not set", "cannot be reached"]).await;
    let id = stage.reply(LINES[0], ANNA, "taken and kept").await;
    assert_eq!(stage.waiting(), 1);
    stage.kommo.set_hook_url(format!("http://{}/kommo/another_account", stage.bridge().unwrap().public_addr()));
    // Not ours by its address; as the test has it in our chat all the same, the start finds it in the history.
    let (_, refused) = stage.kommo.reply(&conversation(LINES[0], ANNA), "Maria", "elsewhere").await;
    assert_eq!(refused.status, Some(404));
    stage.hooks_go_to(stage.bridge().unwrap().public_addr());
    stage.kommo.rest_down(false).unwrap();
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
    stage.until_ready_says(200, &["ready"]).await;
    let after = stage.reply(LINES[0], ANNA, "after").await;
    assert_eq!(stage.outcome(&after).await, Status::Delivered);
    assert_eq!(in_telegram(&stage, LINES[0], ANNA), ["taken and kept", "elsewhere", "after"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_channel_that_never_connected_is_named_while_nobody_writes() {
    let cases = [
        (
            403,
            r#"{"error_code":403,"error_type":"FORBIDDEN","error_description":"invalid signature"}"#,
            "kommo.channel_secret",
        ),
        (
            404,
            r#"{"error_code":404,"error_type":"ORIGIN_NOT_REGISTERED","error_description":"NOT_FOUND"}"#,
            "kommo.channel_id",
        ),
        (404, r#"{"error_code":404,"error_type":"NOT_FOUND","error_description":"NOT_FOUND"}"#, "kommo.channel_id"),
    ];
    for (code, body, key) in cases {
        let mut stage = TestStage::with("kommo.connect_on_start = true").await;
        stage.allow_failures();
        stage.stop_bridge().await;
        stage.kommo.fault(Endpoint::Connect, Fault::Status { code, body: body.to_owned() }, u32::MAX);
        stage.start_bridge().await.unwrap();
        stage.until_ready_says(503, &["kommo: the channel is not connected to the account", key]).await;
        stage.kommo.heal();
        eventually("it is connected in the end", async || !stage.admin("/ready").await.1.contains("kommo: ")).await;
        stage.finish().await;
    }
}

#[tokio::test]
async fn nothing_is_set_aside_for_a_channel_that_kommo_does_not_know() {
    for kind in ["ORIGIN_NOT_REGISTERED", "NOT_FOUND"] {
        let mut stage = TestStage::with("retry.kommo = [\"10ms\"]").await;
        stage.allow_failures();
        let body = format!(r#"{{"error_code":404,"error_type":"{kind}","error_description":"NOT_FOUND"}}"#);
        for endpoint in [Endpoint::Message, Endpoint::CreateChat, Endpoint::History] {
            stage.kommo.fault(endpoint, Fault::Status { code: 404, body: body.clone() }, u32::MAX);
        }
        stage.telegram.write(LINES[0].token, ANNA, "hello");
        let tried = || stage.kommo.requests().iter().filter(|it| it.endpoint == Some(Endpoint::Message)).count();
        if kind == "NOT_FOUND" {
            // More often than any message is tried that fails by itself.
            eventually("it is tried again and again", async || tried() > 12).await;
        }
        assert_eq!(stage.store().parked(10).unwrap(), [], "{kind}");
        stage.kommo.heal();
        stage.until("it arrives", |stage| crate::support::in_kommo(stage, LINES[0], ANNA) == ["hello"]).await;
        stage.finish().await;
    }
}

/// Kommo does not know the channel when a message comes, and knows it when its history is asked for a moment later.
#[tokio::test]
async fn a_message_that_came_just_before_the_channel_was_known_arrives() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    let body = r#"{"error_code":404,"error_type":"NOT_FOUND","error_description":"NOT_FOUND"}"#;
    stage.kommo.fault(Endpoint::Message, Fault::Status { code: 404, body: body.to_owned() }, 1);
    stage.telegram.write(LINES[0].token, ANNA, "hello");
    stage.until("it arrives", |stage| crate::support::in_kommo(stage, LINES[0], ANNA) == ["hello"]).await;
    assert_eq!(stage.store().parked(10).unwrap(), []);
    stage.finish().await;
}
