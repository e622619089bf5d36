//! `setWebhook`, `deleteWebhook` and `getWebhookInfo`: of a program, never of the bot.

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
        answer::Answer,
        methods,
        params::Params,
        routes,
        sender::Reply,
        updates::want,
        wanted::{self, Kinds},
    },
    net::{is_certificate, is_public, leads_to_internet},
    store::{Confirmed, StoreError, Webhook},
};

/// How many requests may be under way where nothing else is asked for (Bot API, `setWebhook`).
const CONNECTIONS: i64 = 40;
const MOST_CONNECTIONS: i64 = 100;
/// For how long the call in an answer is tried again where there are too many.
const REPLIED_WITHIN: Duration = Duration::from_mins(2);
/// The most of a refusal that is read, and the longest wait in it that is taken as it is.
const REFUSAL_BYTES: usize = 64 * 1024;
const LONGEST_PAUSE_SECONDS: u64 = 3600;
/// The longest secret token.
const TOKEN_CHARS: usize = 256;

/// Which addresses a webhook may have.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whether it may be plain http, in a private network, or one of ours.
    pub allow_private: bool,
    /// The addresses of our own.
    pub own: Vec<Url>,
}

/// What is known of the webhooks of programs beside what is stored.
#[derive(Debug, Default)]
pub(super) struct Hooks(Mutex<BTreeMap<String, Hook>>);

#[derive(Clone, Debug, Default)]
struct Hook {
    changed: Arc<Notify>,
    last_error: Option<(UnixMillis, String)>,
}

impl Hooks {
    fn with<T>(&self, program: &str, act: impl FnOnce(&mut Hook) -> T) -> T {
        act(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(program.to_owned()).or_default())
    }

    /// Told whenever a program's webhook is another one. Register interest before looking.
    pub(super) fn changed(&self, program: &str) -> Arc<Notify> {
        self.with(program, |hook| Arc::clone(&hook.changed))
    }

