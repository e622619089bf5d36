//! What a program of the owner's gets by the gateway: updates, by asking and by webhook, as Telegram gives them.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::future::select;
use serde_json::{Value, json};
use telekommo::{
    clock,
    domain::{address::BotId, job::IdempotencyKey},
    sandbox::harness::{ANNA, BEN, LINES, Line, unused_address},
    store::{Intake, KeptUpdate, NewKept},
};
use tokio::{net::TcpListener, sync::Notify, time::timeout};

use crate::support::{TestStage, WITHIN, eventually, in_kommo, in_telegram};

const SALES: Line = LINES[0];
const SECRET: &str = "7000000001:SANDBOX-program-secret-0";
const OTHER: &str = "7000000001:SANDBOX-program-secret-1";

/// A stage with a program, and where it reaches the gateway.
struct Shop {
    stage: TestStage,
    gateway: String,
}

impl Shop {
    async fn open(more: &str) -> Self {
        let at = unused_address();
        let program = |name: &str, secret: &str| {
            format!("programs.{name}.source = \"sales\"\nprograms.{name}.secret = {secret:?}\n")
        };
        let programs = [program("shop", SECRET), program("other", OTHER)].concat();
        let stage = TestStage::with(&format!("gateway.listen = \"{at}\"\n{programs}{more}")).await;
        Self { stage, gateway: format!("http://{at}") }
    }

