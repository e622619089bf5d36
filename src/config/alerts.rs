//! Settings of alerts: who gets them, and when.

use std::{collections::BTreeMap, time::Duration};

use chrono::NaiveTime;
use lettre::message::Mailbox;
use reqwest::Url;

use crate::{
    config::{
        BotToken, Secret,
        error::{Reported, Wrong},
        keys::ALERT_TARGETS,
        parse,
        sections::Reading,
    },
    domain::address::SourceId,
};

mod target;

/// Settings of alerts. Without a target none are sent.
#[derive(Clone, Debug)]
pub struct Alerts {
    /// How often to check for problems.
    pub every: Duration,
    /// How often to make checks that need requests: the channel and the sources at Kommo, and the public address.
    pub ask_every: Duration,
    /// How long a problem must last before its alert, and be over before the all-clear.
    pub after: Duration,
    /// The time from the alert to the first reminder. It doubles with each further one.
    pub remind_after: Duration,
    /// The age at which a waiting message is a problem.
    pub backlog_after: Duration,
    /// The share of failed messages that is a problem, in percent.
    pub failed_percent: u64,
    /// The free space below which the disk counts as nearly full.
    pub disk_bytes: u64,
    /// How long before its end a token or a certificate is a problem.
    pub expires_within: Duration,
    /// When the daily message is sent, by this machine's clock; `None` for never.
    pub daily_at: Option<NaiveTime>,
    /// The monitor that notices when this machine is down.
    pub heartbeat: Option<Heartbeat>,
    pub targets: BTreeMap<String, AlertTarget>,
}

/// A URL that is requested as long as the bridge runs.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    pub url: SecretUrl,
    pub every: Duration,
}

/// A URL that authorises anyone who knows it.
#[derive(Clone)]
pub struct SecretUrl(Url);

/// A target of alerts.
#[derive(Clone, Debug)]
pub enum AlertTarget {
    /// A chat in Telegram.
    Telegram {
        chat: i64,
        bot: AlertBot,
    },
    /// A URL that takes JSON.
    Webhook(WebTarget),
    /// A topic of ntfy.
    Ntfy(WebTarget),
    Email(Box<EmailTarget>),
}

/// The bot that writes alerts.
#[derive(Clone, Debug)]
pub enum AlertBot {
    /// The bot of a source.
    Source(SourceId),
    /// A separate bot.
    Own(BotToken),
}

/// A URL that alerts are posted to.
#[derive(Clone, Debug)]
pub struct WebTarget {
    pub url: SecretUrl,
    /// The bearer token of the request.
    pub token: Option<Secret>,
}

/// A mailbox, and the server that takes mail for it.
#[derive(Clone, Debug)]
pub struct EmailTarget {
    pub host: String,
    /// `None` for the default one.
    pub port: Option<u16>,
    pub tls: MailTls,
    /// The user and the password, if the server requires them.
    pub login: Option<(String, Secret)>,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// Implicit TLS.
    Tls,
    /// Required STARTTLS.
    StartTls,
    /// No protection: for a server on this machine.
    None,
}

impl SecretUrl {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::new("is not an address: write one such as \"https://alerts.example.com/hook\"");
        let url = Url::parse(text).map_err(|_| wrong())?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
        if !is_web {
            return Err(wrong());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Wrong::new("has a user or a password: write the address without them"));
        }
        Ok(Self(url))
    }

    /// The whole URL. To be used only where it is requested.
    #[must_use]
    pub const fn expose(&self) -> &Url {
        &self.0
    }
}

impl std::fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/[secret]", self.0.host_str().unwrap_or_default())
    }
}

/// Reads the section and its targets.
pub(super) fn read(reading: &Reading<'_>) -> Result<Alerts, Reported> {
    let section = reading.section(&["alerts"]);
    let [every, ask_every, after, remind_after, backlog_after, expires_within] =
        ["every", "ask_every", "after", "remind_after", "backlog_after", "expires_within"]
            .map(|key| section.required(key, parse::duration));
    let failed_percent = section.required("failed_percent", percent);
    let disk_bytes = section.required("disk_mb", parse::mebibytes);
    let daily_at = section.required("daily_at", time_of_day);
    let heartbeat_url = section.optional_secret("heartbeat_url", SecretUrl::parse);
    let heartbeat_every = section.required("heartbeat_every", parse::duration);
    let names = reading.section(&[ALERT_TARGETS]);
    let targets: Vec<_> = names.names().map(|name| target::read(reading, name)).collect();
    let targets: Result<_, Reported> = targets.into_iter().collect();
    let heartbeat_every = heartbeat_every?;
    Ok(Alerts {
        every: every?,
        ask_every: ask_every?,
        after: after?,
        remind_after: remind_after?,
        backlog_after: backlog_after?,
        failed_percent: failed_percent?,
        disk_bytes: disk_bytes?,
        expires_within: expires_within?,
        daily_at: daily_at?,
        heartbeat: heartbeat_url?.map(|url| Heartbeat { url, every: heartbeat_every }),
        targets: targets?,
    })
}

fn percent(text: &str) -> Result<u64, Wrong> {
    text.parse()
        .ok()
        .filter(|percent| (1..=100).contains(percent))
        .ok_or_else(|| Wrong::new("is not a share in percent: write a whole number from 1 to 100"))
}

fn time_of_day(text: &str) -> Result<Option<NaiveTime>, Wrong> {
    if text == "never" {
        return Ok(None);
    }
    NaiveTime::parse_from_str(text, "%H:%M")
        .map(Some)
        .map_err(|_| Wrong::new("is not a time of day: write hours and minutes, such as \"09:00\", or \"never\""))
}
