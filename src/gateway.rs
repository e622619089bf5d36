//! The Bot API for the owner's own programs, which share a bot with Kommo.
//!
//! A program changes two settings: the address of the Bot API, and the token, in whose place it gets a secret. The
//! gateway forwards its calls to Telegram with the bot's token, and returns Telegram's response unchanged (`forward`).
//! It reads the sent messages from that response and stores them before the program gets it, so that Kommo shows what
//! was really sent (`record`). Methods that receive updates never reach Telegram, because telekommo is the only poller
//! of each bot.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::Router;
use tokio::sync::Semaphore;

use crate::{
    clock,
    domain::{
        address::SourceId,
        program::{Leads, Sees},
    },
    lifecycle::Lifecycle,
    serve::{Proxies, RefusalLimiter},
    store::Store,
    telegram::bot::Bot,
};

mod allowed_updates;
pub mod answer;
mod chats;
pub mod delivery;
mod files;
mod form;
mod forward;
mod local;
mod methods;
mod ours;
mod pace;
pub mod params;
mod record;
mod routes;
mod secret;
mod sender;
mod updates;
pub mod webhooks;

use chats::Chats;
use secret::Secrets;
use updates::Polls;
use webhooks::{Rules, WebhookStates};

/// The limit of concurrent calls of one program. Answers to queries that expire within seconds have a limit of their
/// own, which is as high.
const MAX_CONCURRENT_CALLS: usize = 256;

/// A program of the owner's, and its bot.
#[derive(Debug)]
pub struct Program {
    /// Its name in the configuration.
    pub name: String,
    pub source: SourceId,
    pub bot: Bot,
    /// The name under which Kommo shows its messages; `None` for the bot's name.
    pub display_name: Option<String>,
    /// Whether its messages begin conversations in Kommo.
    pub leads: Leads,
    /// Which updates it gets.
    pub sees: Sees,
    /// Whether the bot uses a Bot API server of one's own that runs with `--local`.
    is_local: bool,
    call_permits: Semaphore,
    /// Permits for answers to queries that expire within seconds.
    answer_permits: Semaphore,
}

impl Program {
    #[must_use]
    pub fn new(name: String, bot: Bot, display_name: Option<String>, leads: Leads) -> Self {
        let permits = || Semaphore::new(MAX_CONCURRENT_CALLS);
        let (call_permits, answer_permits) = (permits(), permits());
        let (source, sees) = (bot.source().clone(), Sees::All);
        Self { name, source, bot, display_name, leads, sees, is_local: false, call_permits, answer_permits }
    }

    #[must_use]
    pub fn with_sees(self, sees: Sees) -> Self {
        Self { sees, ..self }
    }

    #[must_use]
    pub fn with_local_server(self, is_local: bool) -> Self {
        Self { is_local, ..self }
    }
}

/// The current polls and webhooks of all programs. A reload keeps it.
#[derive(Debug, Default)]
pub struct ProgramStates {
    polls: Polls,
    webhooks: WebhookStates,
}

/// The state that all calls share.
pub struct Shared {
    secrets: Secrets,
    pub store: Store,
    proxies: Proxies,
    refusals: RefusalLimiter,
    chats: Chats,
    last_number: AtomicI64,
    states: Arc<ProgramStates>,
    rules: Rules,
    life: Lifecycle,
}

impl Shared {
    /// State for `programs`, each with its secret, behind `proxies`.
    #[must_use]
    pub fn new(programs: Vec<(String, Arc<Program>)>, store: Store, proxies: Proxies, life: Lifecycle) -> Self {
        Self {
            secrets: Secrets::new(programs),
            store,
            proxies,
            refusals: RefusalLimiter::default(),
            chats: Chats::default(),
            last_number: AtomicI64::new(0),
            states: Arc::default(),
            rules: Rules::default(),
            life,
        }
    }

    #[must_use]
    pub fn with_states(self, states: Arc<ProgramStates>) -> Self {
        Self { states, ..self }
    }

    #[must_use]
    pub fn with_webhook_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// A unique `update_id` for an action of a program. It is negative, because Telegram's are positive. The numbers
    /// start from the current time, so that a restart repeats none.
    fn next_update_id(&self) -> i64 {
        let now = clock::now().0;
        let next = |last: i64| Some(now.max(last + 1));
        let last = self.last_number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(now);
        -now.max(last + 1)
    }
}

/// The routes of the listener for programs.
pub fn router(shared: Arc<Shared>) -> Router {
    routes::router(shared)
}
