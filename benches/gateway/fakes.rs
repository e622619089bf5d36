//! Telegram and Kommo, as fast as they can be: they check nothing, and answer at once.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bridge::{SCOPE, serve};

/// How much of a request is kept to be read.
const KEPT_BYTES: usize = 64 * 1024;
/// Where a form goes that nobody reads.
const CHAT: i64 = 5_000_000_000;

/// Both, at their addresses.
pub(crate) struct Fakes {
    pub(crate) telegram: SocketAddr,
    pub(crate) kommo: SocketAddr,
    state: Arc<Counts>,
}

/// What both have seen.
#[derive(Default)]
struct Counts {
    sent: AtomicUsize,
    shown: AtomicUsize,
}

impl Fakes {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Counts::default());
        let telegram = serve(Router::new().fallback(telegram).with_state(Arc::clone(&state))).await;
        let kommo = serve(Router::new().fallback(kommo).with_state(Arc::clone(&state))).await;
        Self { telegram, kommo, state }
    }

    /// How many messages Kommo shows.
    pub(crate) fn shown(&self) -> usize {
        self.state.shown.load(Ordering::Relaxed)
    }
}

/// What the Bot API is asked for, of all methods.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    timeout: u64,
    chat_id: Option<i64>,
    text: String,
}

async fn telegram(State(state): State<Arc<Counts>>, request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    let (beginning, size) = read(request.into_body()).await;
    let asked: Asked = serde_json::from_slice(&beginning).unwrap_or_default();
    let bot: u64 = path.trim_start_matches("/bot").split(':').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    let me = json!({"id": bot, "is_bot": true, "first_name": "Bot", "username": format!("bot{bot}_bot")});
    let sent = |mut message: Value| {
        message["message_id"] = state.sent.fetch_add(1, Ordering::Relaxed).into();
        message["date"] = chrono::Utc::now().timestamp().into();
        message["from"] = me.clone();
        message["chat"] = json!({"id": asked.chat_id.unwrap_or(CHAT), "type": "private", "first_name": "Anna"});
        message
    };
    let method = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let result = match method.as_str() {
        "getupdates" => {
            tokio::time::sleep(Duration::from_secs(asked.timeout)).await;
            json!([])
        }
        "getme" => me,
        "getuserprofilephotos" => json!({"total_count": 0, "photos": []}),
        "getwebhookinfo" => json!({"url": "", "has_custom_certificate": false, "pending_update_count": 0}),
        "sendmessage" => sent(json!({ "text": asked.text })),
        "senddocument" => sent(json!({"document": {"file_id": "a", "file_unique_id": "b", "file_size": size}})),
        _ => json!(true),
    };
    let body = json!({"ok": true, "result": result}).to_string();
    ([("content-type", "application/json")], body).into_response()
}

/// The beginning of a body, and how long all of it is.
async fn read(body: Body) -> (Vec<u8>, usize) {
    let (mut beginning, mut size, mut pieces) = (Vec::new(), 0, body.into_data_stream());
    while let Some(piece) = pieces.next().await {
        let piece = piece.expect("the caller goes on");
        size += piece.len();
        if beginning.len() < KEPT_BYTES {
            beginning.extend_from_slice(&piece);
        }
    }
    (beginning, size)
}

async fn kommo(State(state): State<Arc<Counts>>, uri: Uri, body: Bytes) -> Response {
    let id = |number: i64| format!("00000000-0000-4000-8000-{number:012x}");
    let answer = match uri.path().trim_matches('/').split('/').collect::<Vec<_>>()[..] {
        [.., "connect"] => json!({"scope_id": SCOPE, "title": "Benchmark", "hook_api_version": "v2"}),
        ["v2", "origin", "custom", SCOPE] => {
            let event: Value = serde_json::from_slice(&body).expect("it is an event");
            let payload = &event["payload"];
            let chat = payload["conversation_id"].as_str().and_then(|it| it.rsplit(':').next()?.parse().ok());
            let (chat, number) = (id(chat.unwrap_or(0)), state.shown.fetch_add(1, Ordering::Relaxed));
            json!({"new_message": {"conversation_id": chat, "sender_id": chat, "receiver_id": chat,
                "msgid": id(i64::try_from(number).unwrap_or(0)), "ref_id": payload["msgid"]}})
        }
        // What became of a message.
        _ => return StatusCode::OK.into_response(),
    };
    ([("content-type", "application/json")], answer.to_string()).into_response()
}
