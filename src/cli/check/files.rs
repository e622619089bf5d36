//! Checks that files can be fetched: customers' files from Telegram, managers' files from Kommo and other hosts. It
//! asks for a file that does not exist, so any answer shows that the server is reached.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;

use crate::{
    cli::check::{finding::Finding, fine, wrong},
    config::Config,
    domain::address::SourceId,
    kommo::media::{DownloadError, Downloads},
    net::Endpoint,
    telegram::bot::Bot,
};

const ABOUT: &str = "Files";

/// Asks Telegram's server for a file. All bots go the same way.
pub(super) async fn of_customers(bots: &BTreeMap<SourceId, Bot>) -> Option<Finding> {
    let bot = bots.values().next()?;
    Some(match bot.reach_files().await {
        Ok(place) => fine(ABOUT, format!("the server of customers' files answers at {place}")),
        Err(trouble) => wrong(ABOUT, format!("customers' files cannot be fetched: {trouble}")),
    })
}

/// Asks each host for a file that managers' files may come from, as far as it is known by name.
pub(super) async fn of_managers(config: &Config, downloads: &Downloads) -> Vec<Finding> {
    let kommo = &config.kommo;
    let servers = [Some(&kommo.chats_url), kommo.account_url.as_ref()].into_iter().flatten();
    let servers: BTreeSet<_> = servers.map(|server| root(server.url())).collect();
    let mut findings = Vec::new();
    for server in &servers {
        findings.push(reached_finding(downloads.reach(server).await, server.host_str().unwrap_or_default()));
    }
    for host in &kommo.media_hosts {
        findings.push(reached_finding(named(downloads, host).await, host));
    }
    findings
}

fn root(url: &Url) -> Url {
    let mut root = url.clone();
    root.set_path("/");
    root
}

/// Of a host that the operator has named, nobody knows whether it speaks TLS.
async fn named(downloads: &Downloads, host: &str) -> Result<Endpoint, DownloadError> {
    let url = |scheme| Url::parse(&format!("{scheme}://{host}/")).map_err(|_| nowhere());
    match downloads.reach(&url("https")?).await {
        Ok(place) => Ok(place),
        Err(error) => downloads.reach(&url("http")?).await.map_err(|_| error),
    }
}

const fn nowhere() -> DownloadError {
    DownloadError::Foreign { host: String::new() }
}

fn reached_finding(reached: Result<Endpoint, DownloadError>, host: &str) -> Finding {
    match reached {
        Ok(place) => fine(ABOUT, format!("managers' files can be fetched from {place}")),
        Err(error) => wrong(ABOUT, format!("managers' files cannot be fetched from {host}: {error}")),
    }
}
