//! The command line: what can be asked for, and how. Its comments are what `--help` and the manual pages say.

#[cfg(feature = "sandbox")]
use std::net::SocketAddr;
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use clap_complete::Shell;
#[cfg(feature = "sandbox")]
use reqwest::Url;

use crate::{
    cli::{
        alerts, chats, check, export, forget, generated, import, init, invite, manual, parked, programs, queue,
        register, sources, tap, templates, trace, values,
    },
    config::{Config, ConfigError, Environment},
    domain::address::Conversation,
};

/// Connects Telegram bots to Kommo, and loses no message.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true, after_help = manual::topics())]
pub struct Arguments {
    #[command(flatten)]
    pub config: ConfigPath,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the bridge until SIGTERM or SIGINT.
    Run,
    /// Let the running bridge read its configuration again, and say what has changed.
    ///
    /// The bots that are the same go on. A configuration that cannot be used changes nothing.
    Reload {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lead through the set-up, and try each answer at once.
    #[command(long_about = init::ABOUT)]
    Init {
        #[command(flatten)]
        init: init::Options,
    },
    /// Check the configuration, this machine, Kommo, Telegram, and the way from the internet.
    #[command(long_about = check::ABOUT)]
    Check {
        #[command(flatten)]
        check: check::Options,
    },
    /// Connect the channel to the account, as a start does.
    Connect,
    /// Disconnect the channel from the account.
    Disconnect {
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
    /// List the sources in Kommo, make them like the configuration, or delete one.
    Sources {
        #[command(subcommand)]
        request: sources::Request,
    },
    /// Write the letter that registers a chat channel, or read the answer to it.
    #[command(long_about = register::ABOUT)]
    Register {
        #[command(flatten)]
        register: Box<register::Registration>,
    },
    /// Import old chats from an export of Telegram Desktop.
    #[command(long_about = import::ABOUT)]
    Import {
        #[command(flatten)]
        import: Box<import::ImportOptions>,
    },
    /// List the chat templates in Kommo, create and change them from a file, or delete one.
    Templates {
        #[command(subcommand)]
        request: templates::Request,
    },
    /// Print a link that opens a bot, for a contact or a campaign, with a QR code.
    #[command(override_usage = invite::USAGE)]
    Link {
        #[command(flatten)]
        request: invite::Request,
    },
    /// Show which conversation is which chat and contact in Kommo, and change it.
    Chats {
        #[command(subcommand)]
        request: chats::Request,
    },
    /// Try telekommo on this machine alone, between a fake Telegram and a fake Kommo.
    #[cfg(feature = "sandbox")]
    Sandbox {
        /// The address of the page.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070", value_parser = values::listener)]
        listen: SocketAddr,
        /// Play a short conversation; exit with 1 if not all of it arrived.
        #[arg(long, conflicts_with = "hooks_to")]
        script: bool,
        /// Start no bridge: send hooks to URL, and print a configuration for a bridge.
        #[arg(long, value_name = "URL", conflicts_with = "set", value_parser = values::address)]
        hooks_to: Option<Url>,
        /// Set a key of the bridge's configuration: 'telegram.buttons = "keyboard"'.
        #[arg(long, value_name = "LINE", conflicts_with = "script")]
        set: Vec<String>,
        #[arg(id = "path", long = "config", hide = true)]
        config: Option<PathBuf>,
    },
    /// Show how the running bridge is doing: bots, Kommo, queues, messages of the last day, and what is wrong.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Print a link that opens the status page for retrying and dropping parked messages.
        #[arg(long, conflicts_with = "json")]
        open: bool,
    },
    /// Watch what the running bridge relays, while it does.
    ///
    /// What people write is shown with --content alone. Whoever reads too slowly misses something, and is told so: the
    /// bridge never waits.
    Tap {
        #[command(flatten)]
        watch: tap::Watch,
    },
    /// Show what became of a message: every hop with its time, attempts and outcome.
    #[command(long_about = trace::ABOUT)]
    Trace {
        #[command(flatten)]
        request: trace::Request,
    },
    /// List, show, retry, park or drop messages that wait or are parked.
    Queue {
        #[command(subcommand)]
        request: queue::Request,
    },
    /// List, retry or drop parked messages: short for `queue` with these alone.
    Parked {
        #[command(subcommand)]
        request: parked::Request,
    },
    /// List your own programs that share a bot with Kommo, and let them move in or out.
    Programs {
        #[command(subcommand)]
        request: programs::Request,
    },
    /// Try out who is told when something is wrong.
    Alerts {
        #[command(subcommand)]
        request: alerts::Request,
    },
    /// Let the running bridge find missed answers of managers, and send them.
    Reconcile {
        /// How far back to look [default: `reconcile.max_age`], at most `store.dedupe_for`.
        #[arg(long, value_name = "DURATION", value_parser = values::duration)]
        since: Option<Duration>,
    },
    /// Print what Kommo has of a conversation, the newest message last.
    History {
        /// A conversation, such as `tg:sales:777000111`, or Kommo's UUID of a chat.
        #[arg(value_name = "CONVERSATION")]
        conversation: String,
        /// The number of messages to print.
        #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = values::count::<NonZeroUsize>, allow_negative_numbers = true)]
        limit: NonZeroUsize,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Show times in UTC, not in this machine's time zone.
        #[arg(long, conflicts_with = "json")]
        utc: bool,
    },
    /// Print conversations as Kommo has them, a line of JSON for each message.
    #[command(long_about = export::ABOUT)]
    Export {
        /// Conversations, such as `tg:sales:777000111` [default: all].
        #[arg(value_name = "CONVERSATION")]
        conversations: Vec<Conversation>,
    },
    /// Erase all that the store has of a customer or a group, with messages that wait or are parked.
    #[command(long_about = forget::ABOUT)]
    Forget {
        /// A conversation with them, such as `tg:sales:777000111`.
        #[arg(value_name = "CONVERSATION")]
        conversation: Conversation,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
    /// Back up the store, imported files and the configuration without its secrets, while the bridge runs or not.
    ///
    /// The file has lines of JSON, and nobody else may read it. `telekommo restore` takes it apart. Keep the secrets
    /// apart from it.
    Backup {
        /// The file to write. An older backup of that name is replaced once the new one is whole.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Restore the store from a dump or a backup. The current store is moved aside, never deleted.
    Restore {
        /// The data directory: `data_dir` of the configuration.
        #[arg(value_name = "DATA_DIR")]
        data_dir: PathBuf,
        /// The dump, or a backup [default: the newest dump in the data directory].
        #[arg(value_name = "DUMP")]
        dump: Option<PathBuf>,
        #[arg(id = "path", long = "config", hide = true)]
        config: Option<PathBuf>,
    },
    /// Write the store again, so that its file becomes small; no bridge may run meanwhile.
    Compact {
        /// The data directory: `data_dir` of the configuration.
        #[arg(value_name = "DATA_DIR")]
        data_dir: PathBuf,
        #[arg(id = "path", long = "config", hide = true)]
        config: Option<PathBuf>,
    },
    /// Print a script that completes commands and options in a shell.
    #[command(long_about = generated::COMPLETIONS)]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL")]
        shell: Shell,
        #[arg(id = "path", long = "config", hide = true)]
        config: Option<PathBuf>,
    },
    /// Write a manual page for each command into a folder, for `man`.
    Man {
        /// The folder, such as /usr/local/share/man/man1.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[arg(id = "path", long = "config", hide = true)]
        config: Option<PathBuf>,
    },
    /// Print a chapter of the manual, or the help of a command.
    #[command(disable_help_flag = true)]
    Help {
        /// A topic or a command [default: a list of both].
        #[arg(value_name = "TOPIC", allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
pub struct ConfigPath {
    /// The configuration file [default: ./config.toml, or /etc/telekommo/config.toml].
    #[arg(long = "config", value_name = "PATH", global = true)]
    pub path: Option<PathBuf>,
}

impl ConfigPath {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn load(&self) -> Result<Config, ConfigError> {
        Config::load(self.path.as_deref(), &Environment::of_process())
    }
}
