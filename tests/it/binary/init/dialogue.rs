//! A person at a terminal, who reads what a command asks and types the answers.

use std::{
    fs::File,
    io::{Read as _, Write as _},
};

use rustix::termios::{LocalModes, tcgetattr};
use tokio::{
    process::{Child, Command},
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};

use crate::{
    binary::terminal::terminal,
    support::{WITHIN, eventually},
};

pub(super) struct Dialogue {
    child: Child,
    ours: File,
    said: watch::Receiver<String>,
    /// Up to where it was read.
    read: usize,
    reader: JoinHandle<()>,
}

impl Dialogue {
    /// Starts a command that has the terminal for itself.
    pub(super) fn begin(arguments: &[&str]) -> Self {
        let (ours, theirs) = terminal(80);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(env!("CARGO_BIN_EXE_telekommo")).args(arguments).env_clear();
        command.kill_on_drop(true).stdin(theirs.try_clone().unwrap());
        command.stdout(theirs.try_clone().unwrap()).stderr(theirs);
        let child = command.spawn().unwrap();
        // It holds the terminal's other end, by whose closing the reader learns that all is said.
        drop(command);
        let (says, said) = watch::channel(String::new());
        let mut from = ours.try_clone().unwrap();
        let reader = spawn_blocking(move || {
            let mut bytes = [0; 4096];
            let mut all = Vec::new();
            // Linux tells the end of a terminal as an error.
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                all.extend_from_slice(&bytes[..count]);
                says.send_replace(String::from_utf8_lossy(&all).replace("\r\n", "\n"));
            }
        });
        Self { child, ours, said, read: 0, reader }
    }

    /// Waits until this was said, after what was read before.
    pub(super) async fn reads(&mut self, words: &str) {
        let from = self.read;
        let found = |said: &str| said.get(from..).and_then(|rest| rest.find(words)).map(|at| from + at + words.len());
        let waited = timeout(WITHIN, self.said.wait_for(|said| found(said).is_some())).await;
        let at = waited.ok().and_then(|said| found(&said.ok()?));
        self.read = at.unwrap_or_else(|| panic!("never said {words:?}:\n{}", *self.said.borrow()));
    }

    /// The word that follows what was read.
    pub(super) async fn next_word(&mut self) -> String {
        let from = self.read;
        let word = |said: &str| said.get(from..).and_then(|rest| rest.split_once(' ')).map(|(word, _)| word.to_owned());
        let waited = timeout(WITHIN, self.said.wait_for(|said| word(said).is_some())).await;
        waited.ok().and_then(|said| word(&said.ok()?)).expect("a word follows")
    }

    pub(super) fn types(&mut self, answer: &str) {
        self.ours.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }

    /// Answers a question.
    pub(super) async fn answer(&mut self, question: &str, answer: &str) {
        self.reads(question).await;
        self.types(answer);
    }

    /// The same with an answer that the terminal does not show.
    pub(super) async fn secret(&mut self, question: &str, answer: &str) {
        self.reads(question).await;
        let is_shown = || tcgetattr(&self.ours).unwrap().local_modes.contains(LocalModes::ECHO);
        eventually("the terminal shows nothing", async || !is_shown()).await;
        self.types(answer);
    }

    /// Waits for the end, and tells all that was said.
    pub(super) async fn end(mut self) -> (Option<i32>, String) {
        let status = timeout(WITHIN, self.child.wait()).await.expect("the command ends").unwrap();
        timeout(WITHIN, self.reader).await.expect("the terminal ends").unwrap();
        (status.code(), self.said.borrow().clone())
    }
}
