//! Both fakes with the real bridge between them, over real HTTP, in one process.

use std::{
    fmt, fs::OpenOptions, io::Write as _, net::SocketAddr, os::unix::fs::OpenOptionsExt as _, path::Path, thread,
    time::Duration,
};

use anyhow::Context;
use futures_util::future::select_all;
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    app::App,
    config::{Config, Environment},
    lifecycle::Ended,
    sandbox::{
        kommo::{FakeKommo, Settings},
        telegram::{Customer, FakeTelegram, GroupKind, NewBot, NewGroup},
    },
};

mod ports;
mod secrets;

pub use ports::unused_address;

/// A bot of the sandbox and the source it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub source: &'static str,
    /// Its bot's token, which is valid for the fake only.
    pub token: &'static str,
    pub name: &'static str,
    username: &'static str,
}

impl Line {
    /// The secret part of the token.
    #[must_use]
    pub fn secret(&self) -> &'static str {
        self.token.split_once(':').map_or(self.token, |(_, secret)| secret)
    }
}

/// The initial bots.
pub const LINES: [Line; 2] = [
    Line { source: "sales", token: "7000000001:SANDBOX-sales-bot", name: "Sales bot", username: "acme_sales_bot" },
    Line {
        source: "support",
        token: "7000000002:SANDBOX-support-bot",
        name: "Support bot",
        username: "acme_support_bot",
    },
];

/// An initial customer.
pub const ANNA: i64 = 777_000_111;
pub const BEN: i64 = 777_000_222;

/// A person for whom a bot answers customers, created by [`Harness::furnish`].
pub const OLGA: i64 = 777_000_333;
/// A group with a bot, created by [`Harness::furnish`].
pub const GARDEN: i64 = -1_001_000_000_042;
/// The rights that Olga gives the bot (Bot API, `BusinessBotRights`).
pub const RIGHTS: [&str; 2] = ["can_reply", "can_read_messages"];

const CHANNEL_ID: &str = "344a5002-f8ca-454d-af3d-396180102ac7";
/// The channel's secret, which is valid for the fake only.
pub const CHANNEL_SECRET: &str = "0123456789abcdef0123456789abcdef01234567";
const ACCOUNT_ID: &str = "52e591f7-c98f-4255-8495-827210138c81";
const CHANNEL_BOT_ID: &str = "f1910c7f-b1e0-4184-bd09-c7def2a9109a";

/// A condition did not hold in time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("within {} s it did not happen that {what}", within.as_secs())]
pub struct TimedOut {
    what: String,
    within: Duration,
}

/// The sandbox: both fakes, and perhaps a bridge.
pub struct Harness {
    pub telegram: FakeTelegram,
    pub kommo: FakeKommo,
    bridge: Option<App>,
    settings: String,
    public_url: String,
    dir: TempDir,
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("dir", &self.dir.path()).finish_non_exhaustive()
    }
}

impl Harness {
    /// Starts the fakes and the bridge, with a temporary folder that is removed at the end. `settings` are more lines
    /// for the bridge's configuration file. They may contain `{account_url}` and `{access_token}`. A default key that
    /// they mention, also in a comment (`#kommo.account_id`), is left out.
    ///
    /// # Errors
    /// If a port cannot be bound or the bridge does not start.
    pub async fn start(settings: &str) -> anyhow::Result<Self> {
        let mut stage = Self::without_bridge(settings)?;
        stage.start_bridge().await?;
        Ok(stage)
    }

    /// Starts the fakes without a bridge.
    pub fn without_bridge(settings: &str) -> anyhow::Result<Self> {
        let telegram = FakeTelegram::start(any_port())?;
        for Line { token, name, username, .. } in LINES {
            telegram.add_bot(NewBot { token: token.into(), username: username.into(), name: name.into() });
        }
        telegram.add_customer(customer(ANNA, "Anna", "Petrova", "annap"));
        telegram.add_customer(customer(BEN, "Ben", "Okafor", "ben_okafor"));
        let kommo = FakeKommo::start(
            any_port(),
            Settings {
                channel_id: CHANNEL_ID.to_owned(),
                channel_secret: CHANNEL_SECRET.to_owned(),
                account_id: ACCOUNT_ID.to_owned(),
                bot_id: CHANNEL_BOT_ID.to_owned(),
                title: "telekommo sandbox".to_owned(),
            },
        )?;
        secrets::guard(&telegram, &kommo);
        let dir = tempfile::Builder::new().prefix("telekommo-").tempdir()?;
        let (settings, public_url) = (settings.to_owned(), "http://127.0.0.1".to_owned());
        Ok(Self { telegram, kommo, bridge: None, settings, public_url, dir })
    }

