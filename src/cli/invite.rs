//! `telekommo link`: links that open a bot, with a QR code.
//!
//! A link to a contact works once, a campaign's for ever. Telegram names the bot.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::{
    admin::identity,
    app,
    cli::{
        qr::Qr,
        terminal::{self, paragraph},
        values,
    },
    clock,
    config::Config,
    domain::address::SourceId,
    invite::{Invitation, InviteKey, LARGEST_CONTACT},
    telegram::failure,
};

/// How it is called.
pub const USAGE: &str = "telekommo link [OPTIONS] --source <NAME> --contact <NUMBER>
       telekommo link [OPTIONS] --source <NAME> --campaign <NAME>";

/// What is asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["contact", "campaign"])))]
pub struct Request {
    /// The source whose bot the link opens.
    #[arg(long, value_name = "NAME")]
    pub source: String,
    /// The contact that gets the chat of the first person who opens the link, by its number in Kommo.
    #[arg(long, value_name = "NUMBER", value_parser = values::number::<u64>, allow_negative_numbers = true)]
    pub contact: Option<u64>,
    /// The campaign of leads that come by the link.
    #[arg(long, value_name = "NAME")]
    pub campaign: Option<String>,
    /// How long the link to a contact is valid.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = values::duration)]
    pub valid: Duration,
    /// Write the QR code to this file as a PNG.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Write the QR code to this file as an SVG.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// Prints the link and its QR code.
///
/// # Errors
/// If something that the link is about is not there, or Telegram does not say what the bot is called.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    let source = source(config, &request.source)?;
    let (payload, note) = payload(config, &source, &request)?;
    if let Some(contact) = request.contact {
        is_there(config, contact).await?;
    }
    let bots = app::bots(config)?;
    let bot = bots.get(&source).context("the source has no bot")?;
    let username = bot.username().await.map_err(|error| {
        let why = failure::of_repeatable(error);
        anyhow::anyhow!("Telegram does not say what the bot of source {source} is called: {}", why.why())
    })?;
    let username = username.context("Telegram does not say what the bot is called")?;
    let link = format!("https://t.me/{username}?start={payload}");
    let qr = Qr::new(&link)?;
    if let Some(file) = &request.png {
        write(file, &qr.png()?)?;
    }
    if let Some(file) = &request.svg {
        write(file, qr.svg().as_bytes())?;
    }
    if request.png.is_none() && request.svg.is_none() {
        terminal::print(qr.text());
    }
    terminal::print(format_args!("{link}\n{note}"));
    Ok(())
}

fn source(config: &Config, name: &str) -> anyhow::Result<SourceId> {
    let known = config.sources.keys().find(|source| source.as_str() == name);
    known.cloned().with_context(|| {
        let names: Vec<_> = config.sources.keys().map(SourceId::as_str).collect();
        format!("there is no source {name:?}: the sources are {}", names.join(", "))
    })
}

/// What stands behind `?start=`, and what there is to say about it.
fn payload(config: &Config, source: &SourceId, request: &Request) -> anyhow::Result<(String, String)> {
    match request.contact {
        Some(contact) => to_contact(config, source, contact, request.valid),
        None => to_campaign(config, source, request.campaign.as_deref().unwrap_or_default()),
    }
}

fn to_contact(config: &Config, source: &SourceId, contact: u64, valid: Duration) -> anyhow::Result<(String, String)> {
    if config.kommo.account_url.is_none() || config.kommo.access_token.is_none() {
        bail!("linking chats to contacts needs kommo.account_url and kommo.access_token: write both");
    }
    if contact == 0 || contact > LARGEST_CONTACT {
        bail!("{contact} is not the number of a contact: see the address of the contact's card");
    }
    let end = clock::now().plus(valid);
    let seconds = u32::try_from(end.seconds()).context("--valid is too long: a link ends before 2106")?;
    let nonce = fastrand::u64(..).to_be_bytes();
    let invitation = Invitation { contact, expires_at_seconds: seconds, nonce };
    let payload = InviteKey::derive(config.kommo.channel_secret.expose()).seal(&invitation, source);
    let until = chrono::DateTime::from_timestamp(end.seconds(), 0).unwrap_or_default().format("%Y-%m-%d %H:%M UTC");
    let note = format!("{contact} gets the chat of the first person who opens the link, until {until}.");
    Ok((payload, paragraph("Contact", &note)))
}

/// Whether Kommo has the contact: who follows a link to one that is not there becomes nobody.
async fn is_there(config: &Config, contact: u64) -> anyhow::Result<()> {
    let Some(account) = identity::client(&config.kommo)? else { return Ok(()) };
    let known = account.contact(contact).await.context("the contact cannot be looked up")?;
    known.map(drop).with_context(|| format!("Kommo has no contact {contact}. It may have been deleted or merged"))
}

fn to_campaign(config: &Config, source: &SourceId, name: &str) -> anyhow::Result<(String, String)> {
    let campaign = config.campaigns.get(name).with_context(|| {
        format!("there is no campaign {name:?}: write a section [campaigns.{name}], and restart telekommo")
    })?;
    if !campaign.counts_at(source) {
        bail!("campaign {name:?} does not apply to source {source}: see campaigns.{name}.source");
    }
    Ok((name.to_owned(), paragraph("Campaign", "Leads that come by it get its tags and tracking fields.")))
}

/// Writes a file that is not there yet.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| anyhow::anyhow!(unwritten(path, &error)))
}

fn unwritten(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return format!("{path} exists, and telekommo never replaces a file: name another one");
    }
    format!("{path} cannot be written: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_has_one_reason() {
        let home = tempfile::tempdir().unwrap();
        let there = home.path().join("a.png");
        write(&there, b"png").unwrap();
        let says = |path: &Path| write(path, b"other").unwrap_err().to_string();
        assert!(says(&there).ends_with("a.png exists, and telekommo never replaces a file: name another one"));
        let nowhere = says(&home.path().join("folder/a.png"));
        assert!(
            nowhere.contains("a.png cannot be written: No such file") && !nowhere.contains("replaces"),
            "{nowhere}"
        );
        assert_eq!(std::fs::read(&there).unwrap(), b"png");
    }
}
