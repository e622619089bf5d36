//! `setWebhook`, `deleteWebhook` and `getWebhookInfo`. A webhook belongs to a program, never to the bot.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode, header},
    response::Response,
};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    clock,
    domain::time::UnixMillis,
    gateway::{
        Program, Shared,
        allowed_updates::{self, Kinds},
        answer::Answer,
        methods,
        params::Params,
        routes,
        sender::Reply,
        updates::set_allowed_updates,
    },
    net::{is_certificate, is_public, leads_to_internet},
    store::{Confirmed, StoreError, Webhook},
};

/// The default of `max_connections` (Bot API, `setWebhook`).
const DEFAULT_CONNECTIONS: i64 = 40;
const MAX_CONNECTIONS: i64 = 100;
/// How long a call from the response of a webhook is retried after 429.
const REPLY_RETRY_TIME: Duration = Duration::from_mins(2);
/// The largest error response that is read, and the maximum of its `retry_after`.
const MAX_ERROR_BYTES: usize = 64 * 1024;
const MAX_RETRY_AFTER_SECONDS: u64 = 3600;
const MAX_TOKEN_LEN: usize = 256;

/// The addresses that a webhook may have.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whether a webhook may use plain http, be in a private network, or be telekommo itself.
    pub allow_private: bool,
    /// The addresses of telekommo.
    pub own: Vec<Url>,
}

/// The state of the programs' webhooks that is not stored.
#[derive(Debug, Default)]
pub(super) struct WebhookStates(Mutex<BTreeMap<String, WebhookState>>);

#[derive(Clone, Debug, Default)]
struct WebhookState {
    changed: Arc<Notify>,
    last_error: Option<(UnixMillis, String)>,
}

impl WebhookStates {
    fn with<T>(&self, program: &str, act: impl FnOnce(&mut WebhookState) -> T) -> T {
        act(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(program.to_owned()).or_default())
    }

    /// Notifies when the webhook of a program changes. Enable it before reading the webhook.
    pub(super) fn changed(&self, program: &str) -> Arc<Notify> {
        self.with(program, |hook| Arc::clone(&hook.changed))
    }

    /// Records why the last request has failed.
    pub(super) fn failed(&self, program: &str, why: String) {
        self.with(program, |hook| hook.last_error = Some((clock::now(), why)));
    }

    fn change(&self, program: &str) {
        self.with(program, |hook| {
            hook.last_error = None;
            hook.changed.notify_waiters();
        });
    }
}

/// Answers `setWebhook`. An empty address deletes the webhook.
pub(super) async fn set(shared: &Shared, program: &Program, params: &Params) -> Answer {
    let Some(address) = params.text("url") else { return delete(shared, program, params).await };
    let webhook = match webhook(&shared.rules, address, params).await {
        Ok(webhook) => webhook,
        Err(why) => return Answer::refused(400, &format!("Bad Request: {why}")),
    };
    let kinds = allowed_updates::parse(params.json("allowed_updates"));
    match store_webhook(shared, program, Some(webhook), (kinds, params.flag("drop_pending_updates"))).await {
        Ok(true) => Answer::done("Webhook was set"),
        Ok(false) => Answer::done("Webhook is already set"),
        Err(error) => failed(&error),
    }
}

/// Answers `deleteWebhook`.
pub(super) async fn delete(shared: &Shared, program: &Program, params: &Params) -> Answer {
    match store_webhook(shared, program, None, (None, params.flag("drop_pending_updates"))).await {
        Ok(true) => Answer::done("Webhook was deleted"),
        Ok(false) => Answer::done("Webhook is already deleted"),
        Err(error) => failed(&error),
    }
}

/// Answers `getWebhookInfo`.
pub(super) fn info(shared: &Shared, program: &Program) -> Answer {
    let row = shared.store.program(&program.name).unwrap_or_default();
    let progress = shared.store.programs().into_iter().find(|progress| progress.name == program.name);
    let pending = progress.map_or(0, |progress| progress.waiting);
    let webhook = row.webhook.as_ref();
    let has_certificate = webhook.is_some_and(|webhook| webhook.certificate.is_some());
    let url = webhook.map_or("", |webhook| webhook.url.as_str());
    let mut info: Value =
        json!({ "url": url, "has_custom_certificate": has_certificate, "pending_update_count": pending });
    if let Some(kinds) = allowed_updates::current(&row) {
        info["allowed_updates"] = kinds.into();
    }
    if let Some(webhook) = webhook {
        info["max_connections"] = webhook.max_connections.into();
        if let Some((at, why)) = shared.states.webhooks.with(&program.name, |hook| hook.last_error.clone()) {
            info["last_error_date"] = at.seconds().into();
            info["last_error_message"] = why.into();
        }
    }
    Answer::ok(info)
}

/// Makes the call in the response of a webhook, if it has one. After 429 it retries, because the program cannot.
pub(super) async fn reply(shared: &Arc<Shared>, program: &Arc<Program>, reply: Reply) {
    let Ok(params) = Params::read(None, &reply.content_type, &reply.body) else { return };
    let Some(method) = params.text("method").and_then(methods::of) else { return };
    let (body, stop, until) = (Bytes::from(reply.body), shared.life.stop_token(), Instant::now() + REPLY_RETRY_TIME);
    let status = loop {
        let request = Request::post("/").header(header::CONTENT_TYPE, reply.content_type.as_str());
        let Ok(request) = request.body(Body::from(body.clone())) else { return };
        let answer = routes::passed(shared, program, method.clone(), request).await;
        let status = answer.status();
        if status != StatusCode::TOO_MANY_REQUESTS || stop.is_cancelled() {
            break status;
        }
        let retry_at = Instant::now() + retry_after(answer).await;
        if retry_at > until {
            break status;
        }
        tokio::select! {
            () = sleep_until(retry_at) => {}
            () = stop.cancelled() => {}
        }
    };
    if !status.is_success() {
        let (method, status) = (method.name, status.as_u16());
        tracing::warn!(program = program.name, method, status, "the call in the response of a webhook has failed");
    }
}

