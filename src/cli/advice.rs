//! Warnings about a valid configuration. They never stop a start: the operator may know better.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;

use crate::{
    cli::terminal::paragraph,
    config::{BaseUrl, Config, Server, ServerTls},
    kommo::account::token::Claims,
    net,
};

mod example;
mod programs;

/// The path segments that telekommo appends to `server.public_url`.
const OURS: [&str; 2] = ["kommo", "media"];

/// The warnings, with advice, as sentences.
#[must_use]
pub fn of(config: &Config) -> Vec<String> {
    let listener = (config.server.listen.port(), config.server.tls.is_some());
    let address = of_address(&config.server.public_url, listener, &config.kommo.chats_url);
    // The sandbox's fakes use the example's ids.
    let is_real = !is_of_this_machine(config.kommo.chats_url.url());
    let left = if is_real { example::left(config) } else { None };
    let rest = [left, of_token(config), of_admin_listener(config.admin.listen), of_acme(&config.server)];
    address
        .into_iter()
        .chain(rest.into_iter().flatten())
        .chain(programs::of(config))
        .chain(config.warnings.iter().cloned())
        .chain(net::complaints())
        .collect()
}

/// A warning about the account's token.
fn of_token(config: &Config) -> Option<String> {
    let token = config.kommo.access_token.as_ref()?;
    if config.kommo.account_url.is_none() {
        return Some(
            "kommo.access_token needs kommo.account_url, the account's address, and is not used without it".to_owned(),
        );
    }
    let is_odd = Claims::read(token.expose()).is_none() && !example::has_example_token(config);
    is_odd.then(|| {
        "kommo.access_token does not look like a long-lived token, which has several hundred characters in three parts \
         with dots between: copy all of it from the integration's tab \"Keys and scopes\""
            .to_owned()
    })
}

/// A warning about the name of an ACME certificate.
fn of_acme(server: &Server) -> Option<String> {
    let Some(ServerTls::Acme(acme)) = &server.tls else { return None };
    (server.public_url.url().host_str() != Some(&acme.host)).then(|| {
        format!(
            "server.tls.acme, {}, is not the host of server.public_url, {}: Kommo will not accept the certificate there",
            acme.host, server.public_url
        )
    })
}

/// A warning about the address of the admin listener.
fn of_admin_listener(listen: SocketAddr) -> Option<String> {
    (!listen.ip().to_canonical().is_loopback()).then(|| {
        format!(
            "admin.listen, {listen}, can be reached from other machines, and asks for no password: anyone who reaches \
             it sees how the bridge is doing. Use 127.0.0.1, or make sure that nobody else reaches the port (with a \
             container, publish it on 127.0.0.1 only)"
        )
    })
}

/// Warnings about `server.public_url`, by which Kommo at `kommo` should reach the listener on `port`, which has HTTPS
/// if it `is_secure`.
fn of_address(public: &BaseUrl, (port, is_secure): (u16, bool), kommo: &BaseUrl) -> Vec<String> {
    let url = public.url();
    let mut reasons = Vec::new();
    if is_of_this_machine(url) {
        if !is_of_this_machine(kommo.url()) {
            reasons.push("means this machine alone, and Kommo cannot reach it: set the public address");
        }
    } else if url.scheme() == "http" && is_secure {
        reasons.push("is http, and telekommo itself speaks HTTPS ([server.tls]): begin it with https://");
    } else if url.scheme() == "http" {
        reasons.push(
            "is http: anybody on the network path can read what managers write, and Kommo may refuse it: use https, \
             with a web server that has a certificate in front of telekommo, or with [server.tls]",
        );
    } else if url.port() == Some(port) && !is_secure {
        reasons.push(
            "is https and has the port of server.listen, where telekommo speaks plain http: set the address of the web \
             server with the certificate in front of it",
        );
    }
    if url.host_str() == Some("bridge.example.com") {
        reasons.push("is that of the example: set your own");
    }
    let path = url.path();
    let mut segments = path.split('/').skip(1);
    if segments.clone().any(|segment| OURS.contains(&segment)) {
        reasons.push("contains /kommo or /media, which telekommo itself appends: end it before that");
    } else if path != "/" && segments.any(is_odd) {
        reasons.push("has an empty part or a placeholder: write the path as the web server has it");
    }
    reasons.into_iter().map(|why| format!("server.public_url, {public}, {why}")).collect()
}

/// A warning as a command prints it.
#[must_use]
pub fn shown(warning: &str) -> String {
    paragraph("Warning", warning)
}

fn is_of_this_machine(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = bare.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
    is_loopback || host == "localhost" || host.ends_with(".localhost")
}

/// Whether a segment of a path is implausible: empty, with blanks, or a placeholder.
fn is_odd(segment: &str) -> bool {
    segment.is_empty()
        || segment.starts_with(':')
        || segment.contains("%20")
        || segment.contains(['*', '{', '<', '$'])
        || segment.contains("%7B")
        || segment.contains("%3C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(public: &str) -> String {
        advice_with(public, false)
    }

    fn advice_with(public: &str, is_secure: bool) -> String {
        let kommo = BaseUrl::parse("https://amojo.kommo.com").unwrap();
        of_address(&BaseUrl::parse(public).unwrap(), (8080, is_secure), &kommo).join(" ")
    }

    #[test]
    fn an_address_that_kommo_reaches_is_left_alone() {
        for good in
            ["https://tk.acme.com", "https://tk.acme.com/bridge/", "https://tk.acme.com:8443", "https://10.0.0.1"]
        {
            assert_eq!(advice(good), "", "{good}");
        }
        let here = BaseUrl::parse("http://127.0.0.1:8080").unwrap();
        assert!(of_address(&here, (8080, false), &BaseUrl::parse("http://localhost:1").unwrap()).is_empty());
    }

    #[test]
    fn an_address_of_a_listener_with_a_certificate_is_https() {
        assert_eq!(advice_with("https://tk.acme.com:8080", true), "");
        assert!(advice_with("http://tk.acme.com", true).contains("begin it with https://"));
    }

    #[test]
    fn an_admin_listener_that_others_reach_is_warned_about() {
        for (listen, is_warned) in [
            ("127.0.0.1:9090", false),
            ("127.9.9.9:9090", false),
            ("[::1]:9090", false),
            ("[::ffff:127.0.0.1]:9090", false),
            ("0.0.0.0:9090", true),
            ("[::]:9090", true),
            ("10.0.0.7:9090", true),
        ] {
            assert_eq!(of_admin_listener(listen.parse().unwrap()).is_some(), is_warned, "{listen}");
        }
    }

    #[test]
    fn an_address_that_looks_wrong_is_warned_about() {
        for (public, expected) in [
            ("http://tk.acme.com", "is http"),
            ("https://tk.acme.com:8080", "the port of server.listen"),
            ("https://tk.acme.com/kommo", "end it before that"),
            ("https://tk.acme.com/kommo/:scope_id", "end it before that"),
            ("https://tk.acme.com/media/", "end it before that"),
            ("https://tk.acme.com//bridge", "a placeholder"),
            ("https://tk.acme.com/{bridge}", "a placeholder"),
            ("https://tk.acme.com/*", "a placeholder"),
            ("https://bridge.example.com", "is that of the example"),
            ("http://localhost:8080", "means this machine alone"),
            ("https://[::1]", "means this machine alone"),
        ] {
            let message = advice(public);
            assert!(
                message.contains(expected) && message.matches("server.public_url, ").count() == 1,
                "{public}: {message}"
            );
        }
    }
}
