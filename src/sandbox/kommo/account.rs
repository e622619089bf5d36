//! The REST API v4 of the account behind the channel, as far as a chat integration uses it, at an address of its own.
//!
//! Rules follow amocrm.ru/developers (CRM platform: sources, contacts, leads, custom fields, chat templates, error
//! codes) and developers.kommo.com. Where they do not say what is answered, it is what a client could least expect.

use std::net::SocketAddr;

use crate::{
    domain::time::UnixMillis,
    sandbox::{
        fault::{Fault, Faults},
        kommo::{Core, FakeKommo},
    },
};

mod acts;
pub(super) mod api;
mod contacts;
mod events;
mod fields;
mod gate;
mod leads;
mod problem;
mod records;
mod sources;
mod templates;
mod token;

pub use fields::Values;
pub use gate::Rate;
pub use records::{Card, Lead, MAIN_PIPELINE, OTHER_PIPELINE, StoredSource, StoredTemplate};

pub(super) use records::Records;

/// What a request of the REST API is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Account,
    Users,
    /// The sources of the integration.
    Sources,
    Contacts,
    /// Custom fields of contacts.
    ContactFields,
    /// Which chat belongs to which contact.
    ContactChats,
    /// What is noted among the events of contacts.
    ContactNotes,
    Leads,
    /// Custom fields of leads.
    LeadFields,
    Templates,
    Events,
}

/// A request to the REST API. The token is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestRequest {
    /// `GET`, `POST`, `PATCH`, `DELETE`.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// What it is about; `None` if there is no such address.
    pub subject: Option<Subject>,
    /// The body as it came.
    pub body: String,
    /// The HTTP status of the answer; `None` if the connection was closed instead.
    pub status: Option<u16>,
}

/// Everything behind the REST API that requests and acts share.
pub(super) struct Rest {
    pub(super) records: std::sync::Mutex<Records>,
    pub(super) faults: Faults<Option<Subject>>,
}

impl Rest {
    pub(super) fn new(now: UnixMillis, amojo_id: &str) -> Self {
        Self { records: std::sync::Mutex::new(Records::new(now, amojo_id)), faults: Faults::new() }
    }

    /// A panic elsewhere leaves the records usable: the test that caused it fails by itself.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Records) -> R) -> R {
        act(&mut self.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Chats that have become leads get their cards, as Kommo makes them after a message.
pub(super) fn follow(core: &Core) {
    core.world.read(|world| core.rest.with(|records| records.follow(&world.chats, core.clock.now())));
}

impl FakeKommo {
    /// The address of the account's REST API, without a slash at the end.
    pub fn account_url(&self) -> String {
        format!("http://{}", self.rest_server.address())
    }

    /// Where the REST API listens.
    pub fn account_address(&self) -> SocketAddr {
        self.rest_server.address()
    }

    /// The next `times` requests about `subject` (`None`: about anything) go wrong.
    pub fn rest_fault(&self, subject: impl Into<Option<Subject>>, fault: Fault, times: u32) {
        self.core.rest.faults.add(subject.into(), fault, times);
    }

    /// Down: the REST API refuses connections and breaks the open ones. Up: it listens again at the same port.
    pub fn rest_down(&self, down: bool) -> std::io::Result<()> {
        self.rest_server.set_down(down)
    }

    /// All requests to the REST API, oldest first.
    pub fn rest_requests(&self) -> Vec<RestRequest> {
        self.core.rest.with(|records| records.requests.clone())
    }
}
