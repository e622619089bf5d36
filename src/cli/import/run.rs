//! One import: what it knows while it goes from message to message.

use std::{collections::HashMap, fs, path::PathBuf};

use anyhow::Context as _;

use crate::{
    cli::{
        bar::Bar,
        import::{
            chats::Chats,
            event::{self, Fetchable, Left, Thread},
            export::{self, Export, Found},
            people::People,
            progress::{AS_WHOM, Progress},
            read::{Enclosed, Item, Said},
            room::Room,
            sending::{Ended, Post},
            survey::Survey,
            walk::ChatHead,
        },
        terminal,
    },
    clock,
    config::Config,
    domain::{
        address::{BotId, SourceId},
        message::Quote,
        time::UnixMillis,
    },
    kommo::wire::Sender,
    media::{
        imported,
        link::{ImportedFile, LinkKey, Links},
    },
    store::data_dir,
    words::Language,
};

/// For how long a message counts as fresh, in seconds: hooks about older ones are known to be imports.
const FRESH_SECONDS: i64 = 24 * 60 * 60;

/// An import that goes on.
pub(super) struct Run {
    source: SourceId,
    bot: BotId,
    owner: i64,
    export: Export,
    loud: HashMap<i64, [Option<i64>; 2]>,
    people: People,
    post: Post,
    silent: bool,
    language: Language,
    links: Links,
    imports: PathBuf,
    data_dir: PathBuf,
    room: Room,
    progress: Progress,
    chats: Chats,
    bar: Bar,
    current: Option<Current>,
    taken: usize,
    there: usize,
    failed: Vec<String>,
}

/// The chat that is being imported.
struct Current {
    chat: i64,
    thread: Thread,
    /// The words of its messages that Kommo does not have.
    words: HashMap<i64, String>,
    /// The second of its newest message, and how many came within it before that one.
    second: (i64, i64),
    /// Whether it was seen to that Kommo's id of it is noted.
    is_noted: bool,
}

impl Run {
    /// An import of the account of an owner into the conversations of a source, in the channel and account of a scope.
    ///
    /// # Errors
    /// If what was done before cannot be read, or another import runs.
    pub(super) fn new(
        (config, scope_id): (&Config, &str),
        (source, bot, owner): (SourceId, BotId, i64),
        export: Export,
        survey: Survey,
        people: People,
        post: Post,
        (silent, language): (bool, Language),
    ) -> anyhow::Result<Self> {
        let progress = Progress::open(&config.data_dir, &super::notes(config, bot, owner), scope_id)?;
        if people.has_managers() {
            let mark = imported::in_managers_names(&config.data_dir);
            fs::write(&mark, "").context("the mark for the bridge cannot be written")?;
        }
        // What an earlier import has left, too: somebody else may have made it.
        data_dir::chown_all_like(&config.data_dir, &imported::dir(&config.data_dir)).context(AS_WHOM)?;
        let links = Links {
            key: LinkKey::derive(config.kommo.channel_secret.expose()),
            public_url: config.server.public_url.url().clone(),
            valid_for: config.media.links_for,
        };
        Ok(Self {
            chats: Chats::open(&config.data_dir, imported::chats(&config.data_dir, scope_id))?,
            progress,
            bar: Bar::new(survey.messages()),
            loud: survey.chats.into_iter().map(|counted| (counted.chat.id, counted.loud)).collect(),
            imports: imported::dir(&config.data_dir),
            data_dir: config.data_dir.clone(),
            room: Room::new(config),
            links,
            source,
            bot,
            owner,
            export,
            people,
            post,
            silent,
            language,
            current: None,
            taken: 0,
            there: 0,
            failed: Vec::new(),
        })
    }

    pub(super) const fn language(&self) -> Language {
        self.language
    }

    /// Imports a message, unless it has been.
    ///
    /// # Errors
    /// If nothing more can be imported for now.
    pub(super) async fn take(&mut self, chat: &ChatHead, item: &Item) -> anyhow::Result<()> {
        if self.current.as_ref().is_none_or(|current| current.chat != chat.id) {
            let thread = Thread::new(&self.source, self.bot, self.owner, chat);
            self.current =
                Some(Current { chat: chat.id, thread, words: HashMap::new(), second: (i64::MIN, 0), is_noted: false });
        }
        if let Some(Current { second: (second, before), .. }) = &mut self.current {
            *before = if *second == item.at_seconds { *before + 1 } else { 0 };
            *second = item.at_seconds;
        }
        if self.progress.has(chat.id, item.id) {
            self.there += 1;
            self.bar.skip();
            return self.note_chat(None).await;
        }
        match self.send(chat, item).await? {
            Ended::Taken { message, chat: kommo_chat } => {
                self.taken += 1;
                self.progress.note(chat.id, item.id, message)?;
                self.note_chat(kommo_chat).await?;
            }
            Ended::There => {
                self.there += 1;
                self.progress.note(chat.id, item.id, None)?;
                self.note_chat(None).await?;
            }
            Ended::Refused(why) => self.refused(chat, item, &why),
        }
        self.bar.step();
        Ok(())
    }

