//! What has been imported: a line for each message, so that an import can be interrupted and continued.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::store::data_dir;

/// Who can import so that the bridge can read it.
pub(super) const AS_WHOM: &str = "import as root, or as the user that telekommo runs as";

/// A message that Kommo has, of one channel in one account: another one has nothing yet. A line that does not tell
/// which counts for none; what Kommo has all the same, it recognises.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(default)]
    scope: String,
    chat: i64,
    message: i64,
    /// Kommo's id of it, if it told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kommo: Option<String>,
}

/// Which messages were imported before, by their chats and numbers, for somebody who only looks.
///
/// # Errors
/// If what was noted cannot be read.
pub(super) fn before(path: &Path, scope_id: &str) -> io::Result<HashSet<(i64, i64)>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(HashSet::new()),
        file => Ok(read(&file?, scope_id)),
    }
}

/// A line that a crash has cut is none: that message is recognised by Kommo.
fn read(file: &File, scope_id: &str) -> HashSet<(i64, i64)> {
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let done = lines.filter_map(|line| serde_json::from_str::<Line>(&line).ok());
    done.filter(|line| line.scope == scope_id).map(|line| (line.chat, line.message)).collect()
}

/// What has been imported of one account into one bot's conversations, in one channel of one account of Kommo's.
#[derive(Debug)]
pub(super) struct Progress {
    file: File,
    scope_id: String,
    done: HashSet<(i64, i64)>,
}

impl Progress {
    /// Reads what the file at `path`, below `data_dir`, tells, and keeps everybody else from importing the same at the
    /// same time.
    ///
    /// # Errors
    /// If it cannot be read or written, or another import runs.
    pub(super) fn open(data_dir: &Path, path: &Path, scope_id: &str) -> anyhow::Result<Self> {
        let refused = || format!("{} cannot be written: {AS_WHOM}", path.display());
        data_dir::create_within(data_dir, path.parent().unwrap_or(data_dir)).with_context(refused)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(refused)?;
        data_dir::chown_like(data_dir, path).with_context(refused)?;
        if file.try_lock().is_err() {
            bail!("another import of the same account runs: wait for it, or end it");
        }
        let done = read(&file, scope_id);
        end_last_line(&mut file)?;
        Ok(Self { file, scope_id: scope_id.to_owned(), done })
    }

    /// Whether a message has been imported.
    pub(super) fn has(&self, chat: i64, message: i64) -> bool {
        self.done.contains(&(chat, message))
    }

    /// Remembers that Kommo has a message.
    ///
    /// # Errors
    /// If that cannot be written.
    pub(super) fn note(&mut self, chat: i64, message: i64, kommo: Option<String>) -> anyhow::Result<()> {
        let line = serde_json::to_string(&Line { scope: self.scope_id.clone(), chat, message, kommo })?;
        self.file
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| self.file.sync_data())
            .context("the progress cannot be saved (is the disk full?); run the same command again to continue")?;
        self.done.insert((chat, message));
        Ok(())
    }
}

/// Ends a line that a crash has cut, so that the next one is whole.
pub(super) fn end_last_line(file: &mut File) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_was_done_is_known_after_a_crash_in_the_middle_of_a_line() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("imports/1-2/done.jsonl");
        let mut progress = Progress::open(folder.path(), &path, "scope").unwrap();
        progress.note(7, 1, Some("uuid".to_owned())).unwrap();
        progress.note(7, 2, None).unwrap();
        assert!(Progress::open(folder.path(), &path, "scope").unwrap_err().to_string().contains("another import"));
        drop(progress);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 5]).unwrap();
        let mut progress = Progress::open(folder.path(), &path, "scope").unwrap();
        assert!(progress.has(7, 1) && !progress.has(7, 2) && !progress.has(8, 1));
        progress.note(7, 3, None).unwrap();
        drop(progress);
        assert!(Progress::open(folder.path(), &path, "scope").unwrap().has(7, 3));
        assert!(!Progress::open(folder.path(), &path, "other").unwrap().has(7, 3), "another channel has nothing yet");
        assert_eq!(before(&path, "scope").unwrap().len(), 2);
        assert!(before(&path, "other").unwrap().is_empty());
    }
}
