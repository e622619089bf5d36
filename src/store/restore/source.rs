//! Reads a dump row by row, since it may be larger than the memory.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use crate::{
    domain::time::UnixMillis,
    files::{denied, text},
    store::{
        StoreError,
        dump::{FORMAT, Line},
        hex::unhex,
        open::SCHEMA,
    },
};

/// The first line of a dump.
pub(super) struct Header {
    /// The format of its rows.
    pub(super) schema: u32,
    /// When it was started.
    pub(super) at: Option<UnixMillis>,
}

/// A dump.
pub(super) struct Source {
    path: PathBuf,
    file: File,
    /// The byte of the file at which it starts.
    begin: u64,
}

impl Source {
    /// Opens the dump that starts at this byte of the file at `path`.
    pub(super) fn open(path: &Path, begin: u64) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|error| bad(path, &denied::unread(path, &error)))?;
        Ok(Self { path: path.to_owned(), file, begin })
    }

    /// Reads it from its start, passes each row to `take`, and returns its header. A dump that was read to its end is
    /// complete.
    ///
    /// # Errors
    /// If it is incomplete or from a newer version, or `take` fails.
    pub(super) fn read(
        &mut self,
        mut take: impl FnMut(Vec<u8>, Vec<u8>) -> Result<(), StoreError>,
    ) -> Result<Header, StoreError> {
        let bad = |why: &str| bad(&self.path, why);
        let failed = |error: io::Error| bad(&error.to_string());
        self.file.seek(SeekFrom::Start(self.begin)).map_err(failed)?;
        let mut reader = BufReader::new(&self.file);
        text::skip_bom(&mut reader).map_err(failed)?;
        let mut lines = reader.lines().map(|line| line.map_err(failed));
        let parsed = |line: String| serde_json::from_str::<Line>(&line).map_err(|_| bad("a line is cut"));
        let header = match lines.next().transpose()?.map(|line| serde_json::from_str(&line)) {
            Some(Ok(Line::Head { format, schema, at })) if format == FORMAT && (1..=SCHEMA).contains(&schema) => {
                Header { schema, at }
            }
            Some(Ok(Line::Head { format, schema: 0, .. })) if format == FORMAT => {
                return Err(bad("it says that it has format 0, which there never was"));
            }
            Some(Ok(Line::Head { format, .. })) if format == FORMAT => return Err(bad("a newer telekommo wrote it")),
            _ => return Err(bad("it does not begin like one")),
        };
        let bytes = |text: &str| unhex(text).ok_or_else(|| bad("a row is broken"));
        for rows in 0_u64.. {
            let Some(line) = lines.next().transpose()? else { break };
            match parsed(line)? {
                Line::Row { k, v } => take(bytes(&k)?, v.into_bytes())?,
                Line::Bytes { k, b } => take(bytes(&k)?, bytes(&b)?)?,
                Line::End { rows: count } if count == rows => {
                    // Of several dumps in one file, either may be meant. An editor may have left empty lines.
                    let has_more = |line: Result<String, _>| line.map_or(true, |line| !line.trim().is_empty());
                    return if lines.any(has_more) { Err(bad("something stands behind its end")) } else { Ok(header) };
                }
                Line::End { .. } | Line::Head { .. } => return Err(bad("rows are missing")),
            }
        }
        Err(bad("its end is missing"))
    }

    /// When the file was written, for a dump without a time.
    pub(super) fn written_at(&self) -> Option<UnixMillis> {
        let since = self.file.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(UnixMillis(i64::try_from(since.as_millis()).ok()?))
    }
}

fn bad(path: &Path, why: &str) -> StoreError {
    StoreError::BadDump { file: path.to_owned(), why: why.to_owned() }
}
