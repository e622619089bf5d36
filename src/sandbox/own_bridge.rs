//! A configuration for another bridge between the fakes of a sandbox.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use reqwest::Url;

use crate::sandbox::harness::Harness;

/// Placeholders of a channel's scope in an address: ours and Kommo's.
const SCOPE: [&str; 2] = ["SCOPE", ":scope_id"];

/// The target of Kommo's hooks, with the channel's scope.
pub(super) fn hook_url(hooks_to: &Url, stage: &Harness) -> Url {
    let scope = stage.kommo.settings().scope_id();
    let path: Vec<_> =
        hooks_to.path().split('/').map(|part| if SCOPE.contains(&part) { scope.as_str() } else { part }).collect();
    let mut url = hooks_to.clone();
    url.set_path(&path.join("/"));
    url
}

/// The configuration with which `telekommo run` receives the hooks for `hooks_to`. Its data directory is removed with
/// the sandbox.
///
/// # Errors
/// If no port is free.
pub(super) fn config(hooks_to: &Url, stage: &Harness) -> anyhow::Result<String> {
    let admin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let listen =
        listener(hooks_to).map(|address| format!("server.listen = {:?}\n", address.to_string())).unwrap_or_default();
    let public = format!("server.public_url = {:?}\nadmin.listen = {:?}\n", public_url(hooks_to), admin.to_string());
    Ok(stage.config_with(&format!("{listen}{public}")))
}

/// Where the bridge listens, if `hooks_to` is plain http to an IP address or localhost; otherwise it is behind a web
/// server.
fn listener(hooks_to: &Url) -> Option<SocketAddr> {
    let host = hooks_to.host_str()?.trim_matches(['[', ']']);
    let ip = if host == "localhost" { Some(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { host.parse().ok() };
    let is_plain = hooks_to.scheme() == "http";
    Some(SocketAddr::new(ip.filter(|_| is_plain)?, hooks_to.port_or_known_default()?))
}

/// The address of the hooks without telekommo's own path.
fn public_url(hooks_to: &Url) -> String {
    let mut url = hooks_to.clone();
    let path = url.path().split("/kommo").next().unwrap_or_default().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_listens_where_hooks_go() {
        for (hooks_to, listen, public) in [
            ("http://127.0.0.1:8080/kommo/SCOPE", Some("127.0.0.1:8080"), "http://127.0.0.1:8080"),
            ("http://localhost:81/tg/kommo/:scope_id", Some("127.0.0.1:81"), "http://localhost:81/tg"),
            ("http://[::1]:81/kommo/x?a=b", Some("[::1]:81"), "http://[::1]:81"),
            ("http://10.0.0.7/kommo/SCOPE", Some("10.0.0.7:80"), "http://10.0.0.7"),
            ("https://tk.example.com/kommo/SCOPE", None, "https://tk.example.com"),
            ("https://10.0.0.7/kommo/SCOPE", None, "https://10.0.0.7"),
        ] {
            let url = hooks_to.parse().unwrap();
            assert_eq!(listener(&url).map(|address| address.to_string()).as_deref(), listen, "{hooks_to}");
            assert_eq!(public_url(&url), public, "{hooks_to}");
        }
    }
}
