//! One target of alerts. Its keys depend on its kind. All keys are read before the kind is checked, so that all
//! problems are reported.

use lettre::message::Mailbox;

use crate::{
    config::{
        AlertBot, AlertTarget, BotToken, EmailTarget, MailTls, Secret, SecretUrl, WebTarget,
        error::{Reported, Wrong},
        keys::{ALERT_TARGETS, SOURCES},
        parse,
        section::Section,
        sections::Reading,
    },
    domain::address::SourceId,
};

/// All possible keys of a target, each by itself valid.
struct Written {
    chat: Option<i64>,
    source: Option<SourceId>,
    bot: Option<BotToken>,
    bearer: Option<Secret>,
    url: Option<SecretUrl>,
    mail: Mail,
}

#[derive(Default)]
struct Mail {
    host: Option<String>,
    port: Option<u16>,
    tls: Option<MailTls>,
    user: Option<String>,
    password: Option<Secret>,
    from: Option<Mailbox>,
    to: Vec<Mailbox>,
}

/// Reads one target.
pub(super) fn read<'a>(reading: &Reading<'a>, name: &'a str) -> Result<(String, AlertTarget), Reported> {
    let section = reading.section(&[ALERT_TARGETS, name]);
    let kind = section.optional("kind", Kind::parse);
    let written = written(reading, &section, kind.as_ref().ok().copied().flatten() == Some(Kind::Telegram));
    let kind = kind?.map_or_else(|| section.required("kind", Kind::parse), Ok);
    let (kind, written) = (kind?, written?);
    if !parse::is_word(name) {
        return Err(section.report("kind", "the name of the section is not a target: write 1 to 32 of A-Z a-z 0-9 _ -"));
    }
    if let Some(key) = section.names().find(|key| !kind.has_key(key)) {
        return Err(section.report(key, &format!("is not for a target of the kind {}: remove it", kind.name())));
    }
    let missing =
        |key: &str| section.report(key, &format!("{key} is missing: a target of the kind {} needs it", kind.name()));
    let target = match kind {
        Kind::Telegram => {
            let bot = match (written.source, written.bot) {
                (Some(source), None) => AlertBot::Source(source),
                (None, Some(token)) => AlertBot::Own(token),
                (Some(_), Some(_)) => {
                    return Err(section.report("source", "token is given as well: keep one of the two"));
                }
                (None, None) => {
                    return Err(section.report("source", "missing: write the source whose bot is to write, or token"));
                }
            };
            AlertTarget::Telegram { chat: written.chat.ok_or_else(|| missing("chat"))?, bot }
        }
        Kind::Webhook | Kind::Ntfy => {
            let web = WebTarget { url: written.url.ok_or_else(|| missing("url"))?, token: written.bearer };
            if kind == Kind::Ntfy { AlertTarget::Ntfy(web) } else { AlertTarget::Webhook(web) }
        }
        Kind::Email => AlertTarget::Email(Box::new(email(&section, written.mail, missing)?)),
    };
    Ok((name.to_owned(), target))
}

fn written(reading: &Reading<'_>, section: &Section<'_>, is_bot: bool) -> Result<Written, Reported> {
    let chat = section.optional("chat", chat);
    let source = section.optional("source", |text| {
        let known = reading.section(&[SOURCES]).names().find(|known| *known == text);
        let source = known.and_then(|known| SourceId::parse(known).ok());
        source.ok_or_else(|| Wrong::new("is none of the sources: write the name of one"))
    });
    let (bot, bearer) = if is_bot {
        (section.optional_secret("token", BotToken::parse), Ok(None))
    } else {
        (Ok(None), section.optional_secret("token", Secret::parse))
    };
    let url = section.optional_secret("url", SecretUrl::parse);
    let mail = mail(section);
    Ok(Written { chat: chat?, source: source?, bot: bot?, bearer: bearer?, url: url?, mail: mail? })
}

fn mail(section: &Section<'_>) -> Result<Mail, Reported> {
    let host = section.optional("host", mail_host);
    let port = section.optional("port", port);
    let tls = section.optional("tls", MailTls::parse);
    let user = section.optional("user", parse::line);
    let password = section.optional_secret("password", password);
    let from = section.optional("from", mailbox);
    let to = section.optional("to", |text| text.split(',').map(|item| mailbox(item.trim())).collect());
    let to = to.map(Option::unwrap_or_default);
    Ok(Mail { host: host?, port: port?, tls: tls?, user: user?, password: password?, from: from?, to: to? })
}

fn email(section: &Section<'_>, mail: Mail, missing: impl Fn(&str) -> Reported) -> Result<EmailTarget, Reported> {
    let login = match (mail.user, mail.password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (Some(_), None) => return Err(section.report("user", "password is missing: write both, or neither")),
        (None, Some(_)) => return Err(section.report("password", "user is missing: write both, or neither")),
    };
    let tls = mail.tls.unwrap_or(MailTls::Tls);
    if tls == MailTls::None && login.is_some() {
        return Err(section.report("tls", "\"none\" would send the password as it is: write \"tls\" or \"starttls\""));
    }
    if mail.to.is_empty() {
        return Err(missing("to"));
    }
    let host = mail.host.ok_or_else(|| missing("host"))?;
    Ok(EmailTarget { host, port: mail.port, tls, login, from: mail.from.ok_or_else(|| missing("from"))?, to: mail.to })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Telegram,
    Webhook,
    Ntfy,
    Email,
}

impl Kind {
    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "telegram" => Ok(Self::Telegram),
            "webhook" => Ok(Self::Webhook),
            "ntfy" => Ok(Self::Ntfy),
            "email" => Ok(Self::Email),
            _ => Err(Wrong::new("is no kind of target: write telegram, webhook, ntfy or email")),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Webhook => "webhook",
            Self::Ntfy => "ntfy",
            Self::Email => "email",
        }
    }

    /// Whether a key is for targets of this kind.
    fn has_key(self, key: &str) -> bool {
        let keys: &[&str] = match self {
            Self::Telegram => &["chat", "source", "token", "token_file"],
            Self::Webhook | Self::Ntfy => &["url", "url_file", "token", "token_file"],
            Self::Email => &["host", "port", "tls", "user", "password", "password_file", "from", "to"],
        };
        key == "kind" || keys.contains(&key)
    }
}

impl MailTls {
    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "tls" => Ok(Self::Tls),
            "starttls" => Ok(Self::StartTls),
            "none" => Ok(Self::None),
            _ => Err(Wrong::new("is not a way to protect mail: write tls, starttls or none")),
        }
    }
}

fn chat(text: &str) -> Result<i64, Wrong> {
    text.parse()
        .ok()
        .filter(|chat| *chat != 0)
        .ok_or_else(|| Wrong::new("is not a chat: write its number, such as 777000111, or -1001234567890 for a group"))
}

fn port(text: &str) -> Result<u16, Wrong> {
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| Wrong::new("is not a port: write a number from 1 to 65535, such as 465"))
}

fn mail_host(text: &str) -> Result<String, Wrong> {
    match parse::hosts(text).as_deref() {
        Ok([host]) => Ok(host.clone()),
        Ok(_) | Err(_) => Err(Wrong::new("is not a host: write a name alone, such as \"smtp.example.com\"")),
    }
}

fn password(text: &str) -> Result<Secret, Wrong> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err(Wrong::new("is not a password: write it in one line"));
    }
    Ok(Secret::new(text.to_owned()))
}

fn mailbox(text: &str) -> Result<Mailbox, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new("is not an address of mail: write one such as \"ops@example.com\" or \"Ops <ops@example.com>\"")
    })
}
