//! `telekommo register`: what Kommo's support wants to know of a new channel, the widget that its sources need, and
//! what is done with the answer (Chats API, "Getting started"; "Widget archive structure").

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::terminal;

mod answer;
mod letter;
mod questions;
mod widget;

use letter::Letter;
use questions::Question;
pub(super) use questions::public_url;

/// What `--help` says.
pub const ABOUT: &str = "Write the letter that registers a chat channel, or read the answer to it.

Asks what Kommo's support wants to know, and prints the letter. Also writes the
channel's icon, and the archive of a widget: without it, Kommo does not list
your bots as sources. Kommo gives the widget a code when you upload the archive,
so telekommo asks for the code last; it may be left out. Every question has an
option; telekommo asks for what is missing, on a terminal.

With --answer, asks for the ids and the secret in the answer of Kommo's support,
and prints the lines for the configuration. The secret is typed, or read from
the first line of the input. It goes to a file that only you can read.";

/// The icon of the channel, which stands beside a message: round, 14 by 14.
const ICON: &str = include_str!("register/icon.svg");

/// Where the letter goes, according to Kommo's own help.
const ADDRESS: &str =
    "Send it to support@kommo.com, or by the support chat of your account; with amoCRM by its support chat.";

/// What is to be done where managers may write first.
const WRITE_FIRST: &str = "Managers write first by a phone number. They reach customers who have shared that number \
    with a bot: set telegram.ask_phone = \"on_start\", so that the bots ask for it, and kommo.origin_code to the \
    channel's code from the answer.";

/// The options of the command.
#[derive(Clone, Debug, Args)]
pub struct Registration {
    /// The public address of telekommo [default: `server.public_url` of the configuration].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The name that managers see: Latin letters, digits, blanks and . _ - after a first letter.
    #[arg(long, value_name = "NAME")]
    service_name: Option<String>,
    /// The numbers of the accounts that may use the channel, separated by commas.
    #[arg(long, value_name = "NUMBERS")]
    accounts: Option<String>,
    /// The address that Kommo writes to if the channel has trouble.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The id of the integration, a UUID: in its tab "Keys and scopes".
    #[arg(long, value_name = "UUID")]
    integration: Option<String>,
    /// The code that Kommo gave the integration's widget [default: none].
    #[arg(long, value_name = "CODE")]
    widget_code: Option<String>,
    /// Let managers begin a chat with a phone number: yes or no. It needs the channel's code (`kommo.origin_code`) and
    /// customers who have shared their numbers (`telegram.ask_phone`).
    #[arg(long, value_name = "YES_NO")]
    write_first: Option<String>,
    /// Relay emoji reactions: yes or no.
    #[arg(long, value_name = "YES_NO")]
    reactions: Option<String>,
    /// The largest file that managers may send, in MB; bots can send 50.
    #[arg(long, value_name = "MB")]
    max_file_mb: Option<String>,
    /// Where to write the archive of the widget.
    #[arg(long, value_name = "FILE", default_value = "telekommo-widget.zip")]
    widget: PathBuf,
    /// Where to write the icon.
    #[arg(long, value_name = "FILE", default_value = "telekommo-icon.svg")]
    icon: PathBuf,
    /// Turn the answer of Kommo's support into lines of the configuration.
    #[arg(long)]
    answer: bool,
    /// With --answer: the channel's id, a UUID.
    #[arg(long, value_name = "UUID", requires = "answer")]
    channel_id: Option<String>,
    /// With --answer: the channel's code, such as amo.ext.12345.
    #[arg(long, value_name = "CODE", requires = "answer")]
    origin_code: Option<String>,
    /// With --answer: the id of the channel's bot, a UUID.
    #[arg(long, value_name = "UUID", requires = "answer")]
    bot_id: Option<String>,
    /// With --answer: the UUID of the account, if the answer names it.
    #[arg(long, value_name = "UUID", requires = "answer")]
    account_id: Option<String>,
    /// With --answer: the file for the secret; an existing one is never replaced.
    #[arg(long, value_name = "FILE", default_value = "channel-secret")]
    secret_file: PathBuf,
}

/// Does it. `configured` is the configuration file that is used if there is one, complete or not.
///
/// # Errors
/// If an answer is wrong or missing, or a file cannot be written.
pub fn run(register: &Registration, configured: Option<PathBuf>) -> anyhow::Result<()> {
    if register.answer {
        return answer::run(register);
    }
    let mut letter = Letter::ask(register, configured)?;
    let archive = widget::archive(&letter.public_url, &letter.email)?;
    write(&register.widget, &archive)?;
    write(&register.icon, ICON.as_bytes())?;
    let (icon, widget) = (register.icon.display(), register.widget.display());
    let upload = format!(
        "\nUpload {widget} to the integration in Kommo, and switch \"Multiple sources\" on there. Kommo then gives \
         the widget a code. Without the widget, messages arrive, but Kommo does not list your bots as sources."
    );
    if register.widget_code.is_none() {
        terminal::note(&upload);
        letter.widget_code = answered(None, &questions::WIDGET_CODE)?;
    }
    terminal::print(format_args!("{letter}\n"));
    terminal::note(&format!(
        "\n{ADDRESS}\nAttach {icon}. An answer takes some working days. When it comes: telekommo register --answer"
    ));
    if letter.write_first == "yes" {
        terminal::note(WRITE_FIRST);
    }
    Ok(())
}

fn write(path: &PathBuf, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

/// The checked answer to a question: the option if it was given, else what is typed, asked again until it is right.
fn answered(given: Option<&String>, question: &Question) -> anyhow::Result<String> {
    if let Some(given) = given {
        return (question.check)(given.trim()).map_err(|wrong| anyhow::anyhow!("--{}: {wrong}", question.option));
    }
    if !terminal::is_interactive() {
        return match question.default {
            Some(default) => Ok(default.to_owned()),
            None => bail!("--{} is missing: {}", question.option, question.text),
        };
    }
    loop {
        match (question.check)(&terminal::line(question.text, question.default)?) {
            Ok(answer) => return Ok(answer),
            Err(wrong) => terminal::eprint(format_args!("  {wrong}\n")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_as_kommo_wants_it() {
        assert!(ICON.len() < 100 * 1024 && ICON.contains("width=\"14\" height=\"14\""));
    }
}
