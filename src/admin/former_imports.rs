//! Takes over the notes of imports that earlier versions kept beside the store, in `imports` below the data directory.
//! A file is removed once its notes are in the store. After a crash in between it is taken over again, which changes
//! nothing. A line without a channel and account is ignored, and so is one that a crash has cut: Kommo recognises those
//! messages.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use tokio::task::spawn_blocking;

use crate::{
    clock,
    domain::{
        address::{BotId, Conversation, KommoChatId, TelegramChat, UserId},
        imported::ImportedId,
        time::UnixMillis,
    },
    media::imported,
    store::{ImportedChat, ImportedMessage, Store, StoreError},
};

/// Messages per commit.
const AT_ONCE: usize = 256;

/// A message, in `{bot}-{owner}/done.jsonl`.
#[derive(Debug, Deserialize)]
struct MessageLine {
    #[serde(default)]
    scope: String,
    chat: i64,
    message: i64,
}

/// A chat, in `chats.jsonl`.
#[derive(Debug, Deserialize)]
struct ChatLine {
    scope: String,
    conversation: Conversation,
    chat: KommoChatId,
    noted_at: UnixMillis,
}

/// Takes over all notes. A file that cannot be read is left for the next start.
pub async fn take_over(data_dir: &Path, store: &Store) -> Result<(), StoreError> {
    let dir = imported::dir(data_dir);
    let marker = dir.join("in-managers-names");
    if marker.exists() {
        store.note_imports_by_managers(clock::now()).await?;
        remove(&marker);
    }
    let chats = dir.join("chats.jsonl");
    if let Some(lines) = read::<ChatLine>(&chats).await {
        for (scope, chats) in by_scope(lines, |line| &line.scope) {
            let chat = |line: ChatLine| (line.conversation, ImportedChat { chat: line.chat, noted_at: line.noted_at });
            store.imports(&scope).note_chats(chats.into_iter().map(chat).collect()).await?;
        }
        remove(&chats);
    }
    for (file, bot, owner) in notes_of_messages(&dir) {
        let Some(lines) = read::<MessageLine>(&file).await else { continue };
        for (scope, lines) in by_scope(lines, |line| &line.scope) {
            let (imports, count) = (store.imports(&scope), lines.len());
            for chunk in lines.chunks(AT_ONCE) {
                let id = |line: &MessageLine| {
                    let chat = TelegramChat { owner: Some(owner), id: line.chat };
                    ImportedMessage { id: ImportedId { bot, chat, message: line.message }, linked: None }
                };
                imports.note(chunk.iter().map(id).collect(), clock::now()).await?;
            }
            tracing::info!(messages = count, %bot, scope, "took over the notes of imports by an earlier version");
        }
        remove(&file);
    }
    Ok(())
}

fn by_scope<T>(lines: Vec<T>, scope: impl Fn(&T) -> &String) -> BTreeMap<String, Vec<T>> {
    let mut all = BTreeMap::<String, Vec<T>>::new();
    for line in lines.into_iter().filter(|line| !scope(line).is_empty()) {
        all.entry(scope(&line).clone()).or_default().push(line);
    }
    all
}

/// The files of notes, each with the bot and the owner after whom its folder is named.
fn notes_of_messages(dir: &Path) -> Vec<(PathBuf, BotId, UserId)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let notes = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let (bot, owner) = name.split_once('-')?;
        let file = entry.path().join("done.jsonl");
        file.exists().then_some((file, BotId(bot.parse().ok()?), UserId(owner.parse().ok()?)))
    };
    entries.filter_map(notes).collect()
}

/// The lines of a file; `None` if there is none, if it cannot be read, or if an import of an earlier version is writing
/// to it.
async fn read<T: DeserializeOwned + Send + 'static>(path: &Path) -> Option<Vec<T>> {
    let file = path.to_owned();
    let lines = spawn_blocking(move || read_lines(&file)).await;
    match lines.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(lines) => Some(lines),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "the notes of earlier imports cannot be read");
            None
        }
    }
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> io::Result<Vec<T>> {
    let file = File::open(path)?;
    file.try_lock()?;
    let mut lines = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        lines.extend(serde_json::from_slice(&line?).ok());
    }
    Ok(lines)
}

/// A file that stays is taken over again, which changes nothing.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(file = %path.display(), %error, "the notes of earlier imports cannot be removed");
    }
}
