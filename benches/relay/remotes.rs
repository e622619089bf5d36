//! Telegram and Kommo, as fast as they can be: they check nothing, and answer at once.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::{Value, json};
use sha1::Sha1;
use tokio::{
    sync::{Notify, watch},
    time::{timeout, timeout_at},
};

use crate::bridge::{BOT, SCOPE, SECRET, serve};

/// How many customers write.
pub(crate) const CONVERSATIONS: usize = 500;
/// How many hooks Kommo sends side by side.
const HOOKS_AT_ONCE: usize = 32;
/// How many updates Telegram gives at once (Bot API, `getUpdates`).
const MOST_UPDATES: usize = 100;
/// No measurement takes as long: something is lost.
const WITHIN: Duration = Duration::from_mins(5);

/// Both, at their addresses.
pub(crate) struct Remotes {
    pub(crate) telegram: SocketAddr,
    pub(crate) kommo: SocketAddr,
    state: Arc<Remote>,
    http: reqwest::Client,
    number: AtomicUsize,
}

struct Remote {
    /// What bots have not confirmed yet, each with its number.
    updates: Mutex<BTreeMap<u64, VecDeque<(i64, String)>>>,
    news: Notify,
    ids: AtomicI64,
    /// The texts that have come to the other side.
    arrived: Mutex<HashSet<String>>,
    count: watch::Sender<usize>,
}

impl Remotes {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Remote {
            updates: Mutex::default(),
            news: Notify::new(),
            ids: AtomicI64::new(1),
            arrived: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let telegram = serve(Router::new().fallback(telegram).with_state(Arc::clone(&state))).await;
        let kommo = serve(Router::new().fallback(kommo).with_state(Arc::clone(&state))).await;
        Self { telegram, kommo, state, http: reqwest::Client::new(), number: AtomicUsize::new(0) }
    }

    /// Customers write so many messages. Gives the time until Kommo has all of them.
    pub(crate) async fn inbound(&self, count: usize) -> Duration {
        let texts = self.texts(count);
        let now = chrono::Utc::now().timestamp();
        let updates = texts.iter().enumerate().map(|(at, text)| {
            let (id, chat) = (self.state.ids.fetch_add(1, Ordering::Relaxed), customer(at));
            let from = json!({"id": chat, "is_bot": false, "first_name": "Anna", "language_code": "en"});
            let place = json!({"id": chat, "type": "private", "first_name": "Anna"});
            let message = json!({"message_id": id, "date": now, "from": from, "chat": place, "text": text});
            (id, json!({"update_id": id, "message": message}).to_string())
        });
        let updates: Vec<_> = updates.collect();
        let before = Instant::now();
        locked(&self.state.updates).entry(BOT).or_default().extend(updates);
        self.state.news.notify_waiters();
        self.until_arrived(&texts).await;
        before.elapsed()
    }

    /// Managers write so many messages; Kommo sends the hooks. Gives the time until Telegram has all of them.
    pub(crate) async fn outbound(&self, hooks: SocketAddr, count: usize) -> Duration {
        let texts = self.texts(count);
        let url = format!("http://{hooks}/kommo/{SCOPE}");
        let now = chrono::Utc::now().timestamp();
        let request = |(at, text): (usize, &String)| {
            let number = self.state.ids.fetch_add(1, Ordering::Relaxed);
            let body = hook(customer(at), number, text, now).to_string();
            self.http.post(&url).header("X-Signature", signature(&body)).body(body)
        };
        let requests: Vec<_> = texts.iter().enumerate().map(request).collect();
        let before = Instant::now();
        let sending = stream::iter(requests).for_each_concurrent(HOOKS_AT_ONCE, |request| async {
            let answer = request.send().await.expect("the relay answers");
            assert!(answer.status().is_success(), "{}", answer.status());
        });
        tokio::join!(sending, self.until_arrived(&texts));
        before.elapsed()
    }

    /// Texts that nobody has written before.
    fn texts(&self, count: usize) -> Vec<String> {
        let first = self.number.fetch_add(count, Ordering::Relaxed);
        (first..first + count).map(|number| format!("Good morning, where is my order {number}?")).collect()
    }

    /// Waits until all of these have arrived, and nothing else.
    async fn until_arrived(&self, texts: &[String]) {
        let mut count = self.state.count.subscribe();
        let arrived = count.wait_for(|count| *count >= texts.len());
        timeout(WITHIN, arrived).await.expect("every message arrives").expect("the remotes live");
        let arrived = std::mem::take(&mut *locked(&self.state.arrived));
        assert!(arrived.len() == texts.len() && texts.iter().all(|text| arrived.contains(text)), "others have arrived");
        self.state.count.send_replace(0);
    }
}

