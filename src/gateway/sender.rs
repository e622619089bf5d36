//! Requests to the webhook of a program.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header};

use crate::{
    gateway::webhooks::{Rules, validated},
    net::{Egress, Names, PublicNames, find},
    store::Webhook,
    telegram::wire,
};

const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The header with the secret token (Bot API, `setWebhook`).
const TOKEN: &str = "X-Telegram-Bot-Api-Secret-Token";
/// The largest response that is read.
const MAX_REPLY_BYTES: usize = 1 << 20;

/// Sends updates to one address.
pub(super) struct Sender {
    client: Client,
    url: Url,
    secret_token: Option<String>,
    pub(super) max_connections: usize,
}

/// The body of a response, which may be a call.
pub(super) struct Reply {
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// Why an update was not accepted, and when the server wants the next request.
#[derive(Debug)]
pub(super) struct SendError {
    pub(super) why: String,
    pub(super) retry_after: Option<Duration>,
}

impl Sender {
    /// # Errors
    /// If the address or the certificate cannot be used. The rules may have changed since the address was stored.
    pub(super) fn new(webhook: &Webhook, rules: &Rules) -> anyhow::Result<Self> {
        let url = validated(rules, &webhook.url).map_err(anyhow::Error::msg)?;
        let certificate = webhook.certificate.as_deref();
        let client = if rules.allow_private {
            Egress::direct_client_pinning(std::sync::Arc::new(Names), certificate)?
        } else {
            Egress::direct_client_pinning(PublicNames::resolver(), certificate)?
        };
        let client = client.timeout(REQUEST_TIMEOUT).connect_timeout(CONNECT_TIMEOUT).build()?;
        Ok(Self {
            client,
            url,
            secret_token: webhook.secret_token.clone(),
            max_connections: usize::try_from(webhook.max_connections).unwrap_or(1),
        })
    }

    /// Sends one update under its number, and returns the body of the response.
    pub(super) async fn send(&self, raw: &str, number: i64) -> Result<Option<Reply>, SendError> {
        let body = wire::renumbered(raw, number).unwrap_or_else(|| raw.to_owned());
        let request = self.client.post(self.url.clone()).header(header::CONTENT_TYPE, "application/json").body(body);
        let request = match &self.secret_token {
            Some(token) => request.header(TOKEN, token),
            None => request,
        };
        let answer = request.send().await.map_err(|error| send_error(&error))?;
        let status = answer.status();
        if !status.is_success() {
            let retry_after =
                answer.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
            let reason = status.canonical_reason().unwrap_or_default();
            let why = format!("Wrong response from the webhook: {} {reason}", status.as_u16());
            return Err(SendError { why, retry_after: retry_after.map(Duration::from_secs) });
        }
        Ok(reply(answer).await)
    }
}

/// The body, if it may be a call. One that is cut off or too large is ignored, because the update was accepted.
async fn reply(mut answer: reqwest::Response) -> Option<Reply> {
    if answer.status() == StatusCode::NO_CONTENT {
        return None;
    }
    let content_type = answer.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.ok()? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_REPLY_BYTES {
            return None;
        }
    }
    (!body.is_empty()).then_some(Reply { content_type, body })
}

fn send_error(error: &reqwest::Error) -> SendError {
    let why = if find::<crate::net::NotPublic>(error).is_some() {
        "the name leads into a private network".to_owned()
    } else if error.is_timeout() {
        "Connection timed out".to_owned()
    } else if error.is_connect() {
        "Connection refused, or the certificate is not accepted".to_owned()
    } else {
        "Read error: the connection was closed".to_owned()
    };
    SendError { why, retry_after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_the_rules_no_longer_allow_is_refused() {
        for (url, why) in [("http://127.0.0.1:1/", "HTTPS"), ("https://127.0.0.1:1/", "is reserved")] {
            let webhook = Webhook { url: url.to_owned(), max_connections: 1, ..Webhook::default() };
            let refused = Sender::new(&webhook, &Rules::default()).err().unwrap().to_string();
            assert!(refused.contains(why), "{url}: {refused}");
        }
    }
}
