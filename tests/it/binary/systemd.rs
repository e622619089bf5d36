//! The service manager's side: notifications, the watchdog, credentials.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::Path,
    time::Duration,
};

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, LINES};
use tokio::{process::Command, time::timeout};

use super::process::{Process, run};
use crate::support::{BRISK, WITHIN};

/// What systemd hears.
struct Manager {
    socket: tokio::net::UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket: tokio::net::UnixDatagram::from_std(socket).unwrap(), heard: Vec::new() }
    }

    /// Waits until this state is told; a state that was told before does not count.
    async fn hears(&mut self, state: &str, from: &Process) {
        let mut buffer = [0; 4096];
        loop {
            let length = timeout(WITHIN, self.socket.recv(&mut buffer)).await.unwrap_or_else(|_| {
                panic!("never told {state}, only {:?}; the log is\n{}", self.heard, from.stderr());
            });
            let told = String::from_utf8_lossy(&buffer[..length.unwrap()]).into_owned();
            let told: Vec<_> = told.lines().map(str::to_owned).collect();
            let found = told.iter().any(|line| line == state);
            self.heard.extend(told);
            if found {
                return;
            }
        }
    }
}

fn notified(stage: &Harness) -> (Manager, Command) {
    let path = stage.dir().join("notify.sock");
    let manager = Manager::at(&path);
    let mut command = run(stage);
    command.env("NOTIFY_SOCKET", &path);
    (manager, command)
}

#[tokio::test]
async fn systemd_is_told_of_the_start_and_of_the_stop() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (mut manager, command) = notified(&stage);
    let process = Process::spawn(command);
    manager.hears("READY=1", &process).await;
    let ports = process.ports().await;
    assert_eq!(reqwest::get(format!("http://{}/live", ports.admin)).await.unwrap().status(), 200);
    process.signal(Signal::TERM);
    manager.hears("STOPPING=1", &process).await;
    assert_eq!(process.ended().await.status.code(), Some(0));
    assert_eq!(manager.heard, ["READY=1", "STOPPING=1"], "without a watchdog there is nothing to feed");
}

#[tokio::test]
async fn systemd_is_told_when_the_configuration_is_read_again_and_what_came_of_it() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (mut manager, command) = notified(&stage);
    let process = Process::spawn(command);
    manager.hears("READY=1", &process).await;
    process.ports().await;
    let file = stage.dir().join("config.toml");
    let config = fs::read_to_string(&file).unwrap();
    let broken = "STATUS=The configuration was not reloaded: ";
    for (text, status) in [(config.as_str(), "STATUS="), ("[server", broken)] {
        fs::write(&file, text).unwrap();
        manager.heard.clear();
        process.signal(Signal::HUP);
        manager.hears("READY=1", &process).await;
        let [reloading, since, ready, said] = &manager.heard[..] else { panic!("{:?}", manager.heard) };
        assert_eq!((reloading.as_str(), ready.as_str()), ("RELOADING=1", "READY=1"));
        let since = since.strip_prefix("MONOTONIC_USEC=").unwrap().parse::<u64>().unwrap();
        assert!(since > 0 && said.starts_with(status), "{:?}", manager.heard);
    }
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn the_watchdog_is_fed_when_there_is_one() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (mut manager, mut command) = notified(&stage);
    command.env("WATCHDOG_USEC", "300000");
    let process = Process::spawn(command);
    // More than what one limit would need: it goes on.
    for _ in 0..5 {
        manager.hears("WATCHDOG=1", &process).await;
    }
    assert!(manager.heard.iter().any(|state| state == "READY=1"), "{:?}", manager.heard);
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn a_start_that_fails_is_not_ready() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (manager, mut command) = notified(&stage);
    command.env("TELEKOMMO_KOMMO__TIMEOUT", "soon");
    assert_eq!(Process::spawn(command).ended().await.status.code(), Some(2));
    let mut buffer = [0; 64];
    let told = timeout(Duration::ZERO, manager.socket.recv(&mut buffer)).await;
    assert!(told.is_err(), "systemd was told something");
}

/// The stage's configuration with the secrets moved into the service's credentials.
fn without_secrets(stage: &Harness, credentials: &Path) -> Command {
    fs::create_dir(credentials).unwrap();
    let command = run(stage);
    let file = stage.dir().join("config.toml");
    let mut config = fs::read_to_string(&file).unwrap();
    let secret = stage.kommo.settings().channel_secret.clone();
    let tokens = LINES.iter().map(|line| (format!("token-{}", line.source), "token", line.token.to_owned()));
    for (name, key, secret) in tokens.chain([("channel-secret".to_owned(), "channel_secret", secret)]) {
        let (inline, apart) = (format!("{key} = {secret:?}"), format!("{key}_file = {name:?}"));
        assert!(config.contains(&inline), "{key} is not in the configuration as expected");
        config = config.replace(&inline, &apart);
        let credential = credentials.join(&name);
        fs::write(&credential, secret + "\n").unwrap();
        // As systemd gives them: read-only, and the group's bit stands for its access list.
        fs::set_permissions(&credential, fs::Permissions::from_mode(0o440)).unwrap();
    }
    fs::write(&file, config).unwrap();
    command
}

#[tokio::test]
async fn a_service_with_credentials_works() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (credentials, data) = (stage.dir().join("credentials"), stage.dir().join("state"));
    let mut command = without_secrets(&stage, &credentials);
    command.env("CREDENTIALS_DIRECTORY", &credentials).env("TELEKOMMO_DATA_DIR", &data);
    command.env("INVOCATION_ID", "0123456789abcdef0123456789abcdef").env("JOURNAL_STREAM", "8:1");
    let process = Process::start(&stage, command).await;
    for line in LINES {
        stage.telegram.write(line.token, ANNA, "hello");
    }
    stage.until("both messages are in Kommo", WITHIN, |stage| stage.kommo.chats().len() == LINES.len()).await.unwrap();
    let (_, answer) = stage.kommo.reply(&format!("tg:{}:{ANNA}", LINES[0].source), "Maria", "good day").await;
    assert_eq!(answer.status, Some(200), "the channel's secret was not read");
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
    assert!(data.join("store").exists() && !stage.dir().join("data").exists(), "the state is somewhere else");
}
