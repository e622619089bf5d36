//! Who may use the page: a browser that was sent here on purpose.
//!
//! A name that an attacker points at this machine (DNS rebinding) shows in `Host`; another site's page that posts here
//! (cross-site request forgery) shows in `Origin`.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::sandbox::page::PageError;

/// Lets through what [`judge`] has nothing against.
pub(super) async fn guard(State(listen): State<IpAddr>, request: Request, next: Next) -> Response {
    match judge(listen, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(trouble) => trouble.into_response(),
    }
}

fn judge(listen: IpAddr, method: &Method, headers: &HeaderMap) -> Result<(), PageError> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST).unwrap_or_default();
    if !is_here(listen, host) {
        let sentence = "Open this page by the address that the sandbox printed, or by localhost.";
        return Err(PageError::new(StatusCode::MISDIRECTED_REQUEST, sentence));
    }
    let from_elsewhere = text(header::ORIGIN).is_some_and(|origin| origin.strip_prefix("http://") != Some(host));
    if *method != Method::GET && from_elsewhere {
        return Err(PageError::new(StatusCode::FORBIDDEN, "Another site's page may not act here."));
    }
    Ok(())
}

/// Whether `host` names this machine: by a loopback name or address, or by the address that is listened at.
fn is_here(listen: IpAddr, host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = bare.parse::<IpAddr>().ok();
    // Who listens everywhere is asked by any of this machine's addresses. No name that somebody else gives it is one.
    let is_ours = |it: IpAddr| it.is_loopback() || it == listen || listen.is_unspecified();
    bare.eq_ignore_ascii_case("localhost") || address.is_some_and(is_ours)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn only_names_of_this_machine_are_served() {
        let listen = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
        for (host, here) in [
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("127.0.0.1:8080", true),
            ("127.8.8.8", true),
            ("[::1]:8080", true),
            ("10.0.0.7:8080", true),
            ("10.0.0.8:8080", false),
            ("localhost.evil.example:8080", false),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_here(listen, host), here, "{host}");
        }
    }

    #[test]
    fn a_page_for_other_machines_is_asked_by_any_address_and_by_no_other_name() {
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        for (host, here) in
            [("10.0.0.7:7070", true), ("[fd00::7]:7070", true), ("localhost", true), ("evil.example", false)]
        {
            assert_eq!(is_here(everywhere, host), here, "{host}");
        }
    }

    #[test]
    fn another_sites_page_may_look_at_nothing_and_post_nothing() {
        let listen = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let headers = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost:8080".parse().unwrap());
            headers.extend(origin.map(|origin| (header::ORIGIN, origin.parse().unwrap())));
            headers
        };
        for (origin, allowed) in [
            (None, true),
            (Some("http://localhost:8080"), true),
            (Some("http://localhost:8081"), false),
            (Some("https://localhost:8080"), false),
            (Some("http://evil.example"), false),
            (Some("null"), false),
        ] {
            assert_eq!(judge(listen, &Method::POST, &headers(origin)).is_ok(), allowed, "{origin:?}");
        }
    }
}
