//! A shop's own program that shares a bot with Kommo: `/shop` shows the goods, and a press orders one.
//!
//! It uses only the bridge's gateway, like any program for the Bot API.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{Client, header};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::sandbox::harness::LINES;

/// The command that customers send.
pub(super) const COMMAND: &str = "/shop";
const SECRET: &str = "7000000001:SANDBOX-example-program";
/// How long a poll waits at the gateway.
const POLL_TIMEOUT_SECONDS: u64 = 20;
/// The wait before a retry while the bridge is down.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The goods: the callback data and the label of their buttons.
const GOODS: [(&str, &str); 2] = [("coffee", "Coffee, 3 €"), ("tea", "Tea, 2 €")];

/// The program. Clones share its state.
#[derive(Clone, Debug)]
pub(super) struct ExampleProgram {
    /// The source whose bot it shares.
    source: &'static str,
    url: String,
    client: Client,
    /// The chats and ids of the messages that it has sent.
    sent: Arc<Mutex<BTreeSet<(i64, i64)>>>,
}

impl ExampleProgram {
    /// The program, for a gateway that will listen at `gateway`.
    pub(super) fn new(gateway: SocketAddr) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        let source = LINES[0].source;
        Ok(Self { source, url: format!("http://{gateway}/bot{SECRET}"), client, sent: Arc::default() })
    }

    /// The lines of a bridge's configuration that admit it.
    pub(super) fn settings(gateway: SocketAddr) -> [(&'static str, String); 4] {
        [
            ("gateway.listen", format!("{:?}", gateway.to_string())),
            ("programs.example.source", format!("{:?}", LINES[0].source)),
            ("programs.example.secret", format!("{SECRET:?}")),
            ("programs.example.name", "\"Shop program\"".to_owned()),
        ]
    }

    /// Whether it shares this bot.
    pub(super) fn is_at(&self, source: &str) -> bool {
        source == self.source
    }

    /// Whether it has sent a message.
    pub(super) fn has_sent(&self, chat: i64, message: i64) -> bool {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).contains(&(chat, message))
    }

    /// Answers customers, and never ends. While the bridge is down, it keeps polling, as libraries do.
    pub(super) async fn run(&self) {
        let mut offset = 0;
        loop {
            let asked = json!({ "offset": offset, "timeout": POLL_TIMEOUT_SECONDS });
            let Some(updates) = self.call("getUpdates", asked).await else {
                sleep(RETRY_AFTER).await;
                continue;
            };
            for update in updates.as_array().into_iter().flatten() {
                self.answer(update).await;
                offset = update["update_id"].as_i64().map_or(offset, |id| id + 1);
            }
        }
    }

    async fn answer(&self, update: &Value) {
        let (message, press) = (&update["message"], &update["callback_query"]);
        if message["text"] == COMMAND {
            self.offer(&message["chat"]["id"]).await;
        } else if let Some(word) = press["data"].as_str().and_then(|data| data.strip_prefix("shop:")) {
            self.order(press, word).await;
        }
    }

    async fn offer(&self, chat: &Value) {
        let keys = GOODS.map(|(word, label)| json!([{ "text": label, "callback_data": format!("shop:{word}") }]));
        let text = "What would you like?";
        let message = json!({ "chat_id": chat, "text": text, "reply_markup": { "inline_keyboard": keys } });
        let Some(sent) = self.call("sendMessage", message).await else { return };
        if let (Some(chat), Some(message)) = (sent["chat"]["id"].as_i64(), sent["message_id"].as_i64()) {
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert((chat, message));
        }
    }

    async fn order(&self, press: &Value, word: &str) {
        self.call("answerCallbackQuery", json!({ "callback_query_id": press["id"] })).await;
        let Some((_, label)) = GOODS.iter().find(|(known, _)| *known == word) else { return };
        let (chat, message) = (&press["message"]["chat"]["id"], &press["message"]["message_id"]);
        let text = format!("{label}: ordered. Thank you!");
        self.call("editMessageText", json!({ "chat_id": chat, "message_id": message, "text": text })).await;
    }

    /// The result of a call; `None` if it was refused, or there was no response.
    async fn call(&self, method: &str, parameters: Value) -> Option<Value> {
        let call = self.client.post(format!("{}/{method}", self.url));
        let call = call.header(header::CONTENT_TYPE, "application/json").body(parameters.to_string());
        let answer: Value = serde_json::from_slice(&call.send().await.ok()?.bytes().await.ok()?).ok()?;
        (answer["ok"] == true).then(|| answer["result"].clone())
    }
}
