//! The program: arguments -> command -> exit code.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser as _};
use telekommo::{
    admin::logging,
    app::{self, App, InheritedListeners},
    cli::{
        advice, alerts,
        arguments::{Arguments, Command, ConfigPath},
        backup, chats, check, compact, connect, export, forget, generated, history, import, init, invite, manual,
        parked, private, programs, queue, reconcile, register, reload, restore, sources, status, tap, templates,
        terminal, trace, usage,
    },
    config::Config,
    lifecycle::{self, Ended, HangUps, Ignored, Signals},
};
use tokio::runtime::Runtime;
#[cfg(feature = "sandbox")]
use {reqwest::Url, std::net::SocketAddr, telekommo::sandbox};

/// Why a command that only describes the program takes no configuration.
const GENERATED: &str = "this command reads no configuration";

fn main() -> ExitCode {
    private::no_core_dumps();
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
        Command::Reload { json } => Runtime::new()?.block_on(reload::run(&config, json)),
        Command::Check { check } => check::run(config.load(), &check),
        Command::Init { init } => init::run(config.path, &init).map(|()| ExitCode::SUCCESS),
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
        Command::Status { json, open } => with_config(&config, |config| wait_for(status::run(config, json, open))),
        Command::Tap { watch } => with_config(&config, |config| wait_for(tap::run(config, watch))),
        Command::Trace { request } => with_config(&config, |config| wait_for(trace::run(config, request))),
        Command::Queue { request } => with_config(&config, |config| wait_for(queue::run(config, request))),
        Command::Parked { request } => with_config(&config, |config| wait_for(parked::run(config, request))),
        Command::Programs { request } => with_config(&config, |config| wait_for(programs::run(config, request))),
        Command::Alerts { request } => {
            with_config(&config, |config| wait_for(alerts::run(config, app::targets(config)?, request)))
        }
        Command::Reconcile { since } => with_config(&config, |config| wait_for(reconcile::run(config, since))),
        Command::History { conversation, limit, json, utc } => {
            let request = history::Request { of: conversation, limit: limit.get(), json, utc };
            with_config(&config, |config| wait_for(history::run(config, request)))
        }
        Command::Export { conversations } => {
            with_config(&config, |config| wait_for(export::run(config, &conversations)))
        }
        Command::Forget { conversation, yes } => {
            with_config(&config, |config| wait_for(forget::run(config, &conversation, yes)))
        }
        Command::Backup { file } => with_config(&config, |config| {
            private::private_files();
            wait_for(backup::run(config, &file))
        }),
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
        #[cfg(feature = "sandbox")]
        Command::Sandbox { listen, script, hooks_to, set, config: given } => {
            refuse_config(&config, given.as_ref(), "the sandbox has a configuration of its own: change it with --set")?;
            run_sandbox(listen, script, hooks_to, &set)
        }
        Command::Completions { shell, config: given } => {
            refuse_config(&config, given.as_ref(), GENERATED)?;
            terminal::print(generated::completions(shell, &mut Arguments::command()));
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { dir, config: given } => {
            refuse_config(&config, given.as_ref(), GENERATED)?;
            let pages = generated::manual_pages(Arguments::command(), &dir)?;
            terminal::say(&format!("{pages} manual pages are in {}.\n", dir.display()));
            Ok(ExitCode::SUCCESS)
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

/// Refuses `--config` for commands that would ignore it.
fn refuse_config(before: &ConfigPath, after: Option<&PathBuf>, why: &str) -> anyhow::Result<()> {
    anyhow::ensure!(before.path.is_none() && after.is_none(), "--config: {why}");
    Ok(())
}

/// A wrong configuration has an exit code of its own, after which systemd does not restart the bridge: the operator has
/// to mend it.
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

fn run(path: &ConfigPath) -> anyhow::Result<ExitCode> {
    private::private_files();
    // There are no other threads yet.
    let inherited = InheritedListeners::take()?;
    let runtime = Runtime::new()?;
    // Before anything else: a signal during the reading of the configuration or the opening of the store must not kill.
    let (signals, hang_ups, ignored) = {
        let _guard = runtime.enter();
        Signals::of_daemon()?
    };
    with_config(path, |config| bridge((config, inherited), runtime, (signals, hang_ups, ignored)))
}

fn bridge(
    (config, inherited): (&Config, InheritedListeners),
    runtime: Runtime,
    (signals, hang_ups, ignored): (Signals, HangUps, Ignored),
) -> anyhow::Result<ExitCode> {
    logging::start(&config.log);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "telekommo is starting");
    for warning in advice::of(config) {
        tracing::warn!("{warning}");
    }
    let ended = runtime.block_on(async {
        ignored.log();
        let app = App::start_with(inherited, config).await?;
        app.lifecycle().on_signals(signals);
        lifecycle::notify_ready();
        app.on_hang_ups(hang_ups);
        app.lifecycle().stop_token().cancelled().await;
        lifecycle::end_at_latest();
        lifecycle::notify_stopping();
        let ended = app.ended().await;
        tracing::info!("stopped");
        Ok(match ended {
            Ended::Stopped => ExitCode::SUCCESS,
            Ended::Failed => ExitCode::FAILURE,
        })
    });
    // Does not wait for a dump that is being written: it is useless until it is complete.
    runtime.shutdown_background();
    ended
}

#[cfg(feature = "sandbox")]
fn run_sandbox(listen: SocketAddr, script: bool, hooks_to: Option<Url>, set: &[String]) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new()?;
    match hooks_to {
        Some(url) => runtime.block_on(sandbox::run::fakes(listen, url)),
        None if script => runtime.block_on(sandbox::script::run()),
        None => runtime.block_on(sandbox::run::run(listen, set)),
    }
}
