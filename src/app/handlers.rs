//! Builds the handlers of the public listener.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
};

use tokio::sync::mpsc;

use crate::{
    config::Config,
    domain::{address::SourceId, message::Typing},
    intake::hook::{Broadcasts, HookIntake, Robots, Scope},
    kommo::{
        media::{Downloads, Hosts},
        region::PhoneRegion,
        sign::Signer,
        time::KommoTime,
    },
    media::{disk::Disk, imported, link::LinkKey, serve::MediaServer},
    metrics::Metrics,
    net::Egress,
    store::Store,
    telegram::bot::Bot,
    trace::Trace,
    words::Spoken,
};

/// The intake of hooks.
pub(super) fn hooks(
    config: &Config,
    scope: Scope,
    (store, bots, metrics, trace): (&Store, &BTreeMap<SourceId, Bot>, &Arc<Metrics>, &Trace),
    (typing, time, spoken): (mpsc::Sender<Typing>, KommoTime, Spoken),
    phone_region: PhoneRegion,
) -> HookIntake {
    HookIntake {
        scope,
        signer: Signer::new(config.kommo.channel_secret.expose()),
        store: store.clone(),
        sources: bots.keys().cloned().collect(),
        quiet: quiet(config),
        robots: Robots { channel_bot: config.kommo.bot_id.as_ref().map(ToString::to_string) },
        typing,
        metrics: Arc::clone(metrics),
        broadcasts: Broadcasts::default(),
        warned_elsewhere: AtomicBool::new(false),
        time,
        phone_region,
        known_for: config.store.dedupe_for,
        spoken,
        trace: trace.clone(),
    }
}

/// The sources whose programs are quiet while a manager writes.
fn quiet(config: &Config) -> BTreeSet<SourceId> {
    let quiet = config.programs.values().filter(|program| program.quiet.is_some());
    quiet.map(|program| program.source.clone()).collect()
}

/// The server of customers' files.
pub fn media(
    config: &Config,
    bots: &BTreeMap<SourceId, Bot>,
    disk: Option<Disk>,
    metrics: &Arc<Metrics>,
) -> MediaServer {
    let key = LinkKey::derive(config.kommo.channel_secret.expose());
    MediaServer::new(key, bots.clone(), disk, imported::dir(&config.data_dir), Arc::clone(metrics))
}

/// The downloads of managers' files.
pub fn downloads(config: &Config) -> Result<Downloads, reqwest::Error> {
    downloads_by(config, &config.kommo.egress())
}

/// The same with another way out.
pub(super) fn downloads_by(config: &Config, egress: &Egress) -> Result<Downloads, reqwest::Error> {
    Downloads::new(egress, hosts(config), config.kommo.timeout)
}

/// The hosts of managers' files. They include our own links: Kommo may refer by one to a customer's file that is passed
/// on.
fn hosts(config: &Config) -> Hosts {
    let kommo = &config.kommo;
    let servers = [Some(&kommo.chats_url), kommo.account_url.as_ref()];
    let servers = servers.into_iter().flatten().map(|server| server.url().clone());
    let mut own = config.server.public_url.url().clone();
    own.set_path(&format!("{}/media/", own.path().trim_end_matches('/')));
    Hosts::new(servers, kommo.media_hosts.iter().map(String::as_str)).with_own(own)
}
