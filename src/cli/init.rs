//! `telekommo init`: from an installed program to a bridge that works, one question after the other. Each answer is
//! tried at once where it is used, and what is there already is kept.

use std::path::{Path, PathBuf};

use clap::Args;
use rustix::process::geteuid;
use tokio::runtime::Runtime;

mod account;
mod address;
mod answers;
mod bots;
mod channel;
mod draft;
mod last;
mod prompt;
mod service;

use answers::Answers;
use draft::Draft;
use prompt::Prompt;

/// What `--help` says.
pub const ABOUT: &str = "Lead through the set-up, and try each answer at once.

Asks for the bots' tokens, the public address, the account with its access
token, and the channel that Kommo's support has registered; tries each at
Telegram and Kommo as you give it; writes the configuration and a file for each
secret, which only you and the service can read; offers the systemd unit, and
shows what to write into Caddy. At the end a message really crosses, there and
back.

Run it again at any time: it keeps what is there and asks for what is missing or
does not work. Without a channel it ends early, and goes on from there later;
`telekommo register` writes the letter for one.

With --answers nobody is asked. FILE is TOML with the keys public_url,
account_url, access_token, account_id, channel_id, channel_secret, origin_code,
bot_id, data_dir, connect (false: do not connect the channel), unit (where to
write the systemd unit), and for each bot a section [bots.NAME] with token and
name. A secret can stand in a file of its own: access_token_file, and so on.";

/// The options of the command.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Take the answers from FILE, and ask nothing.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
}

/// Where a configuration is made if there is none: in the folder of the service, which only root can write to.
const OF_SERVICE: &str = "/etc/telekommo/config.toml";
/// The same for everybody else, and what comes first if it is there.
const HERE: &str = "config.toml";

/// Leads through it. `named` is the configuration file that the command line names.
///
/// # Errors
/// If the input ends, a file cannot be written, or an answer of a file is missing or wrong.
pub fn run(named: Option<PathBuf>, options: &Options) -> anyhow::Result<()> {
    let answers = options.answers.as_deref().map(Answers::read).transpose()?;
    let prompt = Prompt::new(answers)?;
    let mut draft = Draft::open(named.unwrap_or_else(place))?;
    prompt.note(&format!(
        "This leads to a bridge that works. Each answer is tried at once, and what is there is kept. End it with \
         Ctrl+C: the next `telekommo init` goes on from there.\n\nThe configuration is {}.",
        draft.path().display()
    ));
    Runtime::new()?.block_on(lead(&mut draft, &prompt))
}

fn place() -> PathBuf {
    let is_here = Path::new(HERE).exists();
    PathBuf::from(if geteuid().is_root() && !is_here { OF_SERVICE } else { HERE })
}

async fn lead(draft: &mut Draft, prompt: &Prompt) -> anyhow::Result<()> {
    service::folder(draft, prompt)?;
    bots::set_up(draft, prompt).await?;
    address::set_up(draft, prompt).await?;
    account::set_up(draft, prompt).await?;
    if !channel::set_up(draft, prompt).await? {
        return Ok(());
    }
    service::set_up(draft, prompt)?;
    last::message(draft, prompt).await
}
