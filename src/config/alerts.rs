//! Who is told when something is wrong, and from when on.

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

/// What is told, and to whom. Without a target nobody is told anything.
#[derive(Clone, Debug)]
pub struct Alerts {
    /// How often to look whether something is wrong.
    pub every: Duration,
    /// How often others are asked what cannot be seen from here: Kommo about the channel and the sources, and
    /// what answers at the public address.
    pub ask_every: Duration,
    /// How long something must be wrong until it is told, and well again until that is told.
    pub after: Duration,
    /// How long after the first message the first reminder comes. Each further one takes twice as long.
    pub remind_after: Duration,
    /// From which age on a waiting message is trouble.
    pub backlog_after: Duration,
    /// Which share of failed messages is trouble, in percent.
    pub failed_percent: u64,
    /// Below how much free space the disk counts as nearly full.
    pub disk_bytes: u64,
    /// How long before its end a token or a certificate is spoken of.
    pub expires_within: Duration,
    /// When the daily line is sent, by this machine's clock; `None` for never.
    pub daily_at: Option<NaiveTime>,
    /// Who notices when this machine is gone.
    pub heartbeat: Option<Heartbeat>,
    pub targets: BTreeMap<String, AlertTarget>,
}

/// An address that is called as long as the bridge runs.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    pub url: SecretUrl,
    pub every: Duration,
}

/// An address that gives anyone who knows it a right.
#[derive(Clone)]
pub struct SecretUrl(Url);

/// Where alerts go.
#[derive(Clone, Debug)]
pub enum AlertTarget {
    /// A chat in Telegram.
    Telegram {
        chat: i64,
        bot: AlertBot,
    },
    /// A web address that takes JSON.
    Webhook(WebTarget),
    /// A topic of ntfy.
    Ntfy(WebTarget),
    Email(Box<EmailTarget>),
}

/// The bot that writes alerts.
#[derive(Clone, Debug)]
pub enum AlertBot {
    /// That of a source.
    Source(SourceId),
    /// One of its own.
    Own(BotToken),
}

/// A web address that alerts are sent to.
#[derive(Clone, Debug)]
pub struct WebTarget {
    pub url: SecretUrl,
    /// What the request is authorised with, as a bearer.
    pub token: Option<Secret>,
}

/// A mailbox, and the server that takes mail for it.
#[derive(Clone, Debug)]
pub struct EmailTarget {
    pub host: String,
    /// `None` for the usual one.
    pub port: Option<u16>,
    pub tls: MailTls,
    /// The user and the password, if the server asks for them.
    pub login: Option<(String, Secret)>,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// By TLS from the first byte on.
    Tls,
    /// By STARTTLS, without which nothing is sent.
    StartTls,
    /// Not at all: for a server on this machine.
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

    /// The whole address. To be used where it is called, and nowhere else.
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

/// The section and its targets.
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