    /// Replaces the bridge's settings from its next start on.
    pub fn configure(&mut self, settings: &str) {
        settings.clone_into(&mut self.settings);
    }

    /// Adds a group that the first bot reads, and an owner for whom the second bot answers.
    pub fn furnish(&self) {
        let [sales, support] = LINES;
        self.telegram.set_reads_all(sales.token, true);
        let (title, members) = ("Garden club".to_owned(), vec![ANNA, BEN]);
        self.telegram.add_group(sales.token, NewGroup { id: GARDEN, kind: GroupKind::Supergroup, title, members });
        self.telegram.add_customer(customer(OLGA, "Olga", "Owner", "olga_owner"));
        self.telegram.connect_business(support.token, OLGA, &RIGHTS);
    }

    /// Writes the bridge's configuration, and returns its path.
    pub fn write_config(&self) -> anyhow::Result<std::path::PathBuf> {
        let file = self.dir.path().join("config.toml");
        write_private(&file, &self.config_text())?;
        Ok(file)
    }

    /// Writes the configuration of a bridge outside of the sandbox, and returns its path.
    pub(super) fn write_config_text(&self, text: &str) -> anyhow::Result<std::path::PathBuf> {
        let file = self.dir.path().join("config.toml");
        write_private(&file, text)?;
        Ok(file)
    }

    /// Writes the running bridge's configuration with its actual addresses, for commands, and returns its path.
    ///
    /// # Errors
    /// If no bridge runs, or it cannot be written.
    pub fn write_config_for_commands(&self) -> anyhow::Result<std::path::PathBuf> {
        let bridge = self.bridge.as_ref().context("no bridge runs")?;
        let file = self.dir.path().join("telekommo.toml");
        let listen = |address: SocketAddr| format!("listen = {:?}", address.to_string());
        let any = listen(any_port());
        let text = self.config_text();
        let text = text.replacen(&format!("server.{any}"), &format!("server.{}", listen(bridge.public_addr())), 1);
        let text = text.replacen(&format!("admin.{any}"), &format!("admin.{}", listen(bridge.admin_addr())), 1);
        write_private(&file, &text)?;
        Ok(file)
    }

    /// The bridge's configuration. `lines` replace default keys.
    pub(super) fn config_with(&self, lines: &str) -> String {
        let settings = format!("{lines}{}", self.settings);
        self.text_of(&settings)
    }

    fn config_text(&self) -> String {
        self.text_of(&self.settings)
    }

    fn text_of(&self, settings: &str) -> String {
        let source =
            |line: &Line| format!("[sources.{}]\ntoken = {:?}\nname = {:?}\n", line.source, line.token, line.name);
        let sources = LINES.each_ref().map(source).concat();
        let (account_url, token) = (self.kommo.account_url(), self.kommo.access_token());
        let settings = settings.replace("{account_url}", &account_url).replace("{access_token}", &token);
        let own = [
            ("data_dir", self.dir.path().join("data").display().to_string()),
            ("server.listen", any_port().to_string()),
            ("server.public_url", self.public_url.clone()),
            ("admin.listen", any_port().to_string()),
            ("telegram.api_url", self.telegram.url()),
            ("kommo.chats_url", self.kommo.url()),
            // The fakes are local, whatever proxy the machine uses.
            ("telegram.proxy", "none".to_owned()),
            ("kommo.proxy", "none".to_owned()),
            ("kommo.channel_id", CHANNEL_ID.to_owned()),
            ("kommo.channel_secret", CHANNEL_SECRET.to_owned()),
            ("kommo.account_id", ACCOUNT_ID.to_owned()),
            ("kommo.bot_id", CHANNEL_BOT_ID.to_owned()),
        ];
        let is_named = |key: &str| settings.lines().any(|line| line.trim_start_matches('#').starts_with(key));
        let lines = own.iter().filter(|(key, _)| !is_named(key)).map(|(key, value)| format!("{key} = {value:?}\n"));
        format!("{}{settings}\n{sources}", lines.collect::<String>())
    }

