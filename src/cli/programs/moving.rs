//! `telekommo programs adopt` and `release`: a bot whose webhook is set elsewhere moves in, and moves out again.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::{
    admin::programs::Details,
    app,
    cli::{
        bridge::{self, Bridge},
        chats::encoded,
        programs::{noted, read},
        table::plain,
        terminal::{self, paragraph},
    },
    config::{Config, Program},
    domain::amount::counted,
    files::text,
    telegram::{bot::Bot, webhook::WebhookInfo},
};

/// The domains that webhooks of Kommo's own Telegram integration are below.
const KOMMO: [&str; 3] = ["kommo.com", "amocrm.com", "amocrm.ru"];
/// The longest secret token (Bot API, `setWebhook`).
const TOKEN_CHARS: usize = 256;

/// A program, and its bot.
struct Moving<'c> {
    config: &'c Config,
    name: &'c str,
    program: &'c Program,
    bot: Bot,
}

impl<'c> Moving<'c> {
    fn of(config: &'c Config, name: &'c str) -> anyhow::Result<Self> {
        let program = config.programs.get(name).with_context(|| {
            format!("the configuration has no [programs.{name}]: write its section first (`telekommo help programs`)")
        })?;
        let bot = app::bots(config)?.remove(&program.source).context("the source of the program has no bot")?;
        Ok(Self { config, name, program, bot })
    }

    /// The webhook that Telegram has now.
    async fn webhook(&self) -> anyhow::Result<Option<WebhookInfo>> {
        self.bot.webhook().await.with_context(|| format!("the webhook of the bot of source {}", self.program.source))
    }

    fn noted(&self) -> anyhow::Result<Option<WebhookInfo>> {
        noted::read(&self.config.data_dir, self.bot.id())
    }

    /// What the running bridge knows of the program; `None` if no bridge runs.
    async fn known(&self) -> anyhow::Result<Option<Details>> {
        let Some(running) = bridge::connect(self.config)? else { return Ok(None) };
        let missing = format!(
            "the running bridge does not know {} yet, and would not keep for it what waits at Telegram: run `telekommo \
             reload` first",
            self.name
        );
        let path = format!("/programs/one?name={}", encoded(self.name));
        let answer = Bridge::Running(running).ask(&path, &missing).await?;
        read(&answer).map(Some)
    }
}

/// Takes over a bot whose webhook is set elsewhere. The webhook is noted before it is deleted, so this can be repeated
/// after a crash at any step.
pub(super) async fn adopt(config: &Config, name: &str, is_meant: bool) -> anyhow::Result<()> {
    let moving = Moving::of(config, name)?;
    let Some(webhook) = moving.webhook().await? else {
        terminal::say(&nothing_to_adopt(&moving, moving.noted()?.as_ref()));
        return Ok(());
    };
    let dir = &config.data_dir;
    ensure!(dir.is_dir(), "{} is not there: start telekommo once, which makes it", dir.display());
    moving.known().await?;
    for (label, text) in adoption(&moving, &webhook) {
        terminal::print(paragraph(label, &text));
    }
    agree("Take the bot over? (yes or no)", is_meant)?;
    noted::write(dir, moving.bot.id(), &webhook)?;
    moving.bot.delete_webhook().await.context("the webhook is noted, but was not deleted: run this again")?;
    terminal::say(
        "\nThe webhook is deleted, and telekommo polls the bot: a bridge that runs begins within retry.probe_every.\n",
    );
    Ok(())
}

fn nothing_to_adopt(moving: &Moving<'_>, noted: Option<&WebhookInfo>) -> String {
    let source = &moving.program.source;
    match noted {
        Some(noted) => format!(
            "The bot of source {source} is taken over already: the webhook of {} is deleted, and noted for `telekommo \
             programs release`.\n",
            plain(&noted.host())
        ),
        None => format!(
            "No webhook is set for the bot of source {source}: there is nothing to take over. If a program polls the \
             bot, stop it, and give it its secret and the address of the gateway.\n"
        ),
    }
}

