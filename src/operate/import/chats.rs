//! Which of Kommo's chats was imported into: a line per conversation, for those who look for one in which nobody has written
//! to the bot.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::{
    media::imported,
    operate::import::progress::{AS_WHOM, end_last_line},
    store::home,
};

/// A conversation that was imported into.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    conversation: String,
    /// Kommo's id of its chat.
    chat: String,
}

/// Those that are known.
#[derive(Debug)]
pub(super) struct Chats {
    file: File,
    known: HashSet<String>,
}

impl Chats {
    /// Reads which there are, and notes more.
    ///
    /// # Errors
    /// If that cannot be read or written.
    pub(super) fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let path = path(data_dir);
        let refused = || format!("{} cannot be written: {AS_WHOM}", path.display());
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).with_context(refused)?;
        home::give(data_dir, &path).with_context(refused)?;
        end_last_line(&mut file)?;
        let known = lines(data_dir).with_context(refused)?.map(|line| line.conversation).collect();
        Ok(Self { file, known })
    }

    /// Whether Kommo's id of the chat is known.
    pub(super) fn has(&self, conversation: &str) -> bool {
        self.known.contains(conversation)
    }

    /// Notes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn note(&mut self, conversation: String, chat: String) -> anyhow::Result<()> {
        let line = serde_json::to_string(&Line { conversation: conversation.clone(), chat })?;
        self.file.write_all(format!("{line}\n").as_bytes()).context("what is done cannot be remembered")?;
        self.known.insert(conversation);
        Ok(())
    }
}

/// Kommo's id of the chat of a conversation that was imported into, the one that was noted last.
///
/// # Errors
/// If it is there and cannot be read.
pub fn find(data_dir: &Path, conversation: &str) -> io::Result<Option<String>> {
    let found = lines(data_dir)?.filter(|line| line.conversation == conversation);
    Ok(found.last().map(|line| line.chat))
}

/// A line that a crash has cut is none.
fn lines(data_dir: &Path) -> io::Result<impl Iterator<Item = Line>> {
    let text = match fs::read_to_string(path(data_dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let lines: Vec<_> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(lines.into_iter())
}

fn path(data_dir: &Path) -> PathBuf {
    imported::dir(data_dir).join("chats.jsonl")
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_was_noted_is_found_whatever_else_is_there() {
        let home = TempDir::new().unwrap();
        assert_eq!(find(home.path(), "tg:sales:7").unwrap(), None);
        fs::create_dir(imported::dir(home.path())).unwrap();
        let mut chats = Chats::open(home.path()).unwrap();
        chats.note("tg:sales:7".to_owned(), "a".to_owned()).unwrap();
        chats.note("tg:sales:77".to_owned(), "b".to_owned()).unwrap();
        assert!(chats.has("tg:sales:7") && !chats.has("tg:sales:8"));
        drop(chats);
        // A crash cuts the last line.
        let text = fs::read_to_string(path(home.path())).unwrap();
        fs::write(path(home.path()), &text[..text.len() - 3]).unwrap();
        let mut chats = Chats::open(home.path()).unwrap();
        assert!(!chats.has("tg:sales:77"));
        chats.note("tg:sales:8".to_owned(), "c".to_owned()).unwrap();
        let found = |conversation| find(home.path(), conversation).unwrap();
        assert_eq!(
            [found("tg:sales:7"), found("tg:sales:77"), found("tg:sales:8")],
            [Some("a".into()), None, Some("c".into())]
        );
    }
}