    async fn call_as(&self, secret: &str, method: &str, args: Value) -> (u16, Value) {
        let url = format!("{}/bot{secret}/{method}", self.gateway);
        let call = reqwest::Client::builder().no_proxy().build().unwrap().post(url);
        let call = call.header("content-type", "application/json").body(args.to_string());
        let answer = call.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn call(&self, method: &str, args: Value) -> (u16, Value) {
        self.call_as(SECRET, method, args).await
    }

    /// The updates that an answer brings: their numbers, and the texts of their messages.
    async fn updates(&self, args: Value) -> Vec<(i64, String)> {
        let (status, answer) = self.call("getUpdates", args).await;
        assert_eq!((status, answer["ok"].as_bool()), (200, Some(true)), "{answer}");
        let text = |it: &Value| it["message"]["text"].as_str().unwrap_or_default().to_owned();
        let updates = answer["result"].as_array().unwrap();
        updates.iter().map(|it| (it["update_id"].as_i64().unwrap(), text(it))).collect()
    }

    fn write(&self, texts: &[&str]) {
        for text in texts {
            self.stage.telegram.write(SALES.token, ANNA, text);
        }
    }

    /// Waits until so many updates wait for the program.
    async fn until_waiting(&self, count: usize) {
        eventually("the updates are kept", async || self.stage.store().unconfirmed("shop", 0, 1000).len() == count)
            .await;
    }
}

fn texts(updates: &[(i64, String)]) -> Vec<&str> {
    updates.iter().map(|(_, text)| text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_asks_for_updates_as_at_telegram() {
    let shop = Shop::open("").await;
    shop.write(&["1", "2", "3", "4"]);
    shop.until_waiting(4).await;
    let all = shop.updates(json!({})).await;
    assert_eq!(texts(&all), ["1", "2", "3", "4"]);
    assert!(all.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "{all:?}");
    assert_eq!(texts(&shop.updates(json!({ "limit": 2 })).await), ["1", "2"], "nothing is confirmed yet");
    assert_eq!(texts(&shop.updates(json!({ "limit": 0 })).await), ["1"], "as the server takes it");
    assert_eq!(texts(&shop.updates(json!({ "offset": all[1].0 })).await), ["2", "3", "4"]);
    assert_eq!(texts(&shop.updates(json!({ "offset": all[0].0 })).await), ["2", "3", "4"], "it is gone");
    assert_eq!(texts(&shop.updates(json!({ "offset": all[3].0 + 1000 })).await), ["2", "3", "4"], "a mistake");
    assert_eq!(texts(&shop.updates(json!({ "offset": -1 })).await), ["4"]);
    assert_eq!(texts(&shop.updates(json!({})).await), ["4"], "those before it are forgotten");
    let (_, other) = shop.call_as(OTHER, "getUpdates", json!({})).await;
    assert_eq!(other["result"].as_array().unwrap().len(), 4, "the other program has a place of its own");
    assert_eq!(shop.updates(json!({ "offset": all[3].0 + 1 })).await, []);
    shop.stage.until("Kommo has all of it", |stage| in_kommo(stage, SALES, ANNA).len() == 4).await;
    let kept = shop.stage.store().kept_bytes();
    assert!(kept > 0, "what the other program has not confirmed is kept");
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_waits_is_woken_and_the_newer_of_two_wins() {
    let shop = Shop::open("").await;
    let poll = || Box::pin(shop.call("getUpdates", json!({ "timeout": 50 })));
    let ended = timeout(WITHIN, select(poll(), poll())).await.expect("one of two ends at once");
    let ((refused, why), other) = ended.factor_first();
    assert_eq!((refused, why["error_code"].as_u64()), (409, Some(409)));
    assert!(why["description"].as_str().unwrap().contains("terminated by other getUpdates request"), "{why}");
    shop.write(&["news"]);
    let (status, answer) = timeout(WITHIN, other).await.expect("what comes wakes the other");
    assert_eq!((status, answer["result"][0]["message"]["text"].as_str()), (200, Some("news")));
    assert_eq!(shop.call_as("7000000001:SANDBOX-not-the-secret", "getUpdates", json!({})).await.0, 401);
    shop.stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).len() == 1).await;
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kinds_that_a_program_wants_are_remembered() {
    let shop = Shop::open("").await;
    let message = shop.stage.telegram.write(SALES.token, ANNA, "hello");
    // Telegram keeps a reaction only for a bot that has asked for reactions in a poll before.
    shop.until_waiting(1).await;
    shop.stage.telegram.react(SALES.token, ANNA, message, Some("👍"));
    shop.until_waiting(2).await;
    assert_eq!(texts(&shop.updates(json!({})).await), ["hello"], "a reaction has to be asked for");
    assert_eq!(shop.updates(json!({ "allowed_updates": ["message_reaction"] })).await.len(), 1, "what came before");
    shop.write(&["unwanted"]);
    shop.stage.telegram.react(SALES.token, ANNA, message, None);
    shop.until_waiting(4).await;
    let (_, answer) = shop.call("getUpdates", json!({ "offset": -1 })).await;
    assert!(answer["result"][0]["message_reaction"].is_object(), "{answer}");
    let (_, info) = shop.call("getWebhookInfo", json!({})).await;
    assert_eq!(info["result"]["allowed_updates"], json!(["message_reaction"]));
    shop.stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    shop.stage.finish().await;
}

/// The text of an update, and the secret token that came with it.
type Got = (String, Option<String>);

/// A server that a webhook leads to.
#[derive(Clone, Default)]
struct Server {
    got: Arc<Mutex<Vec<Got>>>,
    /// How often it fails from now on.
    fails: Arc<Mutex<u32>>,
    /// Told when it may answer "slow".
    may_answer: Arc<Notify>,
}

impl Server {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        #[expect(clippy::disallowed_methods, reason = "a test has no lifecycle; the server goes with it")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn texts(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|(text, _)| text.clone()).collect()
    }
}

async fn take(State(server): State<Server>, headers: HeaderMap, update: String) -> Response {
    let fails = std::mem::take(&mut *server.fails.lock().unwrap());
    if fails > 0 {
        *server.fails.lock().unwrap() = fails - 1;
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let update: Value = serde_json::from_str(&update).unwrap();
    let text = update["message"]["text"].as_str().unwrap_or_default().to_owned();
    let token = headers.get("X-Telegram-Bot-Api-Secret-Token").map(|token| token.to_str().unwrap().to_owned());
    server.got.lock().unwrap().push((text.clone(), token));
    if text == "slow" {
        server.may_answer.notified().await;
    }
    if text == "/shop" {
        let call = json!({ "method": "sendMessage", "chat_id": ANNA, "text": "Welcome" });
        return ([("Content-Type", "application/json")], call.to_string()).into_response();
    }
    StatusCode::OK.into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_gets_all_in_order_and_its_answer_is_a_call() {
    let mut shop = Shop::open("gateway.allow_private = true\n").await;
    let server = Server::default();
    let url = server.start().await;
    let set = json!({ "url": url, "secret_token": "word", "max_connections": 1 });
    let (status, answer) = shop.call("setWebhook", set).await;
    assert_eq!((status, answer["description"].as_str()), (200, Some("Webhook was set")));
    let (refused, why) = shop.call("getUpdates", json!({})).await;
    assert!(refused == 409 && why["description"].as_str().unwrap().contains("webhook is active"), "{why}");
    *server.fails.lock().unwrap() = 1;
    shop.write(&["/shop", "2"]);
    shop.stage.telegram.write(SALES.token, BEN, "from Ben");
    eventually("the webhook has all", async || server.texts().len() == 3).await;
    let ours: Vec<_> = server.texts().into_iter().filter(|text| text != "from Ben").collect();
    assert_eq!(ours, ["/shop", "2"], "each chat in its order");
    assert!(server.got.lock().unwrap().iter().all(|(_, token)| token.as_deref() == Some("word")));
    shop.stage.until("its answer is sent", |stage| in_telegram(stage, SALES, ANNA) == ["Welcome"]).await;
    shop.until_waiting(0).await;
    let (_, info) = shop.call("getWebhookInfo", json!({})).await;
    assert_eq!(
        (info["result"]["url"].as_str(), info["result"]["pending_update_count"].as_u64()),
        (Some(&*url), Some(0))
    );
    assert!(info["result"]["last_error_message"].as_str().unwrap().contains("500"), "{info}");
    // It survives the bridge, and what was taken does not come again.
    shop.stage.cut_off_bridge().await;
    shop.write(&["3"]);
    shop.stage.start_bridge().await.unwrap();
    eventually("the webhook goes on", async || server.texts().len() == 4).await;
    assert_eq!(server.texts()[3], "3");
    let (_, gone) = shop.call("deleteWebhook", json!({})).await;
    assert_eq!(gone["description"], "Webhook was deleted");
    assert_eq!(shop.updates(json!({})).await, []);
    shop.stage
        .until("Kommo has what the customer wrote", |stage| {
            let written = in_kommo(stage, SALES, ANNA);
            ["/shop", "2", "3"].iter().all(|text| written.iter().any(|it| it == text))
        })
        .await;
    shop.stage.allow_failures();
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_when_a_webhook_changes_comes_once() {
    let shop = Shop::open("gateway.allow_private = true\n").await;
    let server = Server::default();
    let url = server.start().await;
    shop.call("setWebhook", json!({ "url": url, "secret_token": "old" })).await;
    shop.write(&["slow", "next"]);
    eventually("the server has it", async || server.texts() == ["slow"]).await;
    shop.call("setWebhook", json!({ "url": url, "secret_token": "new" })).await;
    server.may_answer.notify_one();
    eventually("the next one goes the new way", async || server.texts().len() == 2).await;
    let next = server.got.lock().unwrap()[1].clone();
    assert_eq!(next, ("next".to_owned(), Some("new".to_owned())));
    shop.until_waiting(0).await;
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_gets_what_stands_behind_much_that_is_unwanted() {
    let shop = Shop::open("gateway.allow_private = true\n").await;
    let (server, bot) = (Server::default(), BotId(7_000_000_001));
    let kept = |number: i64| {
        let kind = if number == 450 { "message" } else { "message_reaction" };
        let raw = format!(r#"{{"update_id":{number},"{kind}":{{"text":"at last"}}}}"#);
        let (kind, thread) = (kind.to_owned(), "one".to_owned());
        let update = KeptUpdate { at: clock::now(), kind, thread, raw, ..KeptUpdate::default() };
        NewKept { id: IdempotencyKey::update(bot, number), bot, update, conversation: None }
    };
    let backlog = (1..=450).map(kept).collect();
    shop.stage.store().push_kept(Intake::default(), backlog, clock::now()).await.unwrap();
    shop.until_waiting(450).await;
    let url = server.start().await;
    shop.call("setWebhook", json!({ "url": url })).await;
    eventually("it comes without another update", async || server.texts() == ["at last"]).await;
    shop.until_waiting(0).await;
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_ends_a_poll_that_waits_and_is_not_disturbed_by_itself() {
    let shop = Shop::open("gateway.allow_private = true\n").await;
    let set = json!({ "url": format!("http://{}/", unused_address()) });
    let poll = shop.call("getUpdates", json!({ "timeout": 50 }));
    let both = timeout(WITHIN, async { tokio::join!(poll, shop.call("setWebhook", set.clone())) });
    let ((refused, why), (status, _)) = both.await.expect("the poll ends at once");
    assert_eq!((refused, status), (409, 200), "{why}");
    let (_, again) = shop.call("setWebhook", set).await;
    assert_eq!(again["description"], "Webhook is already set");
    shop.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_leads_to_the_internet_alone_and_a_dead_one_holds_up_nobody() {
    let shop = Shop::open("").await;
    for url in [
        "http://shop.example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.1:8443/",
        "https://[::1]/",
        "https://localhost/",
    ] {
        let (status, answer) = shop.call("setWebhook", json!({ "url": url })).await;
        assert_eq!((status, answer["ok"].as_bool()), (400, Some(false)), "{url}: {answer}");
    }
    let (_, info) = shop.call("getWebhookInfo", json!({})).await;
    assert_eq!(info["result"]["url"], "");
    shop.stage.finish().await;
    let shop = Shop::open("gateway.allow_private = true\n").await;
    let nobody = unused_address();
    let (status, _) = shop.call("setWebhook", json!({ "url": format!("http://{nobody}/") })).await;
    assert_eq!(status, 200);
    shop.write(&["1", "2"]);
    shop.stage.until("Kommo has it", |stage| in_kommo(stage, SALES, ANNA).len() == 2).await;
    let (_, other) = shop.call_as(OTHER, "getUpdates", json!({ "timeout": 5 })).await;
    assert!(!other["result"].as_array().unwrap().is_empty());
    let (_, info) = shop.call("getWebhookInfo", json!({})).await;
    assert_eq!(info["result"]["pending_update_count"], 2);
    let (_, gone) = shop.call("deleteWebhook", json!({ "drop_pending_updates": true })).await;
    assert_eq!(gone["result"], true);
    assert_eq!(shop.updates(json!({})).await, []);
    shop.stage.finish().await;
}
