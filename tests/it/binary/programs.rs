//! A program of the owner's, and a bridge that is killed under it.

mod moving;

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, routing::post};
use rustix::process::Signal;
use serde_json::{Value, json};
use telekommo::sandbox::harness::{ANNA, Harness, LINES, Line, unused_address};
use tokio::{net::TcpListener, sync::Semaphore};

use super::process::{Process, finished, run, text, with_config};
use crate::support::{BRISK, WITHIN, eventually, in_kommo};

const SALES: Line = LINES[0];
const SECRET: &str = "7000000001:SANDBOX-program-secret-0";

struct Shop {
    stage: Harness,
    gateway: String,
}

impl Shop {
    fn open() -> Self {
        Self::with("")
    }

    fn with(settings: &str) -> Self {
        let at = unused_address();
        let program = format!("programs.shop.source = \"sales\"\nprograms.shop.secret = {SECRET:?}\n");
        let stage = Harness::without_bridge(&format!("{BRISK}{settings}gateway.listen = \"{at}\"\n{program}")).unwrap();
        Self { stage, gateway: format!("http://{at}") }
    }

    async fn updates(&self, args: Value) -> Option<Vec<(i64, String)>> {
        let url = format!("{}/bot{SECRET}/getUpdates", self.gateway);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer: Value = client
            .post(url)
            .header("content-type", "application/json")
            .body(args.to_string())
            .send()
            .await
            .ok()?
            .json()
            .await
            .ok()?;
        let text = |it: &Value| it["message"]["text"].as_str().unwrap_or_default().to_owned();
        let updates = answer["result"].as_array()?.iter();
        Some(updates.map(|it| (it["update_id"].as_i64().unwrap(), text(it))).collect())
    }

    /// What the program is given, once it is so much.
    async fn given(&self, args: &Value, count: usize) -> Vec<(i64, String)> {
        eventually("the program is given it", async || {
            self.updates(args.clone()).await.is_some_and(|updates| updates.len() == count)
        })
        .await;
        self.updates(args.clone()).await.unwrap()
    }

    async fn command(&self, words: &[&str]) -> (Option<i32>, String) {
        let mut command = with_config("programs", &self.stage.dir().join("config.toml"));
        command.args(words);
        let output = finished(command).await;
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    }
}

/// A server that a webhook leads to, which answers when it is let.
#[derive(Clone)]
struct Server {
    got: Arc<Mutex<Vec<String>>>,
    may_answer: Arc<Semaphore>,
}

async fn take(State(server): State<Server>, update: String) {
    let update: Value = serde_json::from_str(&update).unwrap();
    server.got.lock().unwrap().push(update["message"]["text"].as_str().unwrap_or_default().to_owned());
    server.may_answer.acquire().await.unwrap().forget();
}

#[tokio::test]
async fn a_reload_waits_for_no_webhook_and_sends_nothing_twice() {
    let shop = Shop::with("gateway.allow_private = true\n");
    let server = Server { got: Arc::default(), may_answer: Arc::new(Semaphore::new(0)) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().fallback(post(take)).with_state(server.clone());
    #[expect(clippy::disallowed_methods, reason = "a test has no lifecycle; the server goes with it")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    let process = Process::start(&shop.stage, run(&shop.stage)).await;
    let set = reqwest::get(format!("{}/bot{SECRET}/setWebhook?url={url}", shop.gateway)).await.unwrap();
    assert_eq!(set.status(), 200);
    for text in ["slow", "next"] {
        shop.stage.telegram.write(SALES.token, ANNA, text);
    }
    let got = || server.got.lock().unwrap().clone();
    eventually("the server has it", async || got() == ["slow"]).await;
    let file = shop.stage.dir().join("config.toml");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("programs.shop.leads = \"always\"\n{whole}")).unwrap();
    let reloaded = finished(with_config("reload", &file)).await;
    let said = text(&reloaded.stdout);
    assert!(reloaded.status.success() && said.contains("programs.shop.leads"), "{said}");
    assert_eq!(got(), ["slow"], "it is under way still");
    server.may_answer.add_permits(2);
    eventually("the next one comes", async || got().len() > 1).await;
    assert_eq!(got(), ["slow", "next"]);
    let pending = async || {
        let info: Value =
            reqwest::get(format!("{}/bot{SECRET}/getWebhookInfo", shop.gateway)).await.unwrap().json().await.unwrap();
        info["result"]["pending_update_count"].clone()
    };
    eventually("all is confirmed", async || pending().await == 0).await;
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn a_bridge_that_is_killed_repeats_only_what_the_program_had_not_confirmed() {
    let shop = Shop::open();
    let process = Process::start(&shop.stage, run(&shop.stage)).await;
    for text in ["1", "2", "3"] {
        shop.stage.telegram.write(SALES.token, ANNA, text);
    }
    let before = shop.given(&json!({}), 3).await;
    process.end(Signal::KILL).await;

    let process = Process::start(&shop.stage, run(&shop.stage)).await;
    assert_eq!(shop.given(&json!({}), 3).await, before, "under the same numbers");
    let left = shop.updates(json!({ "offset": before[2].0 })).await.unwrap();
    // The confirmation is on the disk once it is answered.
    process.end(Signal::KILL).await;
    assert_eq!(left, before[2..]);

    shop.stage.telegram.write(SALES.token, ANNA, "4");
    let process = Process::start(&shop.stage, run(&shop.stage)).await;
    let after = shop.given(&json!({}), 2).await;
    assert_eq!((&after[0], after[1].0), (&before[2], before[2].0 + 1));
    shop.stage.until("Kommo has all", WITHIN, |stage| in_kommo(stage, SALES, ANNA).len() == 4).await.unwrap();

    let (code, listed) = shop.command(&["list"]).await;
    assert!(code == Some(0) && listed.contains("shop") && listed.contains("are asked for"), "{listed}");
    let (code, shown) = shop.command(&["show", "shop"]).await;
    assert!(code == Some(0) && shown.contains("2 updates"), "{shown}");
    let (code, skipped) = shop.command(&["skip", "shop", "--yes"]).await;
    assert!(code == Some(0) && skipped.contains("2 updates"), "{skipped}");
    assert_eq!(shop.updates(json!({})).await.unwrap(), []);
    let (code, missing) = shop.command(&["show", "nobody"]).await;
    assert!(code == Some(1) && missing.contains("programs list"), "{missing}");
    process.end(Signal::TERM).await;
    let (code, stopped) = shop.command(&["list", "--json"]).await;
    assert!(code == Some(0) && stopped.contains(r#""waiting":0"#), "{stopped}");
}

#[tokio::test]
async fn a_check_says_what_telekommo_and_a_program_may_both_answer() {
    for (settings, both) in [
        ("", vec![]),
        ("telegram.ask_phone = \"on_start\"\n", vec!["telegram.ask_phone"]),
        ("telegram.buttons = \"keyboard\"\n", vec!["telegram.buttons"]),
    ] {
        let shop = Shop::with(settings);
        let mut command = with_config("check", &shop.stage.write_config().unwrap());
        command.args(["--offline", "--json"]);
        let output = finished(command).await;
        let printed: Value = serde_json::from_str(text(&output.stdout)).unwrap();
        let warnings = printed["checks"].as_array().unwrap().iter().filter(|it| it["check"] == "warning");
        let told: Vec<_> =
            warnings.filter_map(|it| it["text"].as_str()).filter(|it| it.contains("programs.shop")).collect();
        assert_eq!(told.len(), both.len(), "{printed}");
        assert!(told.iter().zip(both).all(|(told, key)| told.starts_with(key)), "{printed}");
    }
}
