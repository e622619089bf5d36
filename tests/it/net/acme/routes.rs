//! What is asked of an authority, one after the other: an account, an order, the proof of the name, the certificate.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::Utc;
use rcgen::{CertificateSigningRequestParams, SanType, date_time_ymd};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    directory::{Answer, Directory, Order, random},
    jose::{Signer, Wrong, bytes, malformed},
    proof,
};
use crate::net::proxies::spawn;

pub(super) fn of(it: &Directory) -> Router {
    Router::new()
        .route("/directory", get(directory))
        .route("/nonce", get(nonce))
        .route("/account", post(account))
        .route("/order", post(order))
        .route("/order/{number}", post(ordered))
        .route("/authorization/{number}", post(authorization))
        .route("/challenge/{number}", post(challenge))
        .route("/finalize/{number}", post(finalize))
        .route("/certificate/{number}", post(certificate))
        .with_state(it.clone())
}

fn shown(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn directory(State(it): State<Directory>) -> Response {
    let at = |path: &str| it.at(path);
    shown(&json!({
        "newNonce": at("nonce"),
        "newAccount": at("account"),
        "newOrder": at("order"),
        "revokeCert": at("revoke"),
        "keyChange": at("key"),
        "meta": { "termsOfService": at("terms") },
    }))
}

async fn nonce(State(it): State<Directory>) -> Response {
    it.answered(Ok(([(header::CACHE_CONTROL, "no-store")], "").into_response()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewAccount {
    #[serde(default)]
    contact: Vec<String>,
    #[serde(default)]
    terms_of_service_agreed: bool,
}

async fn account(State(it): State<Directory>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = || -> Answer {
        let signed = it.signed("account", (&headers, &body))?;
        let wanted: NewAccount = signed.json()?;
        let Signer::Key(key) = signed.signer else { return Err(malformed("a new account has a key")) };
        if !wanted.terms_of_service_agreed {
            return Err(Wrong("userActionRequired", "the terms are not agreed to".to_owned()));
        }
        if wanted.contact.iter().any(|it| !it.starts_with("mailto:") || !it.contains('@')) {
            return Err(Wrong("unsupportedContact", wanted.contact.join(", ")));
        }
        let url = it.at(&format!("account/{}", key.thumbprint()));
        it.state().accounts.insert(url.clone(), key);
        let made = json!({ "status": "valid", "contact": wanted.contact, "orders": format!("{url}/orders") });
        Ok((StatusCode::CREATED, [(header::LOCATION, url)], shown(&made)).into_response())
    };
    it.answered(answer())
}

#[derive(Deserialize)]
struct NewOrder {
    identifiers: Vec<Identifier>,
}

#[derive(Deserialize)]
struct Identifier {
    r#type: String,
    value: String,
}

async fn order(State(it): State<Directory>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = || -> Answer {
        let signed = it.signed("order", (&headers, &body))?;
        let wanted: NewOrder = signed.json()?;
        let Signer::Account(account) = signed.signer else { return Err(malformed("an order is an account's")) };
        let [Identifier { r#type, value: host }] = &wanted.identifiers[..] else {
            return Err(malformed("one name at a time here"));
        };
        let is_name =
            host.contains('.') && host.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
        if r#type != "dns" || !is_name {
            return Err(Wrong("rejectedIdentifier", host.clone()));
        }
        let mut state = it.state();
        if let Some(kind) = state.refuses {
            state.refused += 1;
            return Err(Wrong(kind, "too many certificates already issued".to_owned()));
        }
        let number = state.orders.len();
        let (host, token) = (host.clone(), random());
        state.orders.push(Order { account, host, token, status: "pending", problem: None, chain: None });
        drop(state);
        let url = it.at(&format!("order/{number}"));
        Ok((StatusCode::CREATED, [(header::LOCATION, url)], shown(&it.order_shown(number))).into_response())
    };
    it.answered(answer())
}

async fn ordered(State(it): State<Directory>, Path(number): Path<usize>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = || -> Answer {
        it.of_order("order", number, (&headers, &body))?.only_asks()?;
        let order = it.order_shown(number);
        // It takes its time to sign.
        let mut state = it.state();
        if state.orders[number].status == "processing" {
            state.orders[number].status = "valid";
        }
        Ok(shown(&order))
    };
    it.answered(answer())
}

async fn authorization(
    State(it): State<Directory>,
    Path(number): Path<usize>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = || -> Answer {
        it.of_order("authorization", number, (&headers, &body))?.only_asks()?;
        let challenge = it.challenge_shown(number);
        let host = it.state().orders[number].host.clone();
        let authorization = json!({
            "status": challenge["status"],
            "expires": "2099-01-01T00:00:00Z",
            "identifier": { "type": "dns", "value": host },
            "challenges": [{ "type": "http-01", "url": it.at("none"), "token": "x", "status": "pending" }, challenge],
        });
        Ok(shown(&authorization))
    };
    it.answered(answer())
}

async fn challenge(
    State(it): State<Directory>,
    Path(number): Path<usize>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = || -> Answer {
        it.of_order("challenge", number, (&headers, &body))?.says_nothing()?;
        let state = it.state();
        let Order { account, host, token, .. } = &state.orders[number];
        let (host, expected) = (host.clone(), format!("{token}.{}", state.accounts[account].thumbprint()));
        drop(state);
        let looking = it.clone();
        spawn(async move {
            let looked = proof::looked(looking.leads_to(), &host, &expected).await;
            let order = &mut looking.state().orders[number];
            order.status = if looked.is_ok() { "ready" } else { "invalid" };
            order.problem = looked.err();
        });
        Ok(shown(&it.challenge_shown(number)))
    };
    it.answered(answer())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finalize {
    csr: String,
}

async fn finalize(State(it): State<Directory>, Path(number): Path<usize>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = || -> Answer {
        let wanted: Finalize = it.of_order("finalize", number, (&headers, &body))?.json()?;
        let mut state = it.state();
        let lifetime = state.lifetime;
        let order = &mut state.orders[number];
        if order.status != "ready" {
            return Err(Wrong("orderNotReady", order.status.to_owned()));
        }
        let bad = |why: String| Wrong("badCSR", why);
        // This verifies that the request is signed by its key.
        let mut request = CertificateSigningRequestParams::from_der(&bytes(&wanted.csr)?.into())
            .map_err(|error| bad(error.to_string()))?;
        let [SanType::DnsName(name)] = &request.params.subject_alt_names[..] else {
            return Err(bad(format!("{:?}", request.params.subject_alt_names)));
        };
        if name.as_str() != order.host || request.params.distinguished_name.iter().next().is_some() {
            return Err(bad("it names somebody else".to_owned()));
        }
        let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(Utc::now().timestamp().try_into().unwrap());
        (request.params.not_before, request.params.not_after) = (now, now + lifetime);
        order.chain = Some(it.authority().signed(&request));
        order.status = "processing";
        drop(state);
        Ok(shown(&it.order_shown(number)))
    };
    it.answered(answer())
}

async fn certificate(
    State(it): State<Directory>,
    Path(number): Path<usize>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = || -> Answer {
        it.of_order("certificate", number, (&headers, &body))?.only_asks()?;
        let chain = it.state().orders[number].chain.clone().ok_or_else(|| malformed("there is none yet"))?;
        Ok(([(header::CONTENT_TYPE, "application/pem-certificate-chain")], chain).into_response())
    };
    it.answered(answer())
}
