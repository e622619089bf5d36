//! A logical dump: every row as a line of JSON, from which a store that no longer opens can be restored.
//!
//! The dump is written while the bridge runs and is no snapshot of one instant. That does no harm, since rows only move
//! forward in the order of the keys: a dump may have both a job and its parts, both a waiting job and its parked
//! message, or a job in both its old place and the one behind a late arrival, but never neither. It may lack what comes
//! up meanwhile: a delivery status, or the album that has just replaced its first file. The one exception that would
//! matter is a parked message that goes back to its queue: that and a dump wait for each other.

use std::{
    fmt, fs,
    io::{BufWriter, Write},
    path::Path,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    domain::time::UnixMillis,
    store::{
        Store, StoreError, data_dir::create_private, db::Db, durable::sync_folder, hex::hex, keys, open::SCHEMA,
        scan::scan,
    },
};

/// The name of the format, in the first line.
pub(super) const FORMAT: &str = "telekommo-dump";

/// How long to wait for a message that is moving back; that takes one commit.
const MOVING_WAIT: Duration = Duration::from_millis(5);

/// A line of a dump.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    /// The first.
    Head {
        format: String,
        schema: u32,
        /// When the dump was started.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<UnixMillis>,
    },
    /// A row: its key in hex, its value as text.
    Row { k: String, v: String },
    /// A row whose value is no text, since it is damaged: both in hex.
    Bytes { k: String, b: String },
    /// The last; without it the dump is incomplete.
    End { rows: u64 },
}

impl Line {
    fn of(key: &[u8], value: &[u8]) -> Self {
        let k = hex(key);
        match std::str::from_utf8(value) {
            Ok(text) => Self::Row { k, v: text.to_owned() },
            Err(_) => Self::Bytes { k, b: hex(value) },
        }
    }
}

/// The content of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpSummary {
    /// How many rows.
    pub rows: u64,
}

impl fmt::Display for DumpSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)
    }
}

impl Store {
    /// Writes a dump to another file, syncs that, and renames it to `file`. Blocks the thread. Rows are written with
    /// the content of their chunks, so that a dump does not depend on the layout of the tree.
    ///
    /// # Errors
    /// If the store fails or the file cannot be written; an older dump of that name stays.
    pub fn dump(&self, file: &Path, now: UnixMillis) -> Result<DumpSummary, StoreError> {
        let _nothing_moves_back = loop {
            match self.0.moving_back.try_lock() {
                Ok(held) => break held,
                Err(_) => thread::sleep(MOVING_WAIT),
            }
        };
        self.0.reader.blocking(|db| write(db, file, SCHEMA, Some(now)))
    }
}

/// The same for rows of the format `schema`.
pub(super) fn write(db: &Db, file: &Path, schema: u32, at: Option<UnixMillis>) -> Result<DumpSummary, StoreError> {
    let unfinished = file.with_file_name("unfinished.jsonl");
    let written = write_rows(db, &unfinished, schema, at).and_then(|rows| {
        fs::rename(&unfinished, file)?;
        file.parent().map_or(Ok(()), sync_folder)?;
        Ok(DumpSummary { rows })
    });
    written.map_err(|error| {
        // On a full disk every byte counts; if it cannot be removed, the next dump overwrites it.
        let _ = fs::remove_file(&unfinished);
        StoreError::BadDump { file: file.to_owned(), why: error.to_string() }
    })
}

fn write_rows(db: &Db, file: &Path, schema: u32, at: Option<UnixMillis>) -> std::io::Result<u64> {
    let mut out = BufWriter::new(create_private(file)?);
    let mut rows = 0;
    write_line(&mut out, &Line::Head { format: FORMAT.to_owned(), schema, at })?;
    for entry in scan(db, &[]) {
        let (key, value) = entry.map_err(std::io::Error::other)?;
        // Its changes are in the other rows already, or are made while the dump is written.
        if key == keys::JOURNAL {
            continue;
        }
        write_line(&mut out, &Line::of(&key, &value))?;
        rows += 1;
    }
    write_line(&mut out, &Line::End { rows })?;
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(rows)
}

fn write_line(out: &mut impl Write, line: &Line) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
