//! `telekommo import` beside the bridge, on the same machine. When the power goes, it ends like everything else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{process::Command, sync::OwnedMutexGuard, time::sleep};
use tokio_util::sync::CancellationToken;

/// How many requests it makes per second, so that it lasts for a while.
const RATE: &str = "25";

/// The command, with what it needs.
#[derive(Debug)]
pub(crate) struct Import {
    config: PathBuf,
    authority: PathBuf,
    folder: PathBuf,
    /// The library that sets the machine's clock, and the file that says how far.
    clock: (PathBuf, PathBuf),
    /// Held while it runs, and while the power is off.
    machine: Arc<tokio::sync::Mutex<()>>,
    off: Mutex<CancellationToken>,
}

impl Import {
    /// With the bridge's configuration, and the authority that the machine trusts. It keeps exports and its words in
    /// `folder`. Its `clock` is the machine's: a library to load, and the file that says how far it is off.
    pub(crate) fn new(config: PathBuf, authority: PathBuf, folder: PathBuf, clock: (PathBuf, PathBuf)) -> Self {
        Self { config, authority, folder, clock, machine: Arc::default(), off: Mutex::default() }
    }

    /// Writes an export, and tells where.
    pub(crate) fn export(&self, name: &str, json: &str) -> PathBuf {
        let file = self.folder.join(format!("{name}.json"));
        fs::write(&file, json).unwrap();
        file
    }

    /// Imports an export, or is killed after a while. Tells whether all of it is imported, and what the command said.
    pub(crate) async fn run(&self, export: &Path, more: &[&str], kill_after: Option<Duration>) -> (bool, String) {
        let _on = self.machine.lock().await;
        let off = self.off().clone();
        let output = export.with_extension("output");
        let said = fs::File::create(&output).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_telekommo"));
        command
            .arg("import")
            .arg(export)
            .arg("--config")
            .arg(&self.config)
            .args(["--rate", RATE, "--through-bridge"])
            .args(more);
        command.env_clear().env("SSL_CERT_FILE", &self.authority).stdin(Stdio::null()).kill_on_drop(true);
        command.env("LD_PRELOAD", &self.clock.0).env("POWER_CONTROL", &self.clock.1);
        let mut child = command.stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap();
        let killed = async {
            match kill_after {
                Some(after) => sleep(after).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = child.wait() => Some(ended.unwrap()),
            () = killed => None,
            () = off.cancelled() => None,
        };
        if ended.is_none() {
            child.kill().await.unwrap();
        }
        (ended.is_some_and(|status| status.success()), fs::read_to_string(output).unwrap())
    }

    /// The power goes, and comes back when what this gives is dropped.
    pub(crate) async fn power_off(&self) -> OwnedMutexGuard<()> {
        self.off().cancel();
        let off = Arc::clone(&self.machine).lock_owned().await;
        *self.off() = CancellationToken::new();
        off
    }

    fn off(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        self.off.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
