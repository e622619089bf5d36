//! Relays that promise less than the bridge. Both do what a relay must: ask for updates, take hooks, translate and
//! sign. They keep no order, try nothing again, and take again what they have taken already.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use telekommo::kommo::sign::{CONTENT_TYPE, Signer};
use tokio::sync::Semaphore;

use crate::bridge::{BOT, SCOPE, SECRET, listen, token};

/// How many messages are on their way at once.
const AT_ONCE: usize = 64;

/// What a relay keeps of a message that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    Nothing,
    /// The message, on the disk: each is flushed by itself.
    Flushed,
}

impl Keeps {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Flushed => "flushed",
        }
    }

    pub(crate) fn of(name: &str) -> Self {
        if name == Self::Flushed.name() { Self::Flushed } else { Self::Nothing }
    }
}

struct Yardstick {
    telegram: String,
    kommo: String,
    http: reqwest::Client,
    signer: Signer,
    /// Where each message is written down.
    log: Option<Mutex<File>>,
    places: Arc<Semaphore>,
}

/// Relays between the two, until the process is killed.
pub(crate) async fn run(keeps: Keeps, telegram: &str, kommo: &str, log: &Path) {
    let log = (keeps == Keeps::Flushed)
        .then(|| OpenOptions::new().create(true).append(true).open(log).expect("there is room"));
    let yardstick = Arc::new(Yardstick {
        telegram: format!("http://{telegram}/bot{}", token(BOT)),
        kommo: format!("http://{kommo}"),
        http: reqwest::Client::new(),
        signer: Signer::new(SECRET),
        log: log.map(Mutex::new),
        places: Arc::new(Semaphore::new(AT_ONCE)),
    });
    let (address, listener) = listen().await;
    println!("{address}");
    let router = Router::new().fallback(hook).with_state(Arc::clone(&yardstick));
    let serving = axum::serve(listener, router);
    let (served, ()) = tokio::join!(async { serving.await }, yardstick.poll());
    served.expect("it serves");
}

impl Yardstick {
    /// Writes a message down, if this relay does.
    async fn keep(self: &Arc<Self>, message: Bytes) {
        let this = Arc::clone(self);
        if this.log.is_some() {
            let kept = tokio::task::spawn_blocking(move || this.write(&message)).await;
            kept.expect("it is written").expect("there is room");
        }
    }

    fn write(&self, message: &[u8]) -> std::io::Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.write_all(message)?;
        log.sync_data()
    }

    async fn call(&self, method: &str, arguments: Value) -> Value {
        let request = self.http.post(format!("{}/{method}", self.telegram)).header("Content-Type", CONTENT_TYPE);
        let answer = request.body(arguments.to_string()).send().await.expect("Telegram answers");
        let body = answer.bytes().await.expect("Telegram answers");
        let mut answer: Value = serde_json::from_slice(&body).expect("it is JSON");
        answer["result"].take()
    }

    async fn poll(self: Arc<Self>) {
        let mut offset = 0;
        loop {
            let updates = self.call("getUpdates", json!({"offset": offset, "limit": 100, "timeout": 50})).await;
            for update in updates.as_array().into_iter().flatten() {
                offset = offset.max(update["update_id"].as_i64().unwrap_or_default() + 1);
                self.keep(update.to_string().into()).await;
                let place = Arc::clone(&self.places).acquire_owned().await.expect("it stays open");
                let (this, update) = (Arc::clone(&self), update.clone());
                spawn(async move {
                    this.to_kommo(&update).await;
                    drop(place);
                });
            }
        }
    }

    async fn to_kommo(&self, update: &Value) {
        let (message, chat) = (&update["message"], &update["message"]["chat"]["id"]);
        let sender = json!({"id": format!("tg-user:{chat}"), "name": message["from"]["first_name"]});
        let body = json!({"event_type": "new_message", "payload": {
            "timestamp": message["date"], "msec_timestamp": message["date"].as_i64().unwrap_or_default() * 1000,
            "msgid": format!("tg:{BOT}:{chat}:{}", message["message_id"]),
            "conversation_id": format!("tg:sales:{chat}"), "sender": sender,
            "message": {"type": "text", "text": message["text"]}, "silent": false,
        }})
        .to_string();
        let path = format!("/v2/origin/custom/{SCOPE}");
        let date = chrono::Utc::now().to_rfc2822();
        let signature = self.signer.sign("POST", &path, &date, body.as_bytes());
        let request = self.http.post(format!("{}{path}", self.kommo)).header("Content-Type", CONTENT_TYPE);
        let request = request.header("Date", date).header("Content-MD5", signature.content_md5);
        let answer = request.header("X-Signature", signature.x_signature).body(body).send().await;
        answer.and_then(reqwest::Response::error_for_status).expect("Kommo takes it");
    }

    async fn to_telegram(&self, hook: &Value) {
        let chat = hook["message"]["conversation"]["client_id"].as_str().and_then(|id| id.rsplit(':').next());
        let chat: i64 = chat.and_then(|id| id.parse().ok()).expect("it is one of ours");
        let sent = self.call("sendMessage", json!({"chat_id": chat, "text": hook["message"]["message"]["text"]})).await;
        assert!(sent["message_id"].is_i64(), "{sent}");
    }
}

async fn hook(State(yardstick): State<Arc<Yardstick>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("X-Signature").and_then(|value| value.to_str().ok());
    if yardstick.signer.verify(&body, signature).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let hook: Value = serde_json::from_slice(&body).expect("it is JSON");
    yardstick.keep(body).await;
    spawn(async move {
        let _place = yardstick.places.acquire().await;
        yardstick.to_telegram(&hook).await;
    });
    StatusCode::OK
}

fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "the process is killed when it is no longer needed")]
    tokio::spawn(work);
}
