//! The owner's own programs, which share a bot with Kommo: one polls, one has a webhook. They crash and fail now and
//! then, and note what they got and what they had confirmed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use telekommo::sandbox::{
    harness::{LINES, Line, unused_address},
    telegram::Room,
};
use tokio::{task::JoinSet, time::sleep};

use super::{Talk, book};
use crate::proxy::{Message, Watch};

pub(crate) use noted::{Programs, content};

mod noted;

/// Whose bot they share.
pub(crate) const SHARED: Line = LINES[0];
/// What they have in place of its token.
pub(crate) const SECRETS: [&str; 2] =
    ["7000000001:SANDBOX-program-that-polls", "7000000001:SANDBOX-program-with-webhook"];
/// Which kinds they ask for, and are told of without asking, too.
const KINDS: [&str; 3] = ["message", "edited_message", "callback_query"];
/// How many updates the webhook takes at once.
const AT_ONCE: usize = 4;
const LIMIT: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);
/// How often the webhook is set. That it is set already disturbs nothing.
const SET_EVERY: Duration = Duration::from_millis(300);
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// Of so many answers one is not confirmed, since the program crashes; of so many updates one is not taken by the
/// webhook, and one is answered.
const CRASHES: u8 = 8;
const FAILS: u8 = 20;
const ANSWERS: u8 = 6;
/// What is in all that they write.
const WRITTEN: &str = " by a program ";

/// Whether a program has written this.
pub(crate) fn is_programs(text: &str) -> bool {
    text.contains(WRITTEN)
}

/// The programs while they run.
pub(crate) struct Running {
    /// Whether things go wrong with them.
    is_rough: Arc<AtomicBool>,
    book: Arc<book::Open>,
    _tasks: JoinSet<()>,
}

/// What a program needs.
#[derive(Clone)]
struct Program {
    client: reqwest::Client,
    /// Where it reaches the Bot API.
    api: String,
    is_rough: Arc<AtomicBool>,
    book: Arc<book::Open>,
}

/// The lines of the configuration that let them in, and where the gateway is.
pub(crate) fn settings() -> (String, String) {
    let at = unused_address();
    let program = |(name, secret): (&str, &str)| {
        format!(
            "programs.{name}.source = {:?}\nprograms.{name}.secret = {secret:?}\nprograms.{name}.leads = \"always\"\n",
            SHARED.source
        )
    };
    let programs = ["shop", "desk"].into_iter().zip(SECRETS).map(program).collect::<String>();
    (format!("gateway.listen = \"{at}\"\ngateway.allow_private = true\n{programs}"), format!("http://{at}"))
}

impl Running {
    /// Starts them.
    pub(super) fn begin(gateway: &str, book: &Arc<book::Open>) -> Self {
        let is_rough = Arc::new(AtomicBool::new(false));
        let program = |secret: &str| Program {
            client: reqwest::Client::builder().no_proxy().timeout(ANSWERED_WITHIN).build().unwrap(),
            api: format!("{gateway}/bot{secret}"),
            is_rough: Arc::clone(&is_rough),
            book: Arc::clone(book),
        };
        let [polls, hooked] = SECRETS.map(program);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(take)).with_state(hooked.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(polls.poll());
        tasks.spawn(hooked.keep_webhook(address));
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { is_rough, book: Arc::clone(book), _tasks: tasks }
    }

    /// Whether something goes wrong with them from now on.
    pub(crate) fn set_rough(&self, is_rough: bool) {
        self.is_rough.store(is_rough, Ordering::Relaxed);
    }

    /// Sees what Telegram tells the bot that they share.
    pub(crate) fn watch(&self) -> Watch {
        let book = Arc::clone(&self.book);
        Arc::new(move |request: &Message, answer: &Message| {
            let is_poll = request.path().to_ascii_lowercase().contains("/getupdates");
            if is_poll && request.path().contains(SHARED.token) {
                let told: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
                let updates = told["result"].as_array().cloned().unwrap_or_default();
                book.with(|book| book.programs.told(&updates));
            }
        })
    }
}

impl Program {
    /// What a call is answered, if it is answered as the Bot API does.
    async fn call(&self, method: &str, parameters: Value) -> Option<Value> {
        let request = self.client.post(format!("{}/{method}", self.api)).header("content-type", "application/json");
        let answer = request.body(parameters.to_string()).send().await.ok()?;
        let is_success = answer.status().is_success();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
        (is_success && answer["ok"] == true).then(|| answer["result"].clone())
    }

    fn is_rough(&self) -> bool {
        self.is_rough.load(Ordering::Relaxed)
    }

    /// Whether chance has it, which one time of so many it has.
    fn happens(&self, of: u8) -> bool {
        self.is_rough() && fastrand::u8(..of) == 0
    }

    /// Asks for updates, and confirms them by the next offset. One that crashes has no offset.
    async fn poll(self) {
        let (mut offset, mut epoch) = (None, 0);
        loop {
            let now = self.book.with(|book| book.programs.epoch);
            if now != epoch {
                (offset, epoch) = (None, now);
            }
            let ask = json!({ "offset": offset.unwrap_or(0), "limit": LIMIT, "timeout": 1, "allowed_updates": KINDS });
            let Some(updates) = self.call("getUpdates", ask).await else {
                sleep(PAUSE).await;
                continue;
            };
            let updates = updates.as_array().cloned().unwrap_or_default();
            self.book.with(|book| book.programs.polled(epoch, offset, &updates));
            if self.happens(CRASHES) {
                offset = None;
                continue;
            }
            offset = updates.last().and_then(|update| Some(update["update_id"].as_i64()? + 1)).or(offset);
            for update in &updates {
                self.answer(update).await;
            }
        }
    }

    /// Answers a customer now and then.
    async fn answer(&self, update: &Value) {
        let chat = update["message"]["chat"]["id"].as_i64();
        let is_here = |talk: &Talk| talk.line().token == SHARED.token && Some(talk.who) == chat;
        let is_private = |talk: &Talk| matches!(talk.room, Room::Private { .. });
        let talk = Talk::all().into_iter().filter(is_private).find(is_here);
        let Some(talk) = talk.filter(|_| self.happens(ANSWERS)) else { return };
        let text = self.book.with(|book| {
            let text = format!("{} said{WRITTEN}{}", talk.tag(), book.programs.sent.len());
            book.programs.sent.insert(text.clone(), (talk, false));
            text
        });
        let sent = self.call("sendMessage", json!({ "chat_id": talk.who, "text": text })).await;
        // Something in between may have given the answer to another call.
        if sent.is_some_and(|sent| sent["text"] == text.as_str()) {
            self.book.with(|book| book.programs.sent.insert(text, (talk, true)));
        }
    }

    /// Sets the webhook again and again: an older store may not know it.
    async fn keep_webhook(self, address: String) {
        let webhook = json!({ "url": address, "max_connections": AT_ONCE, "allowed_updates": KINDS });
        loop {
            self.call("setWebhook", webhook.clone()).await;
            sleep(SET_EVERY).await;
        }
    }
}

/// Takes an update that is sent to the webhook, or fails.
async fn take(State(program): State<Program>, body: Bytes) -> StatusCode {
    let update: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_taken = !program.happens(FAILS);
    program.book.with(|book| book.programs.hooked(&update, is_taken));
    if is_taken { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
