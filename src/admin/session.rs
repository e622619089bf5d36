//! Sessions of the status page: a browser that opened a link of `telekommo status --open` may see and change messages.
//! The command gets a ticket over the command socket, which only the bridge's user and root can open. The page
//! exchanges the ticket, which is valid once, for a token, and sends the token with each request. Unlike a cookie, a
//! browser never sends it by itself, so no other page can act in its name.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rustls::crypto::ring;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use tokio::time::Instant;

use crate::admin::{Admin, is_addressed_directly, parked::json, refusal, wrong_host};

/// How long a ticket is valid.
pub(crate) const TICKET_FOR: Duration = Duration::from_mins(10);
/// How long a session lasts after its last use.
const SESSION_FOR: Duration = Duration::from_hours(12);
/// The most tickets, and the most sessions. A new one replaces the oldest.
const MOST: usize = 16;
/// Random bytes in a ticket or token.
const BYTES: usize = 32;
/// The prefix of a token in the `Authorization` header.
const BEARER: &str = "Bearer ";

/// The link that opens the page.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) url: String,
}

/// The response to a ticket.
#[derive(Serialize)]
struct Token {
    token: String,
}

/// The tickets and sessions of one bridge. Only digests are kept, in memory.
#[derive(Debug)]
pub struct Sessions {
    /// Where the page is.
    listener: SocketAddr,
    state: Mutex<[Digests; 2]>,
}

/// Digests of tickets or tokens, with the end of their validity.
type Digests = VecDeque<(Vec<u8>, Instant)>;

const TICKETS: usize = 0;
const TOKENS: usize = 1;

impl Sessions {
    pub fn new(listener: SocketAddr) -> Self {
        Self { listener, state: Mutex::default() }
    }

    /// A link that opens the page once. `None` if the system gives no random numbers.
    fn ticket(&self) -> Option<Ticket> {
        let ticket = self.make(TICKETS, TICKET_FOR)?;
        Some(Ticket { url: format!("http://{}/#ticket={ticket}", reachable(self.listener)) })
    }

    /// Exchanges a ticket for a token. The ticket is used up.
    fn exchange(&self, ticket: &str) -> Option<String> {
        let digest = digest(ticket);
        let is_good = self.with(TICKETS, |tickets| {
            let before = tickets.len();
            tickets.retain(|(known, _)| *known != digest);
            tickets.len() < before
        });
        if is_good { self.make(TOKENS, SESSION_FOR) } else { None }
    }

    /// Whether a session has this token. Extends the session.
    fn has(&self, token: &str) -> bool {
        let digest = digest(token);
        self.with(TOKENS, |tokens| match tokens.iter_mut().find(|(known, _)| *known == digest) {
            Some((_, until)) => {
                *until = Instant::now() + SESSION_FOR;
                true
            }
            None => false,
        })
    }

    fn make(&self, which: usize, valid_for: Duration) -> Option<String> {
        let mut bytes = [0; BYTES];
        ring::default_provider().secure_random.fill(&mut bytes).ok()?;
        let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        self.with(which, |all| {
            if all.len() == MOST {
                all.pop_front();
            }
            all.push_back((digest(&text), Instant::now() + valid_for));
        });
        Some(text)
    }

    /// Calls `act` with those that are still valid.
    fn with<T>(&self, which: usize, act: impl FnOnce(&mut Digests) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        state[which].retain(|(_, until)| *until > now);
        act(&mut state[which])
    }
}

fn digest(text: &str) -> Vec<u8> {
    Sha1::digest(text).to_vec()
}

/// An address at which this machine reaches a listener.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

/// Makes a link to the page, for `telekommo status --open`. Only the command socket has this route.
pub(super) async fn link(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let unready = || (StatusCode::SERVICE_UNAVAILABLE, "the system gives no random numbers\n").into_response();
    admin.sessions.ticket().map_or_else(unready, |ticket| json(&ticket))
}

