//! The Bot API for the owner's own programs, which share a bot with Kommo.
//!
//! A program changes its base address and its token, for a secret of its own, and nothing else. What it calls goes to
//! Telegram with the bot's token, and Telegram's answer goes back as it is (`forward`). What it sends is read from that
//! answer and stored before the program gets it, so that Kommo shows what was really sent (`record`). What asks for
//! updates never goes to Telegram: there is one poller for each bot, which is ours.

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
mod wanted;
pub mod webhooks;

use chats::Chats;
use secret::Secrets;
use updates::Polls;
use webhooks::{Hooks, Rules};

/// How many calls of one program may be under way at the same time, and beside them how many answers to what waits for
/// seconds only.
const UNDER_WAY: usize = 256;

/// A program of the owner's, and the bot that it speaks with.
#[derive(Debug)]
pub struct Program {
    /// Its name in the configuration.
    pub name: String,
    pub source: SourceId,
    pub bot: Bot,
    /// In whose name what it sends stands in Kommo; `None` for that of the bot.
    pub shown: Option<String>,
    /// Whether what it sends begins conversations in Kommo.
    pub leads: Leads,
    /// Which updates it gets.
    pub sees: Sees,
    /// Whether its bot's server is one's own, and runs with `--local`.
    is_local: bool,
    /// How many more of its calls may be under way.
    room: Semaphore,
    /// The same of answers to what waits for seconds only.
    answers: Semaphore,
}

impl Program {
    #[must_use]
    pub fn new(name: String, bot: Bot, shown: Option<String>, leads: Leads) -> Self {
        let (room, answers) = (Semaphore::new(UNDER_WAY), Semaphore::new(UNDER_WAY));
        let (source, sees) = (bot.source().clone(), Sees::All);
        Self { name, source, bot, shown, leads, sees, is_local: false, room, answers }
    }

    /// The same with other updates.
    #[must_use]
    pub fn seeing(self, sees: Sees) -> Self {
        Self { sees, ..self }
    }

    /// The same with a server of one's own that runs with `--local`, or with another one.
    #[must_use]
    pub fn at_local(self, is_local: bool) -> Self {
        Self { is_local, ..self }
    }
}

/// What programs are doing just now. It outlives a change of the configuration.
#[derive(Debug, Default)]
pub struct ProgramStates {
    polls: Polls,
    hooks: Hooks,
}

/// What all calls share.
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
    /// Serves `programs`, each by its secret, behind `proxies`.
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

    /// The same beside others that know these states.
    #[must_use]
    pub fn knowing(self, states: Arc<ProgramStates>) -> Self {
        Self { states, ..self }
    }

    /// The same with rules for webhooks.
    #[must_use]
    pub fn ruled(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// A number for something that a program has done. It is below zero, where Telegram has no updates, and no other
    /// one has it: it counts on from the time.
    fn number(&self) -> i64 {
        let now = clock::now().0;
        let next = |last: i64| Some(now.max(last + 1));
        let last = self.last_number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(now);
        -now.max(last + 1)
    }
}

/// What the listener for programs serves.
pub fn router(shared: Arc<Shared>) -> Router {
    routes::router(shared)
}