impl Remote {
    /// Notes that a message has come to the other side.
    fn note(&self, text: &str) {
        let mut arrived = locked(&self.arrived);
        assert!(arrived.insert(text.to_owned()), "{text} arrives twice");
        self.count.send_replace(arrived.len());
    }

    /// The updates of a bot from `offset` on; those below are forgotten. Without any it is waited for them.
    async fn updates(&self, bot: u64, offset: i64, wait: Duration) -> String {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let news = self.news.notified();
            let batch: Vec<_> = {
                let mut updates = locked(&self.updates);
                let queue = updates.entry(bot).or_default();
                queue.retain(|(id, _)| *id >= offset);
                queue.iter().take(MOST_UPDATES).map(|(_, update)| update.clone()).collect()
            };
            if !batch.is_empty() || timeout_at(deadline, news).await.is_err() {
                return format!("[{}]", batch.join(","));
            }
        }
    }
}

/// What the Bot API is asked for, of all methods.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    offset: i64,
    timeout: u64,
    chat_id: Value,
    text: String,
}

async fn telegram(State(remote): State<Arc<Remote>>, uri: Uri, body: Bytes) -> Response {
    let path = uri.path().strip_prefix("/bot").and_then(|path| path.rsplit_once('/'));
    let Some((token, method)) = path else { return StatusCode::NOT_FOUND.into_response() };
    let bot: u64 = token.split(':').next().and_then(|id| id.parse().ok()).expect("it is a token of ours");
    let asked: Asked = serde_json::from_slice(&body).unwrap_or_default();
    let me = json!({"id": bot, "is_bot": true, "first_name": "Bot", "username": format!("bot{bot}_bot")});
    let result = match method.to_ascii_lowercase().as_str() {
        "getupdates" => remote.updates(bot, asked.offset, Duration::from_secs(asked.timeout)).await,
        "getme" => me.to_string(),
        "getuserprofilephotos" => json!({"total_count": 0, "photos": []}).to_string(),
        "getwebhookinfo" => json!({"url": "", "has_custom_certificate": false, "pending_update_count": 0}).to_string(),
        "sendmessage" => {
            remote.note(&asked.text);
            let id = remote.ids.fetch_add(1, Ordering::Relaxed);
            let chat = json!({"id": asked.chat_id, "type": "private", "first_name": "Anna"});
            json!({"message_id": id, "date": 1, "from": me, "chat": chat, "text": asked.text}).to_string()
        }
        _ => "true".to_owned(),
    };
    ([("content-type", "application/json")], format!(r#"{{"ok":true,"result":{result}}}"#)).into_response()
}

/// A new message of ours.
#[derive(Deserialize)]
struct NewMessage {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    msgid: String,
    conversation_id: String,
    message: MessageBody,
}

#[derive(Deserialize)]
struct MessageBody {
    text: String,
}

async fn kommo(State(remote): State<Arc<Remote>>, uri: Uri, body: Bytes) -> Response {
    let answer = match uri.path().trim_matches('/').split('/').collect::<Vec<_>>()[..] {
        [.., "connect"] => json!({"scope_id": SCOPE, "title": "Benchmark", "hook_api_version": "v2"}),
        ["v2", "origin", "custom", SCOPE] => {
            let NewMessage { payload } = serde_json::from_slice(&body).expect("it is a new message");
            remote.note(&payload.message.text);
            let number = remote.ids.fetch_add(1, Ordering::Relaxed);
            let chat = uuid(payload.conversation_id.rsplit(':').next().and_then(|id| id.parse().ok()).unwrap_or(0));
            json!({"new_message": {"conversation_id": chat, "sender_id": chat, "receiver_id": null,
                "msgid": uuid(number), "ref_id": payload.msgid}})
        }
        // What became of an answer.
        _ => return StatusCode::OK.into_response(),
    };
    ([("content-type", "application/json")], answer.to_string()).into_response()
}

/// An id of Kommo's that a number makes.
fn uuid(number: i64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// What Kommo tells of a manager's message to a customer.
fn hook(customer: i64, number: i64, text: &str, now: i64) -> Value {
    json!({
        "account_id": SCOPE.rsplit('_').next(), "time": now,
        "message": {
            "receiver": {"id": uuid(customer), "phone": "", "email": "", "client_id": format!("tg-user:{customer}")},
            "sender": {"id": uuid(1)},
            "conversation": {"id": uuid(customer), "client_id": format!("tg:sales:{customer}")},
            "timestamp": now, "msec_timestamp": now * 1000,
            "message": {"id": uuid(number), "type": "text", "text": text},
        },
    })
}

/// How Kommo signs a hook ("Chat webhooks").
fn signature(body: &str) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes a key of any length");
    let digits =
        mac.chain_update(body).finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    digits.concat()
}

fn locked<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of a customer, which is that of their chat.
fn customer(at: usize) -> i64 {
    5_000_000_000 + i64::try_from(at % CONVERSATIONS).expect("there are few")
}
