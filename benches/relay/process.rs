//! The relays: each a process of its own.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    bridge::{Relay, read_address},
    remotes::Remotes,
    yardstick::Keeps,
};

/// The bridge with so many bots, and an empty store.
pub(crate) fn bridge(remotes: &Remotes, bots: usize) -> Relay {
    Relay::bridge((remotes.telegram, remotes.kommo), bots, "", "hooks")
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
    let address = read_address(child.stdout.take(), |line| line.parse().ok());
    Relay { child, address, _home: home }
}

/// How long a relay has had a processor, to a hundredth of a second (proc(5), `/proc/pid/stat`).
pub(crate) fn processor_time(relay: &Relay) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", relay.child.id())).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("this is Linux");
    let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("it is a number"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
