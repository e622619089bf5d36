//! A fake Chats API server, with the part of a Kommo account that a channel can observe.
//!
//! It follows the Chats API reference (amocrm.ru/developers, "API чатов"; developers.kommo.com, "Chats API"). Methods
//! of [`FakeKommo`] act as managers and show what they see. [`FakeKommo::url`] takes the place of
//! `https://amojo.kommo.com`, and [`FakeKommo::account_url`] that of `https://example.kommo.com`.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::sync::watch;

use crate::sandbox::{
    clock::Clock,
    fault::{Fault, Faults},
    record::Record,
    serve::{Leaks, Server},
    shared::Shared,
    traffic::Traffic,
};

mod account;
mod acts;
mod api;
mod attachments;
mod chats;
mod connection;
mod draft;
mod edits;
mod history;
mod hooks;
mod media;
mod messages;
mod quirks;
mod reactions;
mod reading;
mod responses;
mod statuses;
mod verify;
mod world;

pub use account::{
    Card, Lead, MAIN_PIPELINE, OTHER_PIPELINE, Rate, RestRequest, StoredSource, StoredTemplate, Subject, Values,
};
pub use attachments::{Attachment, AttachmentKind, Serving};
pub use connection::Connection;
pub use draft::{CaptionOn, Draft, Pace, Template};
pub use media::{Fetched, Media};
pub use quirks::{
    Doubtful, DuplicateAnswer, EmptyLists, ErrorShape, Fetches, FileAddress, FileNames, HistoryOrder, Imports,
    Optional, Quirks, ReactionShape, Silence, StatusNames, Texts, TwoChats, UserShape, WaitIn,
};
pub use world::{Author, Avatar, Chat, Contact, Message, Status};

use world::World;

#[cfg(test)]
mod tests;

/// The registered channel, and its account.
#[derive(Clone)]
pub struct Settings {
    pub channel_id: String,
    /// The channel's secret, 40 hex digits. Used as text, as Kommo does.
    pub channel_secret: String,
    /// The account's Chats API id (`amojo_id`), a UUID.
    pub account_id: String,
    /// The UUID of the channel's bot: the sender of imported answers that no user has written.
    pub bot_id: String,
    /// The channel's name in the account.
    pub title: String,
}

impl Settings {
    /// The id of the channel's connection to the account, which is part of every path.
    pub fn scope_id(&self) -> String {
        format!("{}_{}", self.channel_id, self.account_id)
    }
}

/// The endpoint of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST {channel}/connect`.
    Connect,
    /// `DELETE {channel}/disconnect`.
    Disconnect,
    /// `POST {scope}`: a new or an edited message.
    Message,
    /// `POST {scope}/{message}/delivery_status`.
    DeliveryStatus,
    /// `POST {scope}/typing`.
    Typing,
    /// `POST {scope}/react`.
    React,
    /// `POST {scope}/chats`.
    CreateChat,
    /// `GET {scope}/chats/{chat}/history`.
    History,
    /// `GET` or `HEAD /attachments/{account}/{file}/{name}`: a file that a manager has attached.
    Attachment,
}

/// A request that the channel made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `POST`, `GET`, `DELETE`.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// Its endpoint; `None` if there is no such path.
    pub endpoint: Option<Endpoint>,
    /// The body as it came.
    pub body: String,
    /// The HTTP status of the answer; `None` if the connection was closed instead.
    pub status: Option<u16>,
}

/// The channel's response to a hook. Kommo never repeats one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookAnswer {
    /// The HTTP status; `None` if no hook was sent, or no answer came within 5 s.
    pub status: Option<u16>,
}

/// How a raw hook is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureMode {
    /// As Kommo does: over the bytes without the newline at their end.
    Valid,
    /// Over all of the bytes, the newline included.
    OverEverything,
    Wrong,
    Missing,
    /// With this header value.
    Literal(String),
}

/// The state that requests and acts share.
struct Core {
    settings: Settings,
    world: Shared<World>,
    clock: Clock,
    faults: Faults<Option<Endpoint>>,
    /// Faults of requests with these texts.
    dislikes: Faults<String>,
    traffic: Traffic,
    record: Record,
    fetcher: media::Fetcher,
    rest: account::Rest,
    /// Sends the hooks.
    client: reqwest::Client,
}

/// A running fake. Clones are handles to the same one, which stops with the last of them.
#[derive(Clone)]
pub struct FakeKommo {
    core: Arc<Core>,
    server: Arc<Server>,
    rest_server: Arc<Server>,
    leaks: Arc<Leaks>,
    rest_leaks: Arc<Leaks>,
}

impl FakeKommo {
    /// Starts a server at `listen` (port 0: any free one). Needs a tokio runtime around it. The channel is connected.
    ///
    /// # Errors
    /// The address cannot be bound, no HTTP client can be built, or the record that was asked for cannot be kept.
    pub fn start(listen: SocketAddr, settings: Settings) -> io::Result<Self> {
        let clock = Clock::default();
        let rest = account::Rest::new(clock.now(), &settings.account_id);
        let core = Arc::new(Core {
            settings,
            world: Shared::new(World::default()),
            clock,
            faults: Faults::new(),
            dislikes: Faults::new(),
            traffic: Traffic::new(),
            record: Record::of_process()?,
            fetcher: media::Fetcher::new()?,
            rest,
            client: hooks::client()?,
        });
        let leaks = Arc::new(Leaks::of("kommo", Record::of_process()?));
        let server = Server::guarded(listen, api::router(Arc::clone(&core)), Arc::clone(&leaks))?;
        // The account has a host of its own.
        let rest_leaks = Arc::new(Leaks::of("kommo's account", Record::of_process()?));
        let (account, router) = (SocketAddr::new(listen.ip(), 0), account::api::router(Arc::clone(&core)));
        let rest = Server::guarded(account, router, Arc::clone(&rest_leaks))?;
        Ok(Self { core, server: Arc::new(server), rest_server: Arc::new(rest), leaks, rest_leaks })
    }

    /// The base address for clients, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The channel and its account.
    pub fn settings(&self) -> &Settings {
        &self.core.settings
    }

    /// The leaks of secrets to the Chats API and to the account.
    pub(crate) fn leaks(&self) -> [&Leaks; 2] {
        [&self.leaks, &self.rest_leaks]
    }

    /// The clock that dates messages and judges the `Date` header.
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

    /// Adds a fault to the next `times` requests to `endpoint` (`None`: to any).
    pub fn fault(&self, endpoint: impl Into<Option<Endpoint>>, fault: Fault, times: u32) {
        self.core.faults.add(endpoint.into(), fault, times);
    }

    /// Adds a fault to every request with this text in its path or body.
    pub fn fault_of(&self, text: &str, fault: Fault) {
        self.core.dislikes.add(text.to_owned(), fault, u32::MAX);
    }

    /// Whether all faults of the Chats API were taken by requests.
    pub fn faults_are_over(&self) -> bool {
        self.core.faults.are_over()
    }

    /// Removes all pending faults.
    pub fn heal(&self) {
        self.core.dislikes.clear();
        self.core.faults.clear();
        self.core.rest.faults.clear();
    }

    /// Down: refuses connections and breaks the open ones. Up: listens again at the same port.
    pub fn down(&self, down: bool) -> io::Result<()> {
        self.server.set_down(down)
    }

    /// Stops, and waits until nothing of it runs any more.
    pub async fn stop(&self) {
        self.server.stop().await;
        self.rest_server.stop().await;
    }
}
