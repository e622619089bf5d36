//! The values that the tasks share, built from one configuration. They never change; a changed configuration builds new
//! ones, and takes over from the previous ones what it does not change.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    admin::identity,
    alerts::health::Health,
    app::{
        bots::{self, bots_by, disk, observed},
        customers,
        handlers::downloads_by,
        remotes::Remotes,
    },
    config::{AccountId, Changes, Config, Groups, Kommo},
    domain::{
        address::{KommoUserId, SourceId},
        assumed::Assumed,
    },
    kommo::{account::Account, chats::Chats, sign::Signer},
    media::{
        disk::Disk,
        link::{LinkKey, Links},
    },
    metrics::{Metrics, RemoteApi},
    net::Egress,
    relay::context::{Context, LogOnce, ReadReceipts},
    store::{Imports, Store},
    telegram::bot::Bot,
    trace::Trace,
};

/// Keys that [`Services`] depend on.
pub(super) const MADE_OF: [&str; 9] =
    ["telegram", "kommo", "sources", "programs", "campaigns", "phone_texts", "media", "retry", "server.public_url"];
/// Keys that bots depend on, beside their tokens.
pub(super) const BOTS: [&str; 11] = [
    "telegram.api_url",
    "telegram.requests_per_second",
    "telegram.chat_requests_per_second",
    "telegram.chat_burst",
    "telegram.group_requests_per_minute",
    "telegram.send_timeout",
    "telegram.poll_timeout",
    "telegram.buttons",
    "telegram.keep_buttons",
    "telegram.local",
    "telegram.proxy",
];
/// Keys that the client of the Chats API depends on.
pub(super) const CHATS: [&str; 6] = [
    "kommo.requests_per_second",
    "kommo.timeout",
    "kommo.proxy",
    "kommo.status_names",
    "kommo.status_in_messages",
    "kommo.customer_edits",
];
/// Keys that the client of the account depends on.
const ACCOUNT: [&str; 3] = ["kommo.access_token", "kommo.timeout", "kommo.proxy"];
/// The key that remotes depend on, beside their clients.
const REMOTES: &str = "retry.probe_every";

/// Everything that the tasks share.
pub(super) struct Services {
    pub(super) health: Arc<Health>,
    pub(super) store: Store,
    pub(super) metrics: Arc<Metrics>,
    pub(super) trace: Trace,
    pub(super) bots: BTreeMap<SourceId, Bot>,
    pub(super) remotes: Remotes,
    pub(super) context: Arc<Context>,
    /// The directory of customers' files, if they are on this machine.
    pub(super) disk: Option<Disk>,
    /// The account's REST API, if there is a token for it.
    pub(super) account: Option<Account>,
    /// The account that the bridge serves.
    pub(super) served: AccountId,
}

/// The previous services, and how the configuration has changed since.
#[derive(Clone, Copy)]
pub(super) struct PreviousServices<'a> {
    pub(super) services: &'a Services,
    pub(super) changes: &'a Changes,
}

impl<'a> PreviousServices<'a> {
    fn unless(self, changed: &[&str]) -> Option<&'a Services> {
        (!self.changes.touch(changed)).then_some(self.services)
    }

    fn with_bot(self, source: &SourceId) -> Option<&'a Services> {
        self.unless(&BOTS).filter(|_| !self.changes.touch_token(source))
    }

    /// The previous remotes, if the connection to Kommo is the same.
    pub(super) fn way_to_kommo(self) -> Option<&'a Remotes> {
        self.unless(&CHATS).filter(|_| !self.changes.touch(&[REMOTES])).map(|services| &services.remotes)
    }

    /// The previous remotes, if the connection to the account is the same.
    pub(super) fn way_to_account(self) -> Option<&'a Remotes> {
        self.unless(&ACCOUNT).filter(|_| !self.changes.touch(&[REMOTES])).map(|services| &services.remotes)
    }

    /// The previous remotes, if the connection to the bot of a source is the same.
    pub(super) fn way_of(self, source: &SourceId) -> Option<&'a Remotes> {
        self.with_bot(source).filter(|_| !self.changes.touch(&[REMOTES])).map(|services| &services.remotes)
    }
}

