//! A command that an operator gives beside the running bridge.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::WITHIN;

/// A command that runs.
pub(crate) struct Given {
    name: &'static str,
    child: Child,
    said: PathBuf,
}

impl Given {
    /// Gives a command. What it says goes to a file in this folder.
    pub(crate) fn give(name: &'static str, more: Option<&Path>, config: &Path, folder: &Path) -> Self {
        let said = folder.join(format!("{name}.said"));
        let output = File::create(&said).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_telekommo"));
        command.arg(name).args(more).arg("--config").arg(config).env_clear().stdin(Stdio::null()).kill_on_drop(true);
        let child = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        Self { name, child, said }
    }

    /// Waits until it has ended, and tells why it has failed, if it has.
    pub(crate) async fn failure(mut self) -> Option<String> {
        let ended = timeout(WITHIN, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("`telekommo {}` does not end", self.name)).unwrap();
        let said = || fs::read_to_string(&self.said).unwrap();
        (!ExitStatus::success(&status)).then(|| format!("`telekommo {}` fails: {}", self.name, said()))
    }
}
