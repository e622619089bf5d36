//! An authority of the tests' own, which speaks ACME and lets nothing pass that Let's Encrypt refuses.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    jose::{self, Jwk, Signed, Signer, Wrong, malformed},
    routes,
};
use crate::net::{
    pki::{Authority, Flaw},
    proxies::spawn,
    servers::speak_tls,
};

/// The directory of an authority. Clones are the same one.
#[derive(Clone)]
pub(super) struct Directory(Arc<Inner>);

struct Inner {
    authority: Authority,
    /// Where the name leads.
    leads_to: SocketAddr,
    base: OnceLock<String>,
    state: Mutex<Records>,
}

#[derive(Default)]
pub(super) struct Records {
    nonces: BTreeSet<String>,
    pub(super) accounts: BTreeMap<String, Jwk>,
    pub(super) orders: Vec<Order>,
    /// How many signed requests have come: every fourth is told that its nonce is too old.
    asked: usize,
    pub(super) refuses: Option<&'static str>,
    pub(super) refused: usize,
    pub(super) lifetime: Duration,
}

pub(super) struct Order {
    pub(super) account: String,
    pub(super) host: String,
    pub(super) token: String,
    pub(super) status: &'static str,
    pub(super) problem: Option<String>,
    pub(super) chain: Option<String>,
}

pub(super) type Answer = Result<Response, Wrong>;

impl Directory {
    /// One that takes a name as proved if `leads_to` proves it, and signs for this long.
    pub(super) async fn open(leads_to: SocketAddr, lifetime: Duration) -> Self {
        let state = Mutex::new(Records { lifetime, ..Records::default() });
        let this = Self(Arc::new(Inner { authority: Authority::new(), leads_to, base: OnceLock::new(), state }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plain = listener.local_addr().unwrap();
        let address = speak_tls(this.authority().acceptor(Flaw::Nothing), plain).await;
        this.0.base.set(format!("https://{address}")).unwrap();
        let router = routes::of(&this);
        spawn(async move { axum::serve(listener, router).await.unwrap() });
        this
    }

    /// Where the name leads.
    pub(super) fn leads_to(&self) -> SocketAddr {
        self.0.leads_to
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.0.authority
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        self.at("directory")
    }

    /// How many orders there were that it took, and how many it refused.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.orders.len(), state.refused)
    }

    /// Loses all accounts, as an authority that was set up anew.
    pub(super) fn forget_accounts(&self) {
        self.state().accounts.clear();
    }

    /// How many accounts there are.
    pub(super) fn accounts(&self) -> usize {
        self.state().accounts.len()
    }

    /// Lets it refuse new orders with this kind of problem, or take them.
    pub(super) fn refuse(&self, kind: Option<&'static str>) {
        self.state().refuses = kind;
    }

    pub(super) fn state(&self) -> MutexGuard<'_, Records> {
        self.0.state.lock().unwrap()
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.0.base.get().unwrap())
    }

    fn fresh_nonce(&self) -> String {
        let nonce = random();
        self.state().nonces.insert(nonce.clone());
        nonce
    }

    /// What is signed in a request to `path`.
    pub(super) fn signed(&self, path: &str, (headers, body): (&HeaderMap, &[u8])) -> Result<Signed, Wrong> {
        let mut state = self.state();
        let Records { nonces, accounts, asked, .. } = &mut *state;
        let signed = jose::verify(&self.at(path), (headers, body), nonces, accounts)?;
        *asked += 1;
        if *asked % 4 == 0 { Err(Wrong("badNonce", "it is too old".to_owned())) } else { Ok(signed) }
    }

    /// The same by the account that an order belongs to.
    pub(super) fn of_order(&self, path: &str, number: usize, request: (&HeaderMap, &[u8])) -> Result<Signed, Wrong> {
        let signed = self.signed(&format!("{path}/{number}"), request)?;
        let state = self.state();
        let order = state.orders.get(number).ok_or_else(|| malformed("there is no such order"))?;
        match &signed.signer {
            Signer::Account(account) if *account == order.account => Ok(signed),
            _ => Err(Wrong("unauthorized", "the order is another account's".to_owned())),
        }
    }

    /// With what every answer comes.
    pub(super) fn answered(&self, answer: Answer) -> Response {
        let mut answer = answer.unwrap_or_else(|Wrong(kind, detail)| {
            let status = match kind {
                "unauthorized" | "orderNotReady" | "userActionRequired" => StatusCode::FORBIDDEN,
                "rateLimited" => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::BAD_REQUEST,
            };
            let kind = format!("urn:ietf:params:acme:error:{kind}");
            let problem = json!({ "type": kind, "detail": detail, "status": status.as_u16() });
            (status, [(header::CONTENT_TYPE, "application/problem+json")], problem.to_string()).into_response()
        });
        answer.headers_mut().insert("replay-nonce", self.fresh_nonce().parse().unwrap());
        answer
    }

    pub(super) fn order_shown(&self, number: usize) -> Value {
        let state = self.state();
        let Order { host, status, problem, chain, .. } = &state.orders[number];
        let mut shown = json!({
            "status": status,
            "expires": "2099-01-01T00:00:00Z",
            "identifiers": [{ "type": "dns", "value": host }],
            "authorizations": [self.at(&format!("authorization/{number}"))],
            "finalize": self.at(&format!("finalize/{number}")),
        });
        if let Some(detail) = problem {
            shown["error"] = json!({ "type": "urn:ietf:params:acme:error:unauthorized", "detail": detail });
        }
        if chain.is_some() && *status == "valid" {
            shown["certificate"] = self.at(&format!("certificate/{number}")).into();
        }
        shown
    }

    pub(super) fn challenge_shown(&self, number: usize) -> Value {
        let state = self.state();
        let Order { token, status, problem, .. } = &state.orders[number];
        let status = match *status {
            "pending" | "invalid" => status,
            _ => "valid",
        };
        let url = self.at(&format!("challenge/{number}"));
        let mut shown = json!({ "type": "tls-alpn-01", "url": url, "token": token, "status": status });
        if let Some(detail) = problem {
            shown["error"] = json!({ "type": "urn:ietf:params:acme:error:unauthorized", "detail": detail });
        }
        shown
    }
}

pub(super) fn random() -> String {
    BASE64.encode(std::iter::repeat_with(|| fastrand::u8(..)).take(32).collect::<Vec<_>>())
}
