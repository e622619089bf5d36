//! Which of Kommo's chats was imported into, as an import notes it ([`ImportedChats`]).

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use anyhow::Context as _;

use crate::{
    cli::import::progress::{AS_WHOM, end_last_line},
    domain::address::KommoChatId,
    media::imported::ImportedChats,
    store::data_dir,
};

/// Those that are known.
#[derive(Debug)]
pub(super) struct Chats {
    noted: ImportedChats,
    file: File,
    known: HashSet<String>,
}

impl Chats {
    /// Reads which there are, and notes more, below `data_dir`.
    ///
    /// # Errors
    /// If that cannot be read or written.
    pub(super) fn open(data_dir: &Path, noted: ImportedChats) -> anyhow::Result<Self> {
        let path = noted.file();
        let refused = || format!("{} cannot be written: {AS_WHOM}", path.display());
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(refused)?;
        data_dir::chown_like(data_dir, path).with_context(refused)?;
        end_last_line(&mut file)?;
        let known = noted.all().with_context(refused)?.into_keys().map(|it| it.to_string()).collect();
        Ok(Self { noted, file, known })
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
        let line = self.noted.line(&conversation, KommoChatId(chat))?;
        self.file.write_all(format!("{line}\n").as_bytes()).context("the progress cannot be saved")?;
        self.known.insert(conversation);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::media::imported;

    #[test]
    fn what_was_noted_is_known_after_a_crash_in_the_middle_of_a_line() {
        let home = TempDir::new().unwrap();
        fs::create_dir(imported::dir(home.path())).unwrap();
        let noted = || imported::chats(home.path(), "scope");
        let mut chats = Chats::open(home.path(), noted()).unwrap();
        chats.note("tg:sales:7".to_owned(), "a".to_owned()).unwrap();
        chats.note("tg:sales:77".to_owned(), "b".to_owned()).unwrap();
        assert!(chats.has("tg:sales:7") && !chats.has("tg:sales:8"));
        drop(chats);
        let text = fs::read_to_string(noted().file()).unwrap();
        fs::write(noted().file(), &text[..text.len() - 3]).unwrap();
        let mut chats = Chats::open(home.path(), noted()).unwrap();
        assert!(!chats.has("tg:sales:77"));
        chats.note("tg:sales:8".to_owned(), "c".to_owned()).unwrap();
        let all = noted().all().unwrap();
        let found: Vec<_> =
            all.iter().map(|(conversation, it)| (conversation.to_string(), it.chat.0.as_str())).collect();
        assert_eq!(found, [("tg:sales:7".to_owned(), "a"), ("tg:sales:8".to_owned(), "c")]);
    }
}