/// What an adoption changes.
fn adoption(moving: &Moving<'_>, webhook: &WebhookInfo) -> Vec<(&'static str, String)> {
    let (name, source, host) = (moving.name, &moving.program.source, plain(&webhook.host()));
    let waiting = match usize::try_from(webhook.pending).unwrap_or_default() {
        0 => "nothing".to_owned(),
        some => format!("{}, which telekommo gets for Kommo and for {name}", counted(some, "update")),
    };
    let place = noted::path(&moving.config.data_dir, moving.bot.id());
    let mut lines = vec![
        ("Webhook", format!("{} gets what customers write to the bot of source {source}", place_of(webhook))),
        ("Settings", settings(webhook)),
        ("Waiting", waiting),
        (
            "Changes",
            format!(
                "the webhook is deleted, since Telegram lets nobody poll a bot that has one. {host} gets nothing from \
                 Telegram any more, and telekommo gets all"
            ),
        ),
        (
            "Noted",
            format!("the webhook in {}, without its secret token, which Telegram does not tell", place.display()),
        ),
        (
            "To do",
            format!(
                "give {name} its secret in place of the bot's token, and http://{} in place of \
                 https://api.telegram.org. If it is to have a webhook, it calls setWebhook there",
                moving.config.gateway.listen
            ),
        ),
    ];
    if is_of_kommo(&webhook.host()) {
        lines.push((
            "Kommo",
            "this webhook is of Kommo's own Telegram integration. Disconnect the bot there as well, or Kommo may set the \
             webhook again. The chats that Kommo has by that integration stay as they are, and customers who write \
             begin chats of telekommo's channel"
                .to_owned(),
        ));
    }
    if webhook.has_certificate {
        lines.push(("Certificate", CERTIFICATE.to_owned()));
    }
    lines
}

const CERTIFICATE: &str = "the webhook was set with a certificate of its own, which Telegram does not tell. `telekommo \
    programs release` cannot put it back: whoever has it then calls setWebhook with it again";

/// Where a webhook leads. Its path may hold a secret, and is left out.
fn place_of(webhook: &WebhookInfo) -> String {
    let at = webhook.ip_address.as_ref().map(|ip| format!(" ({})", plain(ip))).unwrap_or_default();
    format!("{}{at}", plain(&webhook.host()))
}

/// What else is set for a webhook.
fn settings(webhook: &WebhookInfo) -> String {
    let connections = webhook.max_connections.map(|most| format!("up to {most} connections; ")).unwrap_or_default();
    let kinds = webhook.allowed_updates.as_ref().map_or_else(
        || "the usual kinds of updates".to_owned(),
        |kinds| format!("updates of the kinds {}", plain(&kinds.join(", "))),
    );
    format!("{connections}{kinds}")
}

