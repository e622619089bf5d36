//! The answer of Kommo's support, as lines of the configuration.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use anyhow::{Context as _, bail};

use crate::{
    cli::{
        register::{Registration, answered, questions as ask},
        terminal,
    },
    config::ChannelSecret,
};

/// Only who writes it may read it: the configuration warns of a secret that others can read.
const MODE: u32 = 0o600;

/// Takes the ids and the secret, and prints the lines.
///
/// # Errors
/// If one of them cannot be what the support gave, or the secret's file is there already.
pub(super) fn run(register: &Registration) -> anyhow::Result<()> {
    if register.secret_file.exists() {
        bail!("{}", in_the_way(&register.secret_file));
    }
    let channel_id = answered(register.channel_id.as_ref(), &ask::CHANNEL_ID)?;
    let origin_code = answered(register.origin_code.as_ref(), &ask::ORIGIN_CODE)?;
    let bot_id = answered(register.bot_id.as_ref(), &ask::BOT_ID)?;
    let account_id = answered(register.account_id.as_ref(), &ask::ACCOUNT_ID)?;
    let secret = secret()?;
    keep(&register.secret_file, &secret)?;
    terminal::print(format_args!("channel_id = \"{channel_id}\"\n"));
    terminal::print(format_args!("channel_secret_file = {:?}\n", register.secret_file.display().to_string()));
    terminal::print(format_args!("origin_code = \"{origin_code}\"\n"));
    if !account_id.is_empty() {
        terminal::print(format_args!("account_id = \"{account_id}\"\n"));
    }
    terminal::print(format_args!("bot_id = \"{bot_id}\"\n"));
    terminal::note(&next(&register.secret_file, account_id.is_empty()));
    Ok(())
}

/// What is to be done with the lines. The example has other values for the same keys, and no key may be there twice.
fn next(secret: &Path, lacks_account: bool) -> String {
    let file = secret.display();
    let account = if lacks_account {
        " Delete the line account_id, too, if you set account_url and access_token; else `telekommo help connect` says \
         where to find the id."
    } else {
        ""
    };
    format!(
        "\nIn the section [kommo] of config.toml, put these lines in the place of those that begin with the same keys, \
         and delete the line channel_secret.{account}\nKeep {file} beside config.toml. With the systemd service: sudo \
         install -m 640 {file} /etc/telekommo/\nThen: telekommo check"
    )
}

/// The secret; whoever sits there is asked again until it is one.
fn secret() -> anyhow::Result<ChannelSecret> {
    loop {
        let given = terminal::secret("The channel's secret").context("the secret is read from the input")?;
        match ChannelSecret::parse(&given) {
            Ok(secret) => return Ok(secret),
            Err(wrong) if terminal::is_interactive() => {
                terminal::eprint(format_args!("  What was given as the secret {wrong}.\n"));
            }
            Err(wrong) => bail!("what was given as the secret {wrong}"),
        }
    }
}

fn in_the_way(path: &Path) -> String {
    format!("{} is there already: move it away, or name another with --secret-file", path.display())
}

fn keep(path: &Path, secret: &ChannelSecret) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    Ok(())
}