impl Services {
    /// Builds the services of a configuration, in place of the `previous` ones, if any.
    ///
    /// # Errors
    /// If a client cannot be set up, or the store fails.
    pub(super) fn new(
        config: &Config,
        (health, trace): (Arc<Health>, Trace),
        (account, served): (Option<Account>, AccountId),
        previous: Option<PreviousServices<'_>>,
    ) -> anyhow::Result<Self> {
        let account = account.map(|account| account.expecting(identity::expected(&config.kommo, Some(&served))));
        let (store, metrics) = (health.store().clone(), Arc::clone(health.metrics()));
        let previous_bot =
            |source: &SourceId| previous.and_then(|previous| previous.with_bot(source)?.bots.get(source)).cloned();
        let new = bots_by(config, &observed(config, &metrics))?;
        let bots = new.into_iter().map(|(source, bot)| (source.clone(), previous_bot(&source).unwrap_or(bot)));
        let bots: BTreeMap<_, _> = bots.collect();
        let chats = chats(config, &served, &metrics, previous)?;
        health.set_clock(chats.time());
        let clients = (&chats, account.as_ref(), &bots);
        let remotes = Remotes::new(clients, &metrics, config.retry.probe_every, previous);
        let context = Arc::new(context(config, (&store, &metrics, &trace), (chats, &bots, account.clone()), previous)?);
        Ok(Self { health, store, metrics, trace, bots, remotes, context, disk: disk(config)?, account, served })
    }

    /// Builds the services of a changed configuration.
    pub(super) fn rebuild(&self, config: &Config, changes: &Changes) -> anyhow::Result<Self> {
        let previous = PreviousServices { services: self, changes };
        let account = if let Some(services) = previous.unless(&ACCOUNT) {
            services.account.clone()
        } else {
            let egress = config.kommo.egress().observed(self.metrics.observer(RemoteApi::Account));
            let account = identity::client_by(&config.kommo, &egress)?;
            identity::recall(&config.kommo, account.as_ref(), &self.store)?;
            account
        };
        Self::new(
            config,
            (Arc::clone(&self.health), self.trace.clone()),
            (account, self.served.clone()),
            Some(previous),
        )
    }

    /// The notes of imports into the served channel and account.
    pub(super) fn imported(&self, config: &Config) -> Imports {
        self.store.imports(&config.kommo.scope_id(&self.served))
    }
}

/// The settings of the client of the Chats API ([`CHATS`]), without those that only a start reads.
#[derive(Debug)]
pub(super) struct ChatsSettings {
    egress: Egress,
    timeout: Duration,
    rate: u32,
    assumed: Assumed,
}

impl ChatsSettings {
    pub(super) fn of(kommo: &Kommo) -> Self {
        let rate = kommo.requests_per_second.get();
        Self { egress: kommo.egress(), timeout: kommo.timeout, rate, assumed: kommo.assumed }
    }
}

/// The client of the Chats API. A new one inherits what the previous one has learnt.
fn chats(
    config: &Config,
    served: &AccountId,
    metrics: &Arc<Metrics>,
    previous: Option<PreviousServices<'_>>,
) -> anyhow::Result<Chats> {
    if let Some(services) = previous.and_then(|previous| previous.unless(&CHATS)) {
        return Ok(services.context.chats.clone());
    }
    let kommo = &config.kommo;
    let (origin, signer) = (kommo.chats_url.url().clone(), Signer::new(kommo.channel_secret.expose()));
    let ChatsSettings { egress, timeout, rate, assumed } = ChatsSettings::of(kommo);
    let egress = egress.observed(metrics.observer(RemoteApi::Kommo));
    let chats = Chats::new(&egress, origin, &kommo.scope_id(served), signer, timeout, rate)?;
    let chats = match previous {
        Some(previous) => chats.after(&previous.services.context.chats),
        None => chats,
    };
    Ok(chats.assuming(assumed))
}

fn context(
    config: &Config,
    (store, metrics, trace): (&Store, &Arc<Metrics>, &Trace),
    (chats, bots, account): (Chats, &BTreeMap<SourceId, Bot>, Option<Account>),
    previous: Option<PreviousServices<'_>>,
) -> anyhow::Result<Context> {
    let kommo = &config.kommo;
    let tap = previous.map(|previous| previous.services.context.tap.clone()).unwrap_or_default();
    // Jobs that still run with the previous services must not write at the same time as new ones.
    let writing = previous.map(|previous| Arc::clone(&previous.services.context.crm.writing)).unwrap_or_default();
    Ok(Context {
        chats,
        bots: bots.clone(),
        downloads: downloads_by(config, &kommo.egress().observed(metrics.observer(RemoteApi::Files)))?,
        links: Links {
            key: LinkKey::derive(kommo.channel_secret.expose()),
            public_url: config.server.public_url.url().clone(),
            valid_for: config.media.links_for,
        },
        store: store.clone(),
        keep_buttons: config.telegram.keep_buttons,
        reading: ReadReceipts { marks: config.telegram.mark_read, is_inferred: kommo.infer_read },
        shared: config.programs.values().map(|program| program.source.clone()).collect(),
        groups: config.telegram.groups == Groups::Relay,
        largest_file_bytes: bots::largest_download_bytes(&config.telegram),
        spoken: identity::spoken(kommo, store)?,
        channel_bot: kommo.bot_id.as_ref().map(|id| KommoUserId(id.to_string())),
        logged_once: LogOnce::default(),
        tap,
        trace: trace.clone(),
        metrics: Arc::clone(metrics),
        crm: customers::crm(config, account, writing),
    })
}