fn is_of_kommo(host: &str) -> bool {
    KOMMO.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// Puts back the webhook that a bot had before it was taken over.
pub(super) async fn release(
    config: &Config,
    name: &str,
    (token_file, is_meant): (Option<&Path>, bool),
) -> anyhow::Result<()> {
    let moving = Moving::of(config, name)?;
    let Some(webhook) = moving.noted()? else {
        bail!(
            "no webhook is noted for the bot of source {}: `telekommo programs adopt` has not taken one over, or it \
             was put back. Whoever has its address calls setWebhook with the bot's token",
            moving.program.source
        );
    };
    let from_file = token_file.map(token_of).transpose()?;
    let waiting = moving.known().await.ok().flatten().map_or(0, |details| details.program.waiting);
    for (label, text) in departure(&moving, &webhook, waiting) {
        terminal::print(paragraph(label, &text));
    }
    agree("Put the webhook back? (yes or no)", is_meant)?;
    let token = match from_file {
        Some(token) => token,
        None if terminal::is_interactive() => {
            checked(&terminal::secret("The webhook's secret token, or Enter if it has none")?)?
        }
        None => None,
    };
    moving.bot.set_webhook(&webhook, token.as_deref()).await.context("the webhook was not put back")?;
    noted::remove(&config.data_dir, moving.bot.id())?;
    let with = if token.is_some() { "with" } else { "without" };
    terminal::say(&format!("\nThe webhook of {} is set again, {with} a secret token.\n", plain(&webhook.host())));
    Ok(())
}

/// What a release changes.
fn departure(moving: &Moving<'_>, webhook: &WebhookInfo, waiting: usize) -> Vec<(&'static str, String)> {
    let (name, source, host) = (moving.name, &moving.program.source, plain(&webhook.host()));
    let mut lines = vec![
        ("Webhook", format!("that of {} is set again for the bot of source {source}", place_of(webhook))),
        ("Settings", settings(webhook)),
        (
            "Changes",
            format!(
                "telekommo and {name} get no updates of this bot any more: what customers write goes to {host} alone, \
                 and not to Kommo"
            ),
        ),
        (
            "To do",
            format!(
                "give the program the bot's token and https://api.telegram.org again. Remove [programs.{name}] and \
                 [sources.{source}], and run `telekommo reload`. Until then telekommo tries to poll and says that a \
                 webhook is set, which does not disturb the webhook"
            ),
        ),
    ];
    if waiting > 0 {
        lines.push((
            "Waiting",
            format!(
                "{} that {name} has not fetched stay with telekommo: let it fetch them first",
                counted(waiting, "update")
            ),
        ));
    }
    if webhook.has_certificate {
        lines.push(("Certificate", CERTIFICATE.to_owned()));
    }
    lines
}

fn token_of(file: &Path) -> anyhow::Result<Option<String>> {
    let token = text::read(file).with_context(|| format!("--secret-token-file {}", file.display()))?;
    checked(token.trim()).with_context(|| format!("--secret-token-file {}", file.display()))
}

/// A secret token that Telegram takes; an empty one is none.
fn checked(token: &str) -> anyhow::Result<Option<String>> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    ensure!(
        token.len() <= TOKEN_CHARS && token.bytes().all(fits),
        "this is no secret token of a webhook: it has up to {TOKEN_CHARS} of A-Z a-z 0-9 _ -"
    );
    Ok((!token.is_empty()).then(|| token.to_owned()))
}

/// Asks for consent. A script has to give it by an option.
fn agree(question: &str, is_meant: bool) -> anyhow::Result<()> {
    if is_meant {
        return Ok(());
    }
    ensure!(terminal::is_interactive(), "nothing was changed: add --yes if this is meant");
    match terminal::line(question, Some("no"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was changed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kommos_own_integration_is_known_by_its_host() {
        for (host, is_its) in [
            ("amojo.kommo.com", true),
            ("kommo.com", true),
            ("telegram.amocrm.ru", true),
            ("notkommo.com", false),
            ("kommo.com.example.com", false),
        ] {
            assert_eq!(is_of_kommo(host), is_its, "{host}");
        }
    }

    #[test]
    fn a_webhook_is_told_without_what_may_be_a_secret() {
        let webhook = WebhookInfo {
            url: "https://shop.example.com/hook/a-secret".to_owned(),
            max_connections: Some(40),
            ip_address: Some("1.2.3.4".to_owned()),
            allowed_updates: Some(vec!["message".to_owned(), "poll".to_owned()]),
            ..WebhookInfo::default()
        };
        assert_eq!(place_of(&webhook), "shop.example.com (1.2.3.4)");
        assert_eq!(settings(&webhook), "up to 40 connections; updates of the kinds message, poll");
        assert_eq!(settings(&WebhookInfo::default()), "the usual kinds of updates");
    }

    #[test]
    fn a_secret_token_has_the_letters_that_telegram_takes() {
        assert_eq!(checked("").unwrap(), None);
        assert_eq!(checked("a_B-9").unwrap().as_deref(), Some("a_B-9"));
        let long = "a".repeat(TOKEN_CHARS + 1);
        for wrong in ["a b", "ключ", &long] {
            assert!(checked(wrong).is_err_and(|error| !error.to_string().contains(wrong)), "{wrong}");
        }
    }
}
