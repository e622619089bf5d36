//! A fake Bot API server, with the part of Telegram that a bot can observe.
//!
//! Rules and texts follow the published server (`tdlib/telegram-bot-api`, `Client.cpp`). Methods of [`FakeTelegram`]
//! create bots and act as customers. [`FakeTelegram::url`] takes the place of `https://api.telegram.org`.

use std::{io, net::SocketAddr, sync::Arc};

use serde_json::Value;
use tokio::sync::watch;

use crate::sandbox::{
    clock::Clock,
    fault::{Fault, Faults},
    record::Record,
    serve::{Leaks, Server},
    shared::Shared,
    traffic::Traffic,
};

mod acts;
mod albums;
mod api;
mod arguments;
mod attachments;
mod business;
mod business_acts;
mod cards;
mod chats;
mod commands;
mod edits;
mod files;
mod formats;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod group_acts;
mod groups;
mod hosting;
mod keyboards;
mod media;
mod message;
mod methods;
mod pictures;
mod places;
mod polls;
mod profiles;
mod reactions;
mod replies;
mod reply_keyboards;
mod responses;
mod rooms;
mod sending;
mod texts;
mod topics;
mod updates;
mod uploads;
mod world;

#[cfg(test)]
mod tests;

pub use attachments::{Attachment, FileKind, NewFile};
pub use groups::{GroupKind, NewGroup};
pub use hosting::Hosting;
pub use message::{ChatMessage, Key, Keyboard, Piece};
pub use reply_keyboards::{Asks, ReplyKey, ReplyKeyboard, phone};
pub use rooms::{GroupCard, Room};

use world::World;

/// A bot to add.
#[derive(Clone)]
pub struct NewBot {
    /// `<bot id>:<secret>`.
    pub token: String,
    /// The username, without `@`.
    pub username: String,
    /// The name to show.
    pub name: String,
}

/// A Telegram user who may write to bots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Their id, which is also the id of their private chat with any bot.
    pub id: i64,
    /// Never empty.
    pub first_name: String,
    /// The last name, if they have given one.
    pub last_name: Option<String>,
    /// The public username, without `@`.
    pub username: Option<String>,
    /// The language of their app: `en`.
    pub language_code: Option<String>,
}

/// A request that a bot made.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub bot: i64,
    /// The method in lower case, as the server reads it.
    pub method: String,
    /// The arguments: the JSON body as it came, or an object of strings.
    pub args: Value,
    /// The HTTP status of the answer; `None` if the connection was closed instead.
    pub status: Option<u16>,
}

/// The target of a fault. `None` matches any.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The bot, by its token.
    pub token: Option<String>,
    /// The method, in any case.
    pub method: Option<String>,
}

impl Target {
    pub const fn any() -> Self {
        Self { token: None, method: None }
    }

    /// A method of any bot.
    pub fn method(method: &str) -> Self {
        Self { token: None, method: Some(method.to_owned()) }
    }

    /// Every request of one bot.
    pub fn bot(token: &str) -> Self {
        Self { token: Some(token.to_owned()), method: None }
    }

    fn matches(&self, token: &str, method: &str) -> bool {
        self.token.as_deref().is_none_or(|ours| ours == token)
            && self.method.as_deref().is_none_or(|ours| ours.eq_ignore_ascii_case(method))
    }
}

/// The state that requests and acts share.
struct Core {
    world: Shared<World>,
    clock: Clock,
    faults: Faults<Target>,
    traffic: Traffic,
    record: Record,
}

/// A running fake. Clones are handles to the same one, which stops with the last of them.
#[derive(Clone)]
pub struct FakeTelegram {
    core: Arc<Core>,
    server: Arc<Server>,
    leaks: Arc<Leaks>,
}

impl FakeTelegram {
    /// Starts a server at `listen` (port 0: any free one). Needs a tokio runtime around it.
    ///
    /// # Errors
    /// The address cannot be bound, or the record that was asked for cannot be kept.
    pub fn start(listen: SocketAddr) -> io::Result<Self> {
        let core = Arc::new(Core {
            world: Shared::new(World::default()),
            clock: Clock::default(),
            faults: Faults::new(),
            traffic: Traffic::new(),
            record: Record::of_process()?,
        });
        let leaks = Arc::new(Leaks::of("telegram", Record::of_process()?));
        let server = Server::guarded(listen, api::router(Arc::clone(&core)), Arc::clone(&leaks))?;
        Ok(Self { core, server: Arc::new(server), leaks })
    }

    /// The base address for clients, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The leaks of secrets to it.
    pub(crate) fn leaks(&self) -> &Leaks {
        &self.leaks
    }

    /// The clock that dates messages and lets updates expire. Waits (long polls) are real.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// The log of exchanges.
    pub fn traffic(&self) -> &Traffic {
        &self.core.traffic
    }

    /// A version that increases with every change of the world.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.core.world.watch()
    }

    /// Adds a fault to the next `times` requests that match `target`.
    pub fn fault(&self, target: Target, fault: Fault, times: u32) {
        self.core.faults.add(target, fault, times);
    }

    /// Removes all pending faults.
    pub fn heal(&self) {
        self.core.faults.clear();
    }

    /// Down: refuses connections and breaks the open ones. Up: listens again at the same port.
    pub fn down(&self, down: bool) -> io::Result<()> {
        self.server.set_down(down)
    }

    /// Stops, and waits until nothing of it runs any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}
