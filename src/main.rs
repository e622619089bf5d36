//! The command line: arguments -> command -> exit code.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, process::ExitCode, time::Duration};

use clap::{CommandFactory as _, Parser, Subcommand};
use reqwest::Url;
use telekommo::{
    admin::logging,
    app::{self, App},
    cli::{
        advice, chats, check, compact, connect, history, import, invite, manual, parked, private, reconcile, register,
        restore, sources, templates, terminal, usage, values,
    },
    config::{Config, ConfigError, Environment},
    lifecycle::{self, Ended, Ignored, Signals},
    sandbox,
};
use tokio::runtime::Runtime;

/// Connects Telegram bots to Kommo, and loses no message.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true, after_help = manual::topics())]
struct Arguments {
    #[command(flatten)]
    config: ConfigPath,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge until SIGTERM or SIGINT.
    Run,
    /// Check the configuration, explain it, and ask Kommo and Telegram about it.
    ///
    /// Nothing is changed.
    Check {
        /// Ask neither Kommo nor Telegram.
        #[arg(long)]
        offline: bool,
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
    /// Write the letter that registers a chat channel, or read the support's answer.
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
    /// List, retry or drop parked messages, in the running bridge.
    Parked {
        #[command(subcommand)]
        request: parked::Request,
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
    /// Restore the store from a dump. The current store is moved aside, never deleted.
    Restore {
        /// The data directory: `data_dir` of the configuration.
        #[arg(value_name = "DATA_DIR")]
        data_dir: PathBuf,
        /// The dump [default: the newest one in the data directory].
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
    /// Print a chapter of the manual, or the help of a command.
    #[command(disable_help_flag = true)]
    Help {
        /// A topic or a command [default: a list of both].
        #[arg(value_name = "TOPIC", allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
struct ConfigPath {
    /// The configuration file [default: ./config.toml, or /etc/telekommo/config.toml].
    #[arg(long = "config", value_name = "PATH", global = true)]
    path: Option<PathBuf>,
}

impl ConfigPath {
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(self.path.as_deref(), &Environment::of_process())
    }
}

fn main() -> ExitCode {
    private::no_core_dumps();
    terminal::end_quietly_when_unread();
    let arguments = match usage::read(Arguments::try_parse_from, std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return usage::explain(&error, Arguments::command()),
    };
    execute(arguments).unwrap_or_else(|error| {
        terminal::complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

fn execute(Arguments { config, command }: Arguments) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run => run(&config),
        Command::Check { offline } => with_config(&config, |config| look_over(config, offline)),
        Command::Connect => with_config(&config, |config| wait_for(connect::connect(config))),
        Command::Disconnect { yes } => with_config(&config, |config| {
            connect::confirm(yes)?;
            wait_for(connect::disconnect(config))
        }),
        Command::Sources { request } => with_config(&config, |config| wait_for(sources::run(config, request))),
        Command::Register { register } => register::run(&register, config.path).map(|()| ExitCode::SUCCESS),
        Command::Import { import } => with_config(&config, |config| {
            private::private_files();
            let is_complete = Runtime::new()?.block_on(import::run(config, &import))?;
            Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }),
        Command::Link { request } => with_config(&config, |config| wait_for(invite::run(config, request))),
        Command::Chats { request } => with_config(&config, |config| wait_for(chats::run(config, request))),
        Command::Templates { request } => with_config(&config, |config| wait_for(templates::run(config, request))),
        Command::Parked { request } => with_config(&config, |config| wait_for(parked::run(config, request))),
        Command::Reconcile { since } => with_config(&config, |config| wait_for(reconcile::run(config, since))),
        Command::History { conversation, limit, json, utc } => {
            let request = history::Request { of: conversation, limit: limit.get(), json, utc };
            with_config(&config, |config| wait_for(history::run(config, request)))
        }
        Command::Restore { data_dir, dump, config: given } => {
            refuse_config(&config, given.as_ref(), "restore reads no configuration: give it the data directory")?;
            private::private_files();
            let restored = restore::run(&data_dir, dump)?;
            terminal::say(&format!("{restored}\n"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Compact { data_dir, config: given } => {
            refuse_config(&config, given.as_ref(), "compact reads no configuration: name the data directory")?;
            private::private_files();
            terminal::say(&format!("{}\n", compact::run(&data_dir)?));
            Ok(ExitCode::SUCCESS)
        }
        Command::Sandbox { listen, script, hooks_to, set, config: given } => {
            refuse_config(&config, given.as_ref(), "the sandbox has a configuration of its own: change it with --set")?;
            try_out(listen, script, hooks_to, &set)
        }
        Command::Help { words } => Ok(help(&words)),
    }
}

fn help(words: &[String]) -> ExitCode {
    manual::run(words, &Arguments::command()).map_or_else(
        |unknown| {
            terminal::complain(&unknown);
            ExitCode::from(2)
        },
        |()| ExitCode::SUCCESS,
    )
}

/// For commands that would not heed `--config`.
fn refuse_config(before: &ConfigPath, after: Option<&PathBuf>, why: &str) -> anyhow::Result<()> {
    anyhow::ensure!(before.path.is_none() && after.is_none(), "--config: {why}");
    Ok(())
}

/// A wrong configuration is the operator's to mend: it has an exit code of its own, after which systemd does not try
/// again.
fn with_config(
    path: &ConfigPath,
    command: impl FnOnce(&Config) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    match path.load() {
        Ok(config) => command(&config),
        Err(error) => {
            terminal::complain(&error.to_string());
            Ok(ExitCode::from(2))
        }
    }
}

fn wait_for(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    Runtime::new()?.block_on(command)?;
    Ok(ExitCode::SUCCESS)
}

/// What somebody has to mend is a failure, although the configuration is sound.
fn look_over(config: &Config, offline: bool) -> anyhow::Result<ExitCode> {
    terminal::say(&check::Summary(config).to_string());
    for warning in advice::of(config) {
        print!("\n{}", advice::shown(&warning));
    }
    if offline {
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = Runtime::new()?;
    let mut findings = runtime.block_on(check::look(config));
    println!("\nThis machine:");
    print!("{}", findings.iter().map(ToString::to_string).collect::<String>());
    let mut kommo = runtime.block_on(check::ask(config));
    kommo.extend(runtime.block_on(check::of_managers(config, &app::downloads(config)?)));
    println!("\nKommo:");
    print!("{}", kommo.iter().map(ToString::to_string).collect::<String>());
    findings.extend(kommo);
    let bots = app::bots(config)?;
    let mut telegram = runtime.block_on(check::ask_telegram(&bots, check::needs(config)));
    if config.telegram.local {
        telegram.push(check::ask_files(app::disk(config)));
    } else {
        telegram.extend(runtime.block_on(check::of_customers(&bots)));
        telegram.extend(runtime.block_on(check::ask_served_files(&bots, config.telegram.api_url.url().host_str())));
    }
    println!("\nTelegram:");
    print!("{}", telegram.iter().map(ToString::to_string).collect::<String>());
    findings.extend(telegram);
    Ok(if findings.iter().any(|finding| finding.is_wrong) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn run(path: &ConfigPath) -> anyhow::Result<ExitCode> {
    private::private_files();
    let runtime = Runtime::new()?;
    // Before anything else: a signal that comes while the configuration is read or the store opens must not kill.
    let (signals, ignored) = {
        let _inside = runtime.enter();
        Signals::of_daemon()?
    };
    with_config(path, |config| bridge(config, runtime, signals, ignored))
}

fn bridge(config: &Config, runtime: Runtime, signals: Signals, ignored: Ignored) -> anyhow::Result<ExitCode> {
    logging::start(&config.log);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "telekommo starts");
    for warning in advice::of(config) {
        tracing::warn!("{warning}");
    }
    let ended = runtime.block_on(async {
        ignored.tell();
        let app = App::start(config).await?;
        app.lifecycle().on_signals(signals);
        lifecycle::tell_ready();
        app.lifecycle().stop_token().cancelled().await;
        lifecycle::tell_stopping();
        let ended = app.ended().await;
        tracing::info!("stopped");
        Ok(match ended {
            Ended::Stopped => ExitCode::SUCCESS,
            Ended::Failed => ExitCode::FAILURE,
        })
    });
    // A dump that is being written is not waited for; it is of no use until it is whole.
    runtime.shutdown_background();
    ended
}

fn try_out(listen: SocketAddr, script: bool, hooks_to: Option<Url>, set: &[String]) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new()?;
    match hooks_to {
        Some(url) => runtime.block_on(sandbox::run::fakes(listen, url)),
        None if script => runtime.block_on(sandbox::script::run()),
        None => runtime.block_on(sandbox::run::run(listen, set)),
    }
}
