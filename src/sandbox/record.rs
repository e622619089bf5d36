//! What passed between the fakes and their clients, written down for programs that judge it.
//!
//! If the variable `TELEKOMMO_SANDBOX_RECORD` names a folder, each process adds to a file of its own there, one line of
//! JSON for each request that was answered, and for each secret that was told to whom it is not for. No token, secret
//! or signature is among them, and no bytes of files.
//!
//! | Field | Meaning |
//! |---|---|
//! | `remote` | `telegram` or `kommo` |
//! | `client` | the `User-Agent`, by which the bridge's requests are told from a test's own |
//! | `method` | of the Bot API, in lower case; `GET` and `POST` for Kommo |
//! | `status` | of the answer; `null` if the connection was closed instead |
//! | `fault` | whether the request went wrong on purpose |
//! | `bot`, `form`, `args`, `answer`, `by_hand` | Telegram: the bot's id; the `Content-Type`; the arguments as they came, or why they cannot be read; the answer's body, if the request was handled; which of the updates in it a test wrote by hand |
//! | `path`, `body` | Kommo: the path and the body as it came |
//! | `leak` | which secret, and after what; such a line has the remote and nothing else |

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write},
    process,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderMap, header};
use serde_json::Value;

use crate::config::Environment;

/// The record of one fake.
#[derive(Debug, Default)]
pub(crate) struct Record {
    file: Option<Mutex<File>>,
    /// Updates that are sent as a test wrote them, whatever they are.
    by_hand: Mutex<HashSet<String>>,
}

impl Record {
    /// The record that the environment of this process asks for, or one that keeps nothing.
    pub(crate) fn of_process() -> io::Result<Self> {
        let Some(folder) = Environment::of_process().record_folder() else { return Ok(Self::default()) };
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}.jsonl", process::id()));
        let file = File::options().create(true).append(true).open(file)?;
        Ok(Self { file: Some(Mutex::new(file)), ..Self::default() })
    }

    /// Adds a line, if anything is kept at all.
    pub(crate) fn add(&self, line: impl FnOnce() -> Value) {
        let Some(file) = &self.file else { return };
        let line = format!("{}\n", line());
        // One call a line: several fakes of a process write to the same file.
        if let Err(error) = locked(file).write_all(line.as_bytes()) {
            tracing::error!(%error, "the record of the sandbox is not whole");
        }
    }

    /// Takes note that somebody wrote this update by hand.
    pub(crate) fn by_hand(&self, update: &Value) {
        if self.file.is_some() {
            locked(&self.by_hand).insert(update.to_string());
        }
    }

    /// Whether somebody wrote this update by hand.
    pub(crate) fn is_by_hand(&self, update: &Value) -> bool {
        let by_hand = locked(&self.by_hand);
        // Usually there is none, and writing out each update would slow a busy bridge down.
        !by_hand.is_empty() && by_hand.contains(&update.to_string())
    }
}

/// Who asks, in their own words.
pub(crate) fn client(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
