//! Asks the running bridge, which owns the store, over the operator's listener.

use std::{net::SocketAddr, time::Duration};

use anyhow::bail;
use reqwest::{Client, Method, Response, StatusCode};

use crate::admin::OURS;

/// How long the bridge may take to answer. What goes back to its queue waits for a dump that is being written.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
pub(super) const CHANGED_WITHIN: Duration = Duration::from_mins(30);

/// Asks the running bridge.
///
/// # Errors
/// If none is running with this configuration, or it refuses; `missing` is what is said if there is no such thing.
pub(super) async fn ask(admin: SocketAddr, method: Method, path: &str, missing: &str) -> anyhow::Result<Response> {
    ask_within(ANSWERED_WITHIN, admin, method, path, missing).await
}

pub(super) async fn ask_within(
    patience: Duration,
    admin: SocketAddr,
    method: Method,
    path: &str,
    missing: &str,
) -> anyhow::Result<Response> {
    let client = Client::builder().timeout(patience).no_proxy().build()?;
    let request = client.request(method, format!("http://{admin}{path}")).header(OURS, "1");
    let answer = request.send().await.map_err(|error| {
        if error.is_timeout() {
            return anyhow::anyhow!("the bridge at {admin} is busy, with a dump perhaps: try again");
        }
        anyhow::anyhow!("no bridge answers at {admin} (admin.listen): is telekommo running with this configuration?")
    })?;
    match answer.status() {
        status if status.is_success() => Ok(answer),
        StatusCode::NOT_FOUND => bail!("{missing}"),
        status => bail!("the bridge answered {status}: {}", answer.text().await.unwrap_or_default().trim()),
    }
}