/// Exchanges a ticket for a token.
pub(super) async fn enter(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    match bearer(&headers).and_then(|ticket| admin.sessions.exchange(ticket)) {
        Some(token) => json(&Token { token }),
        None => refused("this link was used before, or is too old"),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix(BEARER)
}

fn refused(why: &str) -> Response {
    (StatusCode::UNAUTHORIZED, format!("{why}: run `sudo telekommo status --open`\n")).into_response()
}

/// Refuses requests of other sites: under a host name of theirs that resolves to this machine (DNS rebinding), or from
/// their page in the operator's browser (cross-site request forgery).
pub(super) async fn of_this_page(request: Request, next: Next) -> Response {
    if is_foreign(request.headers()) { wrong_host() } else { next.run(request).await }
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST).unwrap_or_default();
    let is_own = |origin: &str| origin.strip_prefix("http://").is_some_and(|it| it.eq_ignore_ascii_case(host));
    !is_addressed_directly(headers) || text(header::ORIGIN).is_some_and(|origin| !is_own(origin))
}

/// Requires a session.
pub(super) async fn within_session(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    if bearer(request.headers()).is_some_and(|token| admin.sessions.has(token)) {
        return next.run(request).await;
    }
    refused("this page has no session, or it has ended")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> Sessions {
        Sessions::new(SocketAddr::from(([0, 0, 0, 0], 9090)))
    }

    fn ticket(sessions: &Sessions) -> String {
        let url = sessions.ticket().unwrap().url;
        url.strip_prefix("http://127.0.0.1:9090/#ticket=").unwrap().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_once_and_for_minutes() {
        let sessions = sessions();
        let first = ticket(&sessions);
        let token = sessions.exchange(&first).unwrap();
        assert!(sessions.has(&token) && token.len() >= 43 && token != first);
        assert_eq!(sessions.exchange(&first), None, "it was used");
        assert!(!sessions.has(&first) && !sessions.has("") && sessions.exchange(&token).is_none());
        let late = ticket(&sessions);
        tokio::time::advance(TICKET_FOR).await;
        assert_eq!(sessions.exchange(&late), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lasts_while_it_is_used() {
        let sessions = sessions();
        let token = sessions.exchange(&ticket(&sessions)).unwrap();
        for _ in 0..5 {
            tokio::time::advance(SESSION_FOR / 2).await;
            assert!(sessions.has(&token));
        }
        tokio::time::advance(SESSION_FOR).await;
        assert!(!sessions.has(&token));
    }

    #[test]
    fn there_are_not_more_than_a_few() {
        let sessions = sessions();
        let tickets: Vec<_> = (0..=MOST).map(|_| ticket(&sessions)).collect();
        assert_eq!(sessions.exchange(&tickets[0]), None, "the oldest is gone");
        assert!(tickets[1..].iter().all(|ticket| sessions.exchange(ticket).is_some()));
    }

    #[test]
    fn another_sites_page_is_known_by_its_name_or_its_origin() {
        for (host, origin, is_refused) in [
            ("127.0.0.1:9090", None, false),
            ("localhost:9090", Some("http://localhost:9090"), false),
            ("[::1]:9090", Some("http://[::1]:9090"), false),
            ("10.0.0.7:9090", Some("http://10.0.0.7:9090"), false),
            ("page.example.com:9090", None, true),
            ("page.example.com:9090", Some("http://page.example.com:9090"), true),
            ("127.0.0.1.example.com", None, true),
            ("", None, true),
            ("127.0.0.1:9090", Some("http://127.0.0.1:9091"), true),
            ("127.0.0.1:9090", Some("https://127.0.0.1:9090"), true),
            ("127.0.0.1:9090", Some("http://page.example.com"), true),
            ("127.0.0.1:9090", Some("null"), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            headers.extend(origin.map(|origin: &str| (header::ORIGIN, origin.parse().unwrap())));
            assert_eq!(is_foreign(&headers), is_refused, "{host} {origin:?}");
        }
    }
}
