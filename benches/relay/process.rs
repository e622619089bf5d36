//! The relays: each a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::memory,
    remotes::{BOT, Remotes, SCOPE, SECRET, token},
    yardstick::Keeps,
};

/// A relay that runs. It is killed when this is dropped.
pub(crate) struct Relay {
    child: Child,
    /// Where Kommo's hooks go.
    pub(crate) hooks: SocketAddr,
    _home: TempDir,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        ended.expect("it ran");
    }
}

impl Relay {
    /// How much memory it has.
    pub(crate) fn memory(&self) -> u64 {
        memory(self.child.id())
    }
}

/// The bridge with so many bots, and an empty store.
pub(crate) fn bridge(remotes: &Remotes, bots: usize) -> Relay {
    let home = tempfile::tempdir().expect("there is room");
    let file = home.path().join("config.toml");
    let mut options = fs::OpenOptions::new();
    let mut out = options.write(true).create_new(true).mode(0o600).open(&file).expect("there is room");
    std::io::Write::write_all(&mut out, config(remotes, bots, home.path()).as_bytes()).expect("there is room");
    let mut command = Command::new(env!("CARGO_BIN_EXE_telekommo"));
    command.args(["run", "--config"]).arg(&file).env_clear().env("TELEKOMMO_LOG__FORMAT", "json");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it was built");
    let hooks = heard(child.stderr.take(), |line| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["hooks"].as_str()?.parse().ok()
    });
    Relay { child, hooks, _home: home }
}

/// A relay of the benchmark's own.
pub(crate) fn yardstick(remotes: &Remotes, keeps: Keeps) -> Relay {
    let home = tempfile::tempdir().expect("there is room");
    let mut command = Command::new(std::env::current_exe().expect("it runs"));
    command
        .arg(keeps.name())
        .args([&remotes.telegram, &remotes.kommo].map(ToString::to_string))
        .arg(home.path().join("log"));
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it was built");
    let hooks = heard(child.stdout.take(), |line| line.parse().ok());
    Relay { child, hooks, _home: home }
}

/// The address that a process tells. What it says later is read, so that it can go on saying it.
fn heard(stream: Option<impl std::io::Read + Send + 'static>, told: impl Fn(&str) -> Option<SocketAddr>) -> SocketAddr {
    let mut lines = BufReader::new(stream.expect("it is piped")).lines();
    let mut said = Vec::new();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let address = told(&line);
        said.push(line);
        address
    });
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    address.unwrap_or_else(|| unreachable!("it ended: {}", said.join("\n")))
}

/// No limit of Telegram's is reached.
fn config(remotes: &Remotes, bots: usize, home: &Path) -> String {
    let (channel, account) = SCOPE.split_once('_').expect("it is a scope");
    let (telegram, kommo) = (remotes.telegram, remotes.kommo);
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
         log.level = \"info\"\n{}",
        home.join("data").display().to_string(),
        sources.concat()
    )
}