    /// Starts the bridge, also after a stop.
    pub async fn start_bridge(&mut self) -> anyhow::Result<()> {
        // The configuration has the address from which Kommo downloads files, so the port is bound first.
        let public = TcpListener::bind(any_port()).await?;
        self.public_url = format!("http://{}", public.local_addr()?);
        let config = Config::load(Some(&self.write_config()?), &Environment::default())?;
        let bridge = App::start_on(public, &config).await?;
        self.hooks_go_to(bridge.public_addr());
        self.bridge = Some(bridge);
        Ok(())
    }

    /// Makes Kommo send its hooks to a bridge at this address.
    pub fn hooks_go_to(&self, bridge: SocketAddr) {
        self.kommo.set_hook_url(format!("http://{bridge}/kommo/{}", self.kommo.settings().scope_id()));
    }

    /// Stops the bridge, if it runs, as SIGTERM would.
    pub async fn stop_bridge(&mut self) -> Option<Ended> {
        let bridge = self.bridge.take()?;
        bridge.lifecycle().stop();
        Some(bridge.ended().await)
    }

    /// Aborts the bridge, if it runs.
    pub async fn cut_off_bridge(&mut self) {
        if let Some(bridge) = self.bridge.take() {
            bridge.lifecycle().cut_off();
            bridge.ended().await;
        }
    }

    /// The bridge, while it runs.
    #[must_use]
    pub const fn bridge(&self) -> Option<&App> {
        self.bridge.as_ref()
    }

    /// The temporary folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The secrets that a fake has received though they are not for it, each with its position.
    #[must_use]
    pub fn leaks(&self) -> Vec<String> {
        let [chats, account] = self.kommo.leaks();
        [self.telegram.leaks(), chats, account].iter().flat_map(|leaks| leaks.found()).collect()
    }

    /// Waits until `condition` holds. It checks again at every change on either side.
    ///
    /// # Errors
    /// [`TimedOut`] if it does not hold `within` the time. `what` describes it.
    pub async fn until(&self, what: &str, within: Duration, condition: impl Fn(&Self) -> bool) -> Result<(), TimedOut> {
        // A request may change no world, and is logged after it has changed one.
        let (telegram, kommo) = (&self.telegram, &self.kommo);
        let lines = [telegram.traffic().changed(), kommo.traffic().changed()];
        let mut watched = [telegram.changed(), kommo.changed()].into_iter().chain(lines).collect::<Vec<_>>();
        let deadline = Instant::now() + within;
        loop {
            watched.iter_mut().for_each(watch::Receiver::mark_unchanged);
            if condition(self) {
                return Ok(());
            }
            let news = watched.iter_mut().map(|it| Box::pin(it.changed()));
            tokio::select! {
                _ = select_all(news) => {}
                () = sleep_until(deadline) => return Err(TimedOut { what: what.to_owned(), within }),
            }
        }
    }
}

impl Drop for Harness {
    /// A secret that was sent to the wrong server fails the test.
    fn drop(&mut self) {
        let leaks = self.leaks();
        assert!(leaks.is_empty() || thread::panicking(), "secrets have leaked: {leaks:#?}");
    }
}

/// Writes a file with secrets, which nobody else may read.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(file)?.write_all(text.as_bytes())
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn customer(id: i64, first_name: &str, last_name: &str, username: &str) -> Customer {
    Customer {
        id,
        first_name: first_name.to_owned(),
        last_name: Some(last_name.to_owned()),
        username: Some(username.to_owned()),
        language_code: Some("en".to_owned()),
    }
}
