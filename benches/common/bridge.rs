//! The real program between two fakes that answer at once, for the benchmarks that start it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use axum::{
    Router,
    serve::{Listener, ListenerExt as _},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::common::memory;

pub(crate) const BOT: u64 = 7_000_000_001;
pub(crate) const SCOPE: &str = "344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

pub(crate) fn token(bot: u64) -> String {
    format!("{bot}:benchmark-{bot}")
}

/// A listener, and where it is.
pub(crate) async fn listen() -> (SocketAddr, impl Listener<Addr = SocketAddr>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    (address, listener.tap_io(|stream| stream.set_nodelay(true).expect("it is a TCP stream")))
}

pub(crate) async fn serve(router: Router) -> SocketAddr {
    let (address, listener) = listen().await;
    #[expect(clippy::disallowed_methods, reason = "the remotes end with the benchmark")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A process that relays. It is killed when this is dropped.
pub(crate) struct Relay {
    pub(crate) child: Child,
    /// The address that it has printed.
    pub(crate) address: SocketAddr,
    /// What it keeps is there as long as it runs.
    pub(crate) _home: TempDir,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        ended.expect("it ran");
    }
}

impl Relay {
    /// The bridge with so many bots, more lines of configuration, and an empty store. The address is in the log, in the
    /// field of this name.
    pub(crate) fn bridge((telegram, kommo): (SocketAddr, SocketAddr), bots: usize, more: &str, field: &str) -> Self {
        let home = tempfile::tempdir().expect("there is room");
        let file = home.path().join("config.toml");
        let mut options = fs::OpenOptions::new();
        let mut out = options.write(true).create_new(true).mode(0o600).open(&file).expect("there is room");
        let config = config((telegram, kommo), bots, more, home.path());
        out.write_all(config.as_bytes()).expect("there is room");
        let mut command = Command::new(env!("CARGO_BIN_EXE_telekommo"));
        command.args(["run", "--config"]).arg(&file).env_clear().env("TELEKOMMO_LOG__FORMAT", "json");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it was built");
        let address = read_address(child.stderr.take(), |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            line[field].as_str()?.parse().ok()
        });
        Self { child, address, _home: home }
    }

    /// How much memory it has.
    pub(crate) fn memory(&self) -> u64 {
        memory(self.child.id())
    }
}

/// The address that a process prints. Its later output is read and dropped, so that it never blocks on a full pipe.
pub(crate) fn read_address(
    stream: Option<impl Read + Send + 'static>,
    parse: impl Fn(&str) -> Option<SocketAddr>,
) -> SocketAddr {
    let mut lines = BufReader::new(stream.expect("it is piped")).lines();
    let mut output = Vec::new();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let address = parse(&line);
        output.push(line);
        address
    });
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    address.unwrap_or_else(|| unreachable!("it ended: {}", output.join("\n")))
}

/// No limit of Telegram's is reached.
fn config((telegram, kommo): (SocketAddr, SocketAddr), bots: usize, more: &str, home: &Path) -> String {
    let (channel, account) = SCOPE.split_once('_').expect("it is a scope");
    let sources: Vec<_> = (0..bots)
        .map(|number| {
            let name = if number == 0 { "sales".to_owned() } else { format!("sales{number}") };
            format!("[sources.{name}]\ntoken = {:?}\nname = \"Bot {number}\"\n", token(BOT + number as u64))
        })
        .collect();
    format!(
        "data_dir = {:?}\nserver.listen = \"127.0.0.1:0\"\nserver.public_url = \"http://127.0.0.1\"\n\
         admin.listen = \"127.0.0.1:0\"\ntelegram.api_url = \"http://{telegram}\"\ntelegram.proxy = \"none\"\n\
         telegram.requests_per_second = 1000000\ntelegram.chat_requests_per_second = 1000000\n\
         telegram.chat_burst = 1000000\nkommo.requests_per_second = 1000000\n\
         kommo.chats_url = \"http://{kommo}\"\nkommo.proxy = \"none\"\n\
         kommo.channel_id = {channel:?}\nkommo.channel_secret = {SECRET:?}\nkommo.account_id = {account:?}\n\
         log.level = \"info\"\n{more}\n{}",
        home.join("data").display().to_string(),
        sources.concat()
    )
}
