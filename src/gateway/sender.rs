//! One request to the webhook of a program.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header};

use crate::{
    gateway::webhooks::{Rules, checked},
    net::{Egress, Names, PublicNames, find},
    store::Webhook,
    telegram::wire,
};

/// How long a server may take to answer.
const ANSWERED_WITHIN: Duration = Duration::from_mins(1);
const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
/// The header with the secret token (Bot API, `setWebhook`).
const TOKEN: &str = "X-Telegram-Bot-Api-Secret-Token";
/// The most of an answer that is read.
const REPLY_BYTES: usize = 1 << 20;

/// Sends updates to one address.
pub(super) struct Sender {
    client: Client,
    url: Url,
    secret_token: Option<String>,
    pub(super) max_connections: usize,
}

/// What a server answers: perhaps a call.
pub(super) struct Reply {
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// Why an update was not taken, and how long the server wants to be left alone.
#[derive(Debug)]
pub(super) struct NotSent {
    pub(super) why: String,
    pub(super) after: Option<Duration>,
}

impl Sender {
    /// # Errors
    /// If the address or the certificate cannot be used. Since the address was stored, the rules may have changed.
    pub(super) fn new(webhook: &Webhook, rules: &Rules) -> anyhow::Result<Self> {
        let url = checked(rules, &webhook.url).map_err(anyhow::Error::msg)?;
        let certificate = webhook.certificate.as_deref();
        let client = if rules.allow_private {
            Egress::direct_client_pinning(std::sync::Arc::new(Names), certificate)?
        } else {
            Egress::direct_client_pinning(PublicNames::resolver(), certificate)?
        };
        let client = client.timeout(ANSWERED_WITHIN).connect_timeout(CONNECTED_WITHIN).build()?;
        Ok(Self {
            client,
            url,
            secret_token: webhook.secret_token.clone(),
            max_connections: usize::try_from(webhook.max_connections).unwrap_or(1),
        })
    }

    /// Sends one update under its number. What the server answers besides is given back.
    pub(super) async fn send(&self, raw: &str, number: i64) -> Result<Option<Reply>, NotSent> {
        let body = wire::renumbered(raw, number).unwrap_or_else(|| raw.to_owned());
        let request = self.client.post(self.url.clone()).header(header::CONTENT_TYPE, "application/json").body(body);
        let request = match &self.secret_token {
            Some(token) => request.header(TOKEN, token),
            None => request,
        };
        let answer = request.send().await.map_err(|error| not_sent(&error))?;
        let status = answer.status();
        if !status.is_success() {
            let after = answer.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
            let reason = status.canonical_reason().unwrap_or_default();
            let why = format!("Wrong response from the webhook: {} {reason}", status.as_u16());
            return Err(NotSent { why, after: after.map(Duration::from_secs) });
        }
        Ok(reply(answer).await)
    }
}

/// The answer, if it may be a call. One that is cut off or too large is none: the update was taken all the same.
async fn reply(mut answer: reqwest::Response) -> Option<Reply> {
    if answer.status() == StatusCode::NO_CONTENT {
        return None;
    }
    let content_type = answer.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.ok()? {
        body.extend_from_slice(&piece);
        if body.len() > REPLY_BYTES {
            return None;
        }
    }
    (!body.is_empty()).then_some(Reply { content_type, body })
}

fn not_sent(error: &reqwest::Error) -> NotSent {
    let why = if find::<crate::net::NotPublic>(error).is_some() {
        "the name leads into a private network".to_owned()
    } else if error.is_timeout() {
        "Connection timed out".to_owned()
    } else if error.is_connect() {
        "Connection refused, or the certificate is not accepted".to_owned()
    } else {
        "Read error: the connection was closed".to_owned()
    };
    NotSent { why, after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_was_stored_under_other_rules_is_refused() {
        for (url, why) in [("http://127.0.0.1:1/", "HTTPS"), ("https://127.0.0.1:1/", "is reserved")] {
            let webhook = Webhook { url: url.to_owned(), max_connections: 1, ..Webhook::default() };
            let refused = Sender::new(&webhook, &Rules::default()).err().unwrap().to_string();
            assert!(refused.contains(why), "{url}: {refused}");
        }
    }
}
