//! Records the exchanges between the fakes and their clients, for programs that check them.
//!
//! If the variable `TELEKOMMO_SANDBOX_RECORD` names a folder, each process appends to a file of its own there: one line
//! of JSON for each request, and for each leaked secret. The lines contain no tokens, secrets or signatures, and no
//! files.
//!
//! | Field | Meaning |
//! |---|---|
//! | `remote` | `telegram` or `kommo` |
//! | `client` | the `User-Agent`, which distinguishes the bridge's requests from a test's own |
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
    /// Updates that tests have written by hand.
    by_hand: Mutex<HashSet<String>>,
}

impl Record {
    /// The record that the environment of this process configures, or a disabled one.
    pub(crate) fn of_process() -> io::Result<Self> {
        let Some(folder) = Environment::of_process().record_folder() else { return Ok(Self::default()) };
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}.jsonl", process::id()));
        let file = File::options().create(true).append(true).open(file)?;
        Ok(Self { file: Some(Mutex::new(file)), ..Self::default() })
    }

    /// Adds a line, unless the record is disabled.
    pub(crate) fn add(&self, line: impl FnOnce() -> Value) {
        let Some(file) = &self.file else { return };
        let line = format!("{}\n", line());
        // A single write per line, because several fakes of a process write to the same file.
        if let Err(error) = locked(file).write_all(line.as_bytes()) {
            tracing::error!(%error, "the record of the sandbox is incomplete");
        }
    }

    /// Marks an update as written by hand.
    pub(crate) fn by_hand(&self, update: &Value) {
        if self.file.is_some() {
            locked(&self.by_hand).insert(update.to_string());
        }
    }

    /// Whether an update was written by hand.
    pub(crate) fn is_by_hand(&self, update: &Value) -> bool {
        let by_hand = locked(&self.by_hand);
        // Usually there is none, and serialising each update would slow a busy bridge down.
        !by_hand.is_empty() && by_hand.contains(&update.to_string())
    }
}

/// The client's `User-Agent`.
pub(crate) fn client(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
