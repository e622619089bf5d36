//! `telekommo check`: explains a configuration without secrets, tests it against Kommo and Telegram, and checks whether
//! the internet reaches this machine.

use std::{io, process::ExitCode};

use clap::Args;
use tokio::runtime::Runtime;

use crate::{
    app,
    cli::{
        advice, bridge,
        check::{
            finding::{fine, unknown, warning, wrong},
            report::CheckReport,
        },
        terminal, values,
    },
    clock,
    config::{BaseUrl, Config, ConfigError},
    net::Egress,
};

mod activated;
mod answered;
mod clocks;
mod files;
mod finding;
mod kommo;
mod live;
mod machine;
mod message;
mod public_address;
mod report;
mod served;
mod summary;
mod support;
mod telegram;
mod tls;

pub(super) use answered::{of_account, of_address, of_bot, of_channel};
pub(super) use message::{TestRecipient, cross};
pub use summary::Summary;

/// The long help.
pub const ABOUT: &str = "Check the configuration, this machine, Kommo, Telegram, and the way from the internet.

Prints one line for each thing that was looked at: what was seen and, if it is
not well, what to do. Nothing is changed, at Kommo and Telegram neither.

While no bridge runs, the check itself listens at server.listen for a moment, to
see whether the public address leads here, and polls each bot for some seconds,
to see whether another program does.

Exit code 0: nothing is wrong; read the warnings. 1: something does not work, or
waits for you, such as a parked message: other messages may pass all the same.
2: the configuration is wrong, or nothing is wrong but not all could be checked.

With --message, a message really crosses, by the bridge that runs. A bot asks
you in Telegram to answer with ok, the answer is followed into Kommo, and what
you then answer in Kommo is followed back. Each way is shown with the time that
it took. Kommo makes a lead of it, as of every customer. Your chat with the bot
is that of the alerts, or --chat; without either, you write a number to the bot
first, which the command tells you.

With --live, telekommo finds out how your account treats what Kommo's
documentation leaves open: about a dozen messages in your own conversation with
the bot, marked as tests and without a notification, and nothing anywhere else.
It asks for your consent first, unless --yes. For each question it says what
telekommo assumed, what is true, what works differently because of it, and which
setting to write. The same is in a file without secrets, names and ids, that you
can send to the makers of telekommo. Exit code 2: not all could be found out.";

/// The exit code if not everything could be checked.
const UNKNOWN: u8 = 2;

/// The options of the command.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    /// Look at the configuration alone, and ask nobody.
    #[arg(long)]
    offline: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Let a message cross both ways, and tell how long each took.
    #[arg(long, conflicts_with_all = ["offline", "json"], group = "crossing")]
    message: bool,
    /// Find out, in your own conversation, what Kommo's documentation leaves open.
    #[arg(long, conflicts_with_all = ["offline", "message"], group = "crossing")]
    live: bool,
    /// With --live: do not ask for consent.
    #[arg(long, requires = "live")]
    yes: bool,
    /// With --message or --live: the source whose bot takes part [default: the first].
    #[arg(long, value_name = "NAME", requires = "crossing")]
    source: Option<String>,
    /// With --message or --live: your chat with the bot, by Telegram's number of your account.
    #[arg(long, value_name = "ID", requires = "crossing", value_parser = values::number::<i64>)]
    chat: Option<i64>,
}

/// Checks what was `loaded`, and returns the exit code.
///
/// # Errors
/// If the runtime or a client cannot be set up.
pub fn run(loaded: Result<Config, ConfigError>, options: &Options) -> anyhow::Result<ExitCode> {
    let mut report = CheckReport::new(options.json);
    let config = match loaded {
        Ok(config) => config,
        Err(error) if options.json => {
            report.add("", vec![wrong("Configuration", error.to_string())]);
            report.end();
            return Ok(ExitCode::from(UNKNOWN));
        }
        Err(error) => {
            terminal::complain(&error.to_string());
            return Ok(ExitCode::from(UNKNOWN));
        }
    };
    let recipient = TestRecipient { source: options.source.clone(), chat: options.chat };
    if options.message {
        Runtime::new()?.block_on(cross(&config, &recipient))?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.live {
        return Runtime::new()?.block_on(live::run(&config, &recipient, options.yes, options.json));
    }
    report.explain(&Summary(&config));
    let warnings = advice::of(&config).into_iter().map(|text| warning("Warning", text));
    let readable = fine("Configuration", "it can be read, and means what stands above");
    report.add("Configuration", std::iter::once(readable).chain(warnings).collect());
    if !options.offline {
        Runtime::new()?.block_on(check_remotes(&config, &mut report))?;
    }
    Ok(report.end())
}

async fn check_remotes(config: &Config, report: &mut CheckReport) -> anyhow::Result<()> {
    let (found, denied) = match bridge::connect(config) {
        Ok(found) => (found, None),
        Err(error) => (None, Some(unknown("Running", error.to_string()))),
    };
    let (mut machine, runs) = machine::look(config, found.as_ref()).await;
    machine.extend(denied);
    machine.extend(tls::look(config, clock::now()));
    machine.extend(clocks::compare(config).await);
    report.add("This machine", machine);

    let (mut kommo, scope) = kommo::ask(config).await;
    kommo.extend(files::of_managers(config, &app::downloads(config)?).await);
    if let Some(running) = &found {
        kommo.extend(support::seen(running).await);
    }
    report.add("Kommo", kommo);

    let bots = app::bots(config)?;
    let patience = (!runs).then_some(config.telegram.poll_timeout);
    let mut telegram = telegram::ask(&bots, telegram::needs(config), patience).await;
    if config.telegram.local {
        telegram.push(telegram::files(app::disk(config)));
    } else {
        telegram.extend(files::of_customers(&bots).await);
        telegram.extend(served::served(&bots, config.telegram.api_url.url().host_str()).await);
    }
    report.add("Telegram", telegram);

    let asked = public_address::Asked { config, scope, bots: &bots };
    report.add("From the internet", public_address::look(&asked, found.as_ref(), runs).await);
    Ok(())
}

/// The proxy of a request, for the end of a line or a sentence; empty without one.
fn through(egress: &Egress, url: &BaseUrl) -> String {
    egress.proxy_to(url.url()).map(|proxy| format!(", through the proxy {}", proxy.host)).unwrap_or_default()
}

/// Whether the output may have colours.
fn is_colored() -> bool {
    io::IsTerminal::is_terminal(&io::stdout())
}
