//! Checks this machine: the data directory, the ports, and a bridge that already runs.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{Client, ClientBuilder, Method, Response};

use crate::{
    admin,
    cli::{
        bridge::Running,
        check::{activated, finding::Finding, fine, warning, wrong},
    },
    config::Config,
    files::people,
    serve,
    store::{DataDirState, Store, free_bytes},
};

/// How long a bridge on this machine may take to answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// What a finding about a running bridge is called.
const RUNNING: &str = "Running";
/// How lines of `/ready` begin that stop nothing, and that no time heals.
const TO_BE_MENDED: [&str; 14] = [
    "hooks: ",
    "files of source ",
    "parked: ",
    "waiting: ",
    "failed: ",
    "disk: ",
    "dump: ",
    "clock: ",
    "token: ",
    "certificate: ",
    "public address: ",
    "sources: ",
    "alerts to ",
    "heartbeat: ",
];

/// Looks at the machine, and whether a bridge runs, be it the one whose socket was `found`. Nothing is changed.
pub(super) async fn look(config: &Config, found: Option<&Running>) -> (Vec<Finding>, bool) {
    let (hooks, operator) = (config.server.listen, config.admin.listen);
    let (of_operator, listens) = listener("Probes", "admin.listen", operator, ("/live", admin::ALIVE), found).await;
    // One that speaks HTTPS answers plain HTTP, too: by saying so.
    let says = if config.server.tls.is_some() { serve::HTTPS_ONLY } else { serve::HERE };
    let (of_hooks, _) = listener("Hooks", "server.listen", hooks, ("/", says), found).await;
    let runs = listens || found.is_some();
    let mut findings = vec![data(config, runs), disk(config), of_hooks, of_operator];
    if runs {
        findings.extend(ready(operator, found).await);
    }
    (findings, runs)
}

/// Where the data lies. A bridge that runs has made its data directory.
fn data(config: &Config, runs: bool) -> Finding {
    let (about, dir) = ("Data", config.data_dir.display());
    match Store::inspect(&config.data_dir) {
        Ok(DataDirState::Exists { uid }) => {
            fine(about, format!("{dir} can be written to, and belongs to {}", people::user(uid)))
        }
        Ok(DataDirState::Missing { .. }) if runs => wrong(
            about,
            format!(
                "{dir} does not exist, although a bridge runs: the bridge uses another data directory. The systemd \
                 unit sets TELEKOMMO_DATA_DIR; set it to the same value here"
            ),
        ),
        Ok(DataDirState::Missing { within }) => fine(about, format!("{dir} will be created in {}", within.display())),
        Err(error) => wrong(about, error.to_string()),
    }
}

fn disk(config: &Config) -> Finding {
    let about = "Disk";
    let reserve_mb = config.store.reserve_bytes >> 20;
    match free_bytes(&config.data_dir) {
        Ok(free) if free < config.store.reserve_bytes => wrong(
            about,
            format!(
                "{} MB are free, and bots stop polling below {reserve_mb} (store.reserve_mb): free some space",
                free >> 20
            ),
        ),
        Ok(free) => fine(about, format!("{} MB are free", free >> 20)),
        Err(error) => wrong(about, format!("the free space is unknown: {error}")),
    }
}

/// What is seen of a listener, and whether it is a telekommo's that runs. One that systemd keeps for a service is not
/// connected to unless that runs: it would start.
async fn listener(
    about: &'static str,
    key: &'static str,
    address: SocketAddr,
    (path, says): (&str, &str),
    found: Option<&Running>,
) -> (Finding, bool) {
    let is_taken = serve::can_listen(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    if found.is_none() && is_taken && activated::is_kept(address).await {
        let text = format!(
            "root listens on {address}, which is systemd if it keeps that for a service: the first connection would \
             start it, so the check does not connect. Start the bridge, and check again"
        );
        return (warning(about, text), false);
    }
    let is_ours = is_ours(address, path, says).await;
    (port(about, key, address, is_ours), is_ours)
}

fn port(about: &'static str, key: &str, address: SocketAddr, is_ours: bool) -> Finding {
    match serve::can_listen(address) {
        Ok(()) if address.port() == 0 => fine(about, "a free port will be taken"),
        Ok(()) => fine(about, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_ours => {
            fine(about, format!("a running telekommo uses {address}"))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            wrong(about, format!("another program uses {address}: stop it, or set another address as {key}"))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => wrong(
            about,
            format!("this user may not listen on {address} ({error}): set a port of 1024 or above as {key}"),
        ),
        Err(error) => wrong(
            about,
            format!("this machine cannot listen on {address} ({error}): set one of its own addresses as {key}"),
        ),
    }
}

/// What the running bridge says of itself.
async fn ready(operator: SocketAddr, found: Option<&Running>) -> Vec<Finding> {
    let patience = |client: ClientBuilder| client.timeout(ANSWERED_WITHIN);
    let answer = match found {
        Some(running) => running.send(Method::GET, "/ready", patience).await.ok(),
        None => ask(operator, "/ready").await,
    };
    let Some(answer) = answer else { return vec![wrong(RUNNING, "the bridge does not answer")] };
    let is_ready = answer.status().is_success();
    ready_findings(is_ready, &answer.text().await.unwrap_or_default())
}

/// The lines of `/ready`. Some stand below a bridge that is ready, and are for a person to mend all the same.
fn ready_findings(is_ready: bool, text: &str) -> Vec<Finding> {
    let to_finding = |line: &str| {
        if TO_BE_MENDED.iter().any(|start| line.starts_with(start)) {
            return wrong(RUNNING, line);
        }
        match (is_ready, line) {
            (true, "ready") => fine(RUNNING, line),
            (true, _) => warning(RUNNING, line),
            (false, _) => wrong(RUNNING, format!("the bridge is not ready: {line}")),
        }
    };
    text.lines().map(to_finding).collect()
}

/// Whether whoever listens at an address is a telekommo, by what it says at `path`.
async fn is_ours(address: SocketAddr, path: &str, says: &str) -> bool {
    match ask(address, path).await {
        Some(answer) => answer.text().await.is_ok_and(|text| text == says),
        None => false,
    }
}

async fn ask(address: SocketAddr, path: &str) -> Option<Response> {
    if address.port() == 0 {
        return None;
    }
    let client = Client::builder().no_proxy().timeout(ANSWERED_WITHIN).build().ok()?;
    client.get(format!("http://{}{path}", reached(address))).send().await.ok()
}

/// Where a listener is asked on this machine: one that listens everywhere is asked here.
fn reached(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::finding::State;

    #[test]
    fn what_stops_nothing_may_have_to_be_mended_all_the_same() {
        for (is_ready, text, want) in [
            (true, "ready\n", &[State::Ok][..]),
            (true, "ready\nheld: answers in 2 conversations wait\n", &[State::Ok, State::Warning]),
            (true, "ready\nhooks: 3 answers since then\n", &[State::Ok, State::Wrong]),
            (true, "ready\nfiles of source sales: none of the last 3\n", &[State::Ok, State::Wrong]),
            (true, "ready\nparked: 1 message is set aside\n", &[State::Ok, State::Wrong]),
            (true, "ready\nalerts to owner: no answer\n", &[State::Ok, State::Wrong]),
            (false, "kommo: no answer\ndump: full\n", &[State::Wrong, State::Wrong]),
        ] {
            let states: Vec<_> = ready_findings(is_ready, text).iter().map(|finding| finding.state).collect();
            assert_eq!(states, want, "{text}");
        }
    }
}