    /// Notes why the last request has failed.
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

/// Answers `setWebhook`. An empty address is no webhook.
pub(super) async fn set(shared: &Shared, program: &Program, params: &Params) -> Answer {
    let Some(address) = params.text("url") else { return delete(shared, program, params).await };
    let webhook = match webhook(&shared.rules, address, params).await {
        Ok(webhook) => webhook,
        Err(why) => return Answer::refused(400, &format!("Bad Request: {why}")),
    };
    let kinds = wanted::asked(params.json("allowed_updates"));
    match put(shared, program, Some(webhook), (kinds, params.flag("drop_pending_updates"))).await {
        Ok(true) => Answer::done("Webhook was set"),
        Ok(false) => Answer::done("Webhook is already set"),
        Err(error) => failed(&error),
    }
}

/// Answers `deleteWebhook`.
pub(super) async fn delete(shared: &Shared, program: &Program, params: &Params) -> Answer {
    match put(shared, program, None, (None, params.flag("drop_pending_updates"))).await {
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
    if let Some(kinds) = wanted::now(&row) {
        info["allowed_updates"] = kinds.into();
    }
    if let Some(webhook) = webhook {
        info["max_connections"] = webhook.max_connections.into();
        if let Some((at, why)) = shared.states.hooks.with(&program.name, |hook| hook.last_error.clone()) {
            info["last_error_date"] = at.seconds().into();
            info["last_error_message"] = why.into();
        }
    }
    Answer::ok(info)
}

/// Makes the call that a server has answered an update with, if it is one. Nobody else can make it again where there
/// were too many calls, so it waits until there are not, or until a stop.
pub(super) async fn reply(shared: &Arc<Shared>, program: &Arc<Program>, reply: Reply) {
    let Ok(params) = Params::read(None, &reply.content_type, &reply.body) else { return };
    let Some(method) = params.text("method").and_then(methods::of) else { return };
    let (body, stop, until) = (Bytes::from(reply.body), shared.life.stop_token(), Instant::now() + REPLIED_WITHIN);
    let status = loop {
        let request = Request::post("/").header(header::CONTENT_TYPE, reply.content_type.as_str());
        let Ok(request) = request.body(Body::from(body.clone())) else { return };
        let answer = routes::passed(shared, program, method.clone(), request).await;
        let status = answer.status();
        if status != StatusCode::TOO_MANY_REQUESTS || stop.is_cancelled() {
            break status;
        }
        let again_at = Instant::now() + retry_after(answer).await;
        if again_at > until {
            break status;
        }
        tokio::select! {
            () = sleep_until(again_at) => {}
            () = stop.cancelled() => {}
        }
    };
    if !status.is_success() {
        let (method, status) = (method.name, status.as_u16());
        tracing::warn!(program = program.name, method, status, "the call in the answer of a webhook has failed");
    }
}

/// How long an answer asks to wait.
async fn retry_after(answer: Response) -> Duration {
    let body = to_bytes(answer.into_body(), REFUSAL_BYTES).await.unwrap_or_default();
    let told: Option<Value> = serde_json::from_slice(&body).ok();
    let seconds = told.and_then(|told| told["parameters"]["retry_after"].as_u64());
    Duration::from_secs(seconds.unwrap_or(1).clamp(1, LONGEST_PAUSE_SECONDS))
}

fn failed(error: &StoreError) -> Answer {
    tracing::error!(%error, "the webhook of a program cannot be stored");
    Answer::refused(500, "Internal Server Error")
}

/// Stores the webhook, and says whether it is another one. What is under way to the same one is not disturbed.
async fn put(
    shared: &Shared,
    program: &Program,
    webhook: Option<Webhook>,
    (kinds, drops): (Option<Kinds>, bool),
) -> Result<bool, StoreError> {
    let store = &shared.store;
    let (is_another, is_set) = (store.program(&program.name).and_then(|row| row.webhook) != webhook, webhook.is_some());
    if let Some(kinds) = kinds {
        want(store, program, kinds).await?;
    }
    if let Some(next) = store.next_kept(program.bot.id())?.filter(|_| drops) {
        store.confirm(&program.name, program.bot.id(), Confirmed::Below(next)).await?;
    }
    store.set_program(&program.name, move |row| row.webhook = webhook).await?;
    if is_set {
        shared.states.polls.end(&program.name);
    }
    if is_another || drops {
        shared.states.hooks.change(&program.name);
    }
    Ok(is_another)
}

/// What a program asks for, or why it cannot have it.
async fn webhook(rules: &Rules, address: &str, params: &Params) -> Result<Webhook, String> {
    let url = checked(rules, address)?;
    if let Some(host) = url.domain().filter(|_| !rules.allow_private)
        && !leads_to_internet(host).await
    {
        return Err(format!("bad webhook: the host {host} cannot be looked up, or is in a private network"));
    }
    let secret_token = params.text("secret_token").map(str::to_owned);
    if let Some(token) = &secret_token {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if token.len() > TOKEN_CHARS {
            return Err("secret token is too long".to_owned());
        }
        if !token.bytes().all(fits) {
            return Err("secret token contains unallowed characters".to_owned());
        }
    }
    let certificate = params.file("certificate").map(|pem| String::from_utf8_lossy(pem).into_owned());
    if certificate.as_ref().is_some_and(|pem| !is_certificate(pem)) {
        return Err("bad webhook: the certificate cannot be read: send it in PEM, as a file".to_owned());
    }
    let connections = params.number("max_connections").unwrap_or(CONNECTIONS).clamp(1, MOST_CONNECTIONS);
    let max_connections = u32::try_from(connections).unwrap_or(1);
    Ok(Webhook { url: url.into(), secret_token, max_connections, certificate })
}

/// An address that a webhook may have, as far as the address itself tells.
pub(super) fn checked(rules: &Rules, address: &str) -> Result<Url, String> {
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
    fn only_addresses_of_the_internet_are_taken_unless_others_are_allowed() {
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
            match (checked(&strict, address), why) {
                (Ok(_), None) => {}
                (Err(said), Some(why)) => assert!(said.contains(why), "{address}: {said}"),
                (found, _) => panic!("{address}: {found:?}"),
            }
        }
        assert!(checked(&lax, "http://127.0.0.1:5000/hook").is_ok() && checked(&lax, "ftp://127.0.0.1/").is_err());
    }
}