/// The `retry_after` of a response.
async fn retry_after(answer: Response) -> Duration {
    let bytes = to_bytes(answer.into_body(), MAX_ERROR_BYTES).await.unwrap_or_default();
    let body: Option<Value> = serde_json::from_slice(&bytes).ok();
    let seconds = body.and_then(|body| body["parameters"]["retry_after"].as_u64());
    Duration::from_secs(seconds.unwrap_or(1).clamp(1, MAX_RETRY_AFTER_SECONDS))
}

fn failed(error: &StoreError) -> Answer {
    tracing::error!(%error, "cannot store the webhook of a program");
    Answer::refused(500, "Internal Server Error")
}

/// Stores the webhook, and returns whether it has changed. Requests to an unchanged one go on.
async fn store_webhook(
    shared: &Shared,
    program: &Program,
    webhook: Option<Webhook>,
    (kinds, drops_pending): (Option<Kinds>, bool),
) -> Result<bool, StoreError> {
    let store = &shared.store;
    let (is_new, is_set) = (store.program(&program.name).and_then(|row| row.webhook) != webhook, webhook.is_some());
    if let Some(kinds) = kinds {
        set_allowed_updates(store, program, kinds).await?;
    }
    if let Some(next) = store.next_kept(program.bot.id())?.filter(|_| drops_pending) {
        store.confirm(&program.name, program.bot.id(), Confirmed::Below(next)).await?;
    }
    store.set_program(&program.name, move |row| row.webhook = webhook).await?;
    if is_set {
        shared.states.polls.end(&program.name);
    }
    if is_new || drops_pending {
        shared.states.webhooks.change(&program.name);
    }
    Ok(is_new)
}

/// The webhook that a program asks for, or why it is refused.
async fn webhook(rules: &Rules, address: &str, params: &Params) -> Result<Webhook, String> {
    let url = validated(rules, address)?;
    if let Some(host) = url.domain().filter(|_| !rules.allow_private)
        && !leads_to_internet(host).await
    {
        return Err(format!("bad webhook: the host {host} cannot be looked up, or is in a private network"));
    }
    let secret_token = params.text("secret_token").map(str::to_owned);
    if let Some(token) = &secret_token {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if token.len() > MAX_TOKEN_LEN {
            return Err("secret token is too long".to_owned());
        }
        if !token.bytes().all(is_allowed) {
            return Err("secret token contains unallowed characters".to_owned());
        }
    }
    let certificate = params.file("certificate").map(|pem| String::from_utf8_lossy(pem).into_owned());
    if certificate.as_ref().is_some_and(|pem| !is_certificate(pem)) {
        return Err("bad webhook: the certificate cannot be read: send it in PEM, as a file".to_owned());
    }
    let connections = params.number("max_connections").unwrap_or(DEFAULT_CONNECTIONS).clamp(1, MAX_CONNECTIONS);
    let max_connections = u32::try_from(connections).unwrap_or(1);
    Ok(Webhook { url: url.into(), secret_token, max_connections, certificate })
}

/// Validates an address without looking up its host.
pub(super) fn validated(rules: &Rules, address: &str) -> Result<Url, String> {
    let url = Url::parse(address).ok().filter(|url| url.host_str().is_some());
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
    let url = url.ok_or("invalid webhook URL specified")?;
    let is_web = url.scheme() == "https" || rules.allow_private && url.scheme() == "http";
    if !is_web {
        return Err("bad webhook: An HTTPS URL must be provided for webhook".to_owned());
    }
    if rules.allow_private {
        return Ok(url);
    }
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    if let Some(ip) = literal.filter(|ip| !is_public(*ip)) {
        return Err(format!("bad webhook: IP address {ip} is reserved"));
    }
    if rules.own.iter().any(|own| own.origin() == url.origin()) {
        return Err("bad webhook: the address is telekommo's own".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_internet_addresses_are_accepted_unless_private_ones_are_allowed() {
        let own = vec![Url::parse("https://bridge.example.com/tg").unwrap()];
        let (strict, lax) = (Rules { allow_private: false, own }, Rules { allow_private: true, own: Vec::new() });
        for (address, why) in [
            ("https://shop.example.com/hook?x=1", None),
            ("https://8.8.8.8:8443/", None),
            ("http://shop.example.com/", Some("An HTTPS URL must be provided")),
            ("ftp://shop.example.com/", Some("An HTTPS URL must be provided")),
            ("https://10.0.0.1/", Some("IP address 10.0.0.1 is reserved")),
            ("https://[::1]/", Some("IP address ::1 is reserved")),
            ("https://2130706433/", Some("IP address 127.0.0.1 is reserved")),
            ("https://bridge.example.com/kommo/x", Some("telekommo's own")),
            ("https://me:word@shop.example.com/", Some("invalid webhook URL")),
            ("shop.example.com", Some("invalid webhook URL")),
            ("https://", Some("invalid webhook URL")),
        ] {
            match (validated(&strict, address), why) {
                (Ok(_), None) => {}
                (Err(error), Some(why)) => assert!(error.contains(why), "{address}: {error}"),
                (found, _) => panic!("{address}: {found:?}"),
            }
        }
        assert!(validated(&lax, "http://127.0.0.1:5000/hook").is_ok() && validated(&lax, "ftp://127.0.0.1/").is_err());
    }
}