    /// Notes Kommo's id of the chat in which a message is now, as far as it was told; else Kommo is asked for it, once.
    async fn note_chat(&mut self, told: Option<String>) -> anyhow::Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let conversation = current.thread.conversation();
        if std::mem::replace(&mut current.is_noted, true) || self.chats.has(&conversation) {
            return Ok(());
        }
        let chat = match told {
            Some(chat) => Some(chat),
            None => self.post.chat(&current.thread.chat()).await,
        };
        chat.map_or(Ok(()), |chat| self.chats.note(conversation, chat))
    }

    async fn send(&mut self, chat: &ChatHead, item: &Item) -> anyhow::Result<Ended> {
        let file = match &item.said {
            Said::File(enclosed) => self.file(chat.id, item.id, enclosed)?,
            Said::Text(_) | Said::Place { .. } | Said::Card { .. } => Err(Left::Missing),
        };
        let Some(current) = &self.current else { return Ok(Ended::Refused("it belongs to no chat".to_owned())) };
        let author = match author(&self.people, &current.thread, item) {
            Ok(author) => author,
            Err(why) => return Ok(Ended::Refused(why)),
        };
        let reply_to = item.reply_to.filter(|id| self.progress.has(chat.id, *id));
        let words = item.reply_to.filter(|_| reply_to.is_none()).and_then(|id| current.words.get(&id));
        let quoted =
            words.map(|words| Quote { words: words.clone(), ..Quote::default() }.in_front()).unwrap_or_default();
        let silent = self.silent || !self.loud.get(&chat.id).is_some_and(|loud| loud.contains(&Some(item.id)));
        let message = event::message(&item.said, &quoted, file, self.language);
        let mut event = current.thread.event(item, author, message, reply_to, current.second.1, silent);
        Ok(self.post.send(&mut event, &current.thread.chat()).await?)
    }

    fn refused(&mut self, chat: &ChatHead, item: &Item, why: &str) {
        self.failed.push(format!("{} ({}), message {}: {why}", chat.name, chat.id, item.id));
        if let Some(current) = &mut self.current {
            current.words.insert(item.id, event::words(&item.said, self.language));
        }
    }

    /// A file that Kommo can fetch: a copy of that in the export, if it is there.
    fn file(&self, chat: i64, message: i64, enclosed: &Enclosed) -> anyhow::Result<Result<Fetchable, Left>> {
        let (path, size_bytes) = match self.export.file(&enclosed.path) {
            Found::There { path, size_bytes } => (path, size_bytes),
            Found::Missing => return Ok(Err(Left::Missing)),
            Found::TooLarge(_) => return Ok(Err(Left::TooLarge)),
        };
        let told = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = plain_name(enclosed.name.as_deref().unwrap_or(&told));
        let kept = format!("{}-{}/{chat}/{message}{}", self.bot, self.owner, ending(&told));
        export::copy(&path, &self.imports.join(&kept), &self.data_dir, &self.room)
            .with_context(|| format!("{} cannot be copied", path.display()))?;
        let link = self.links.made_at(clock::now()).to_imported(&ImportedFile {
            path: kept,
            file_name: name.clone(),
            mime_type: enclosed.mime_type.clone(),
            expires_at_seconds: 0,
        });
        Ok(Ok(Fetchable { link, name, size_bytes }))
    }

    /// Prints what was done, and gives whether Kommo has all of it.
    pub(super) fn report(&self) -> bool {
        self.bar.end();
        let (taken, there, failed) = (self.taken, self.there, self.failed.len());
        terminal::print(format_args!("\nImported {taken}, there already {there}, failed {failed}.\n"));
        for failed in &self.failed {
            terminal::print(format_args!("  {failed}\n"));
        }
        self.failed.is_empty()
    }
}

/// In whose name a message is imported; `None` for the customer's.
fn author(people: &People, thread: &Thread, item: &Item) -> Result<Option<Sender>, String> {
    if thread.is_customers(item) {
        return Ok(None);
    }
    let age = clock::now().seconds() - UnixMillis::from_seconds(item.at_seconds).seconds();
    people.author(&item.author_name, age < FRESH_SECONDS).map(Some)
}

/// A name without slashes and control characters.
fn plain_name(name: &str) -> String {
    name.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\') { '_' } else { c }).collect()
}

/// The ending of a file's name, with its dot, if it is a plain one.
fn ending(name: &str) -> String {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let is_plain = (1..=8).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain { format!(".{}", ending.to_ascii_lowercase()) } else { String::new() }
}
