//! The owner's own programs, which share a bot with Kommo.

mod kinds;
mod memory;
mod pace;
mod passing;
mod quiet;
mod shown;
mod teloxide;

use std::net::SocketAddr;

use serde_json::{Value, json};
use telekommo::sandbox::harness::{LINES, Line, unused_address};

use crate::support::TestStage;

const SALES: Line = LINES[0];
/// What the program has in place of the bot's token.
const SECRET: &str = "7000000001:the_secret_of_the_shop_alone";

/// A stage with a program beside Kommo.
struct Shop {
    stage: TestStage,
    client: reqwest::Client,
    gateway: SocketAddr,
}

impl Shop {
    async fn open() -> Self {
        Self::with("", "").await
    }

    /// The same with more lines of configuration, and more of the program.
    async fn with(settings: &str, program: &str) -> Self {
        let gateway = unused_address();
        let program = format!("[programs.shop]\nsource = \"sales\"\nsecret = \"{SECRET}\"\n{program}\n");
        let stage = TestStage::with(&format!("{settings}\ngateway.listen = \"{gateway}\"\n{program}")).await;
        Self { stage, client: reqwest::Client::builder().no_proxy().build().unwrap(), gateway }
    }

    fn url(&self, method: &str) -> String {
        format!("http://{}/bot{SECRET}/{method}", self.gateway)
    }

    /// What a call of the program's is answered.
    async fn ask(&self, method: &str, parameters: Value) -> (u16, Value) {
        let body = parameters.to_string();
        let request = self.client.post(self.url(method)).header("content-type", "application/json").body(body);
        read(request).await
    }

    /// The result of a call that succeeds.
    async fn call(&self, method: &str, parameters: Value) -> Value {
        let (status, answer) = self.ask(method, parameters).await;
        assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Sends a text, and gives its number.
    async fn say(&self, chat: i64, text: &str) -> i64 {
        self.call("sendMessage", json!({ "chat_id": chat, "text": text })).await["message_id"].as_i64().unwrap()
    }

    /// How often a method was called at Telegram.
    fn asked(&self, method: &str) -> usize {
        self.stage.telegram.requests().iter().filter(|it| it.method.eq_ignore_ascii_case(method)).count()
    }
}

/// The status and the body of an answer.
async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/json");
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}
