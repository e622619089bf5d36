//! The webhook of a bot at Telegram, if somebody has set one.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use teloxide::requests::Payload;

use crate::telegram::{bot::Bot, error::CallError, wire::RawObject};

/// A webhook (Bot API, `WebhookInfo`). Telegram never returns its secret token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookInfo {
    /// Its address, which may contain a secret.
    pub url: String,
    /// Whether it was set with a certificate of its own.
    pub has_certificate: bool,
    /// How many updates wait for it.
    pub pending: i64,
    /// Its IP address.
    pub ip_address: Option<String>,
    /// How many connections Telegram opens at once.
    pub max_connections: Option<i64>,
    /// The kinds of updates that it gets; `None` for the default ones.
    pub allowed_updates: Option<Vec<String>>,
}

impl WebhookInfo {
    fn read(raw: &RawValue) -> Option<Self> {
        let info: RawObject = serde_json::from_str(raw.get()).unwrap_or_default();
        let url = info.text("url").filter(|url| !url.is_empty())?;
        Some(Self {
            url,
            has_certificate: info.flag("has_custom_certificate"),
            pending: info.number("pending_update_count").unwrap_or_default(),
            ip_address: info.text("ip_address"),
            max_connections: info.number("max_connections"),
            allowed_updates: info.read("allowed_updates"),
        })
    }

    /// The host of its address, or the whole address if it has none. The rest of the address may contain a secret.
    #[must_use]
    pub fn host(&self) -> String {
        let host = Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.unwrap_or_else(|| self.url.clone())
    }
}

/// `getWebhookInfo`.
#[derive(Serialize)]
struct GetWebhookInfo {}

impl Payload for GetWebhookInfo {
    type Output = Value;
    const NAME: &'static str = "GetWebhookInfo";
}

/// `deleteWebhook` that keeps the waiting updates.
#[derive(Serialize)]
struct DeleteWebhook {
    drop_pending_updates: bool,
}

impl Payload for DeleteWebhook {
    type Output = Value;
    const NAME: &'static str = "DeleteWebhook";
}

/// `setWebhook` that keeps the waiting updates.
#[derive(Serialize)]
struct SetWebhook<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<i64>,
    /// An empty list selects the default kinds. Without a list, those of the last poll would stay.
    allowed_updates: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_token: Option<&'a str>,
    drop_pending_updates: bool,
}

impl Payload for SetWebhook<'_> {
    type Output = Value;
    const NAME: &'static str = "SetWebhook";
}

impl Bot {
    /// The webhook that is set for the bot; `None` if none is.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn webhook(&self) -> Result<Option<WebhookInfo>, CallError> {
        self.acquire().await;
        Ok(WebhookInfo::read(&self.sender.call(&GetWebhookInfo {}).await?))
    }

    /// Deletes the webhook. Its waiting updates go to the next poll.
    pub async fn delete_webhook(&self) -> Result<(), CallError> {
        self.acquire().await;
        self.sender.call(&DeleteWebhook { drop_pending_updates: false }).await.map(drop)
    }

    /// Sets a webhook as it was. Telegram returns neither its secret token nor its certificate.
    pub async fn set_webhook(&self, webhook: &WebhookInfo, secret_token: Option<&str>) -> Result<(), CallError> {
        self.acquire().await;
        let set = SetWebhook {
            url: &webhook.url,
            max_connections: webhook.max_connections,
            allowed_updates: webhook.allowed_updates.as_deref().unwrap_or_default(),
            secret_token,
            drop_pending_updates: false,
        };
        self.sender.call(&set).await.map(drop)
    }
}
