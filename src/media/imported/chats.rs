//! Which of Kommo's chats was imported into: a line per conversation, for those who look for one in which nobody has
//! written to the bot.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    clock,
    domain::{
        address::{Conversation, KommoChatId},
        time::UnixMillis,
    },
};

/// What imports have noted of the chats of one channel in one account.
#[derive(Clone, Debug)]
pub struct ImportedChats {
    file: PathBuf,
    scope_id: String,
}

/// The chat of a conversation that was imported into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedChat {
    /// Kommo's id of it.
    pub chat: KommoChatId,
    /// When that was noted.
    pub noted_at: UnixMillis,
}

/// A line as it is written. Kommo's ids are those of one channel in one account.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    scope: String,
    conversation: String,
    chat: KommoChatId,
    noted_at: UnixMillis,
}

impl ImportedChats {
    /// Those that the file tells of, for the channel and account of a scope.
    #[must_use]
    pub fn new(file: PathBuf, scope_id: &str) -> Self {
        Self { file, scope_id: scope_id.to_owned() }
    }

    /// All of them; what was noted last counts.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn all(&self) -> io::Result<BTreeMap<Conversation, ImportedChat>> {
        let text = match fs::read_to_string(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        // A line that a crash has cut is none.
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let ours = lines.filter(|line| line.scope == self.scope_id);
        let chat = |line: Line| {
            let conversation = line.conversation.parse().ok()?;
            Some((conversation, ImportedChat { chat: line.chat, noted_at: line.noted_at }))
        };
        Ok(ours.filter_map(chat).collect())
    }

    /// That of a conversation.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn find(&self, conversation: &Conversation) -> io::Result<Option<KommoChatId>> {
        Ok(self.all()?.remove(conversation).map(|imported| imported.chat))
    }

    /// The line that notes one now, without its end.
    ///
    /// # Errors
    /// Never: it has string keys only.
    pub fn line(&self, conversation: &str, chat: KommoChatId) -> serde_json::Result<String> {
        let (scope, conversation) = (self.scope_id.clone(), conversation.to_owned());
        serde_json::to_string(&Line { scope, conversation, chat, noted_at: clock::now() })
    }

    /// Where they are noted.
    #[must_use]
    pub const fn file(&self) -> &PathBuf {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_was_noted_last_for_this_channel_is_found() {
        let home = TempDir::new().unwrap();
        let of = |scope| ImportedChats::new(home.path().join("chats.jsonl"), scope);
        let (ours, others) = (of("ours"), of("theirs"));
        let seven: Conversation = "tg:sales:7".parse().unwrap();
        assert_eq!(ours.find(&seven).unwrap(), None);
        let lines = [(&ours, "a"), (&ours, "b"), (&others, "c")]
            .map(|(chats, chat)| chats.line("tg:sales:7", KommoChatId(chat.to_owned())).unwrap());
        let older = r#"{"conversation":"tg:sales:7","chat":"of an unknown channel"}"#;
        let text = [lines.join("\n"), older.to_owned(), r#"{"scope":"ours","conv"#.to_owned()].join("\n");
        fs::write(ours.file(), text).unwrap();
        let found = |chats: &ImportedChats| chats.find(&seven).unwrap().map(|chat| chat.0);
        assert_eq!((found(&ours).as_deref(), found(&others).as_deref()), (Some("b"), Some("c")));
        assert_eq!(ours.find(&"tg:sales:77".parse().unwrap()).unwrap(), None);
        assert_eq!(ours.all().unwrap().len(), 1);
    }
}
