//! One import: what it knows while it goes from message to message.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use anyhow::Context as _;

use crate::{
    cli::{
        bar::Bar,
        import::{
            Into,
            export::{self, Export, ExportFile},
            free_space::FreeSpace,
            people::People,
            sending::{Ended, Post},
            survey::Survey,
            walk::ChatHead,
        },
        terminal,
    },
    clock,
    config::Config,
    domain::{
        imported::{Import, ImportAuthor, KeptFile, OldContent, OldFile, OldMessage, Omitted},
        message::Quote,
        time::UnixMillis,
    },
    media::imported,
    store::data_dir,
    translate::to_kommo,
    words::Language,
};

/// Who can import so that the bridge can read the files.
const AS_WHOM: &str = "import as root, or as the user that telekommo runs as";
/// For how long a message counts as fresh, in seconds: hooks about older ones are known to be imports.
const FRESH_SECONDS: i64 = 24 * 60 * 60;

/// An import that goes on.
pub(super) struct Run {
    into: Into,
    export: Export,
    loud: HashMap<i64, [Option<i64>; 2]>,
    people: People,
    silent: bool,
    language: Language,
    imports: PathBuf,
    data_dir: PathBuf,
    room: FreeSpace,
    /// What Kommo has, by chats and numbers.
    done: HashSet<(i64, i64)>,
    bar: Bar,
    current: Option<Current>,
    taken: usize,
    there: usize,
    failed: Vec<String>,
}

/// The chat that is being imported.
struct Current {
    chat: i64,
    /// The words of its messages that Kommo does not have.
    words: HashMap<i64, String>,
    /// The second of its newest message, and how many came within it before that one.
    second: (i64, i64),
}

impl Run {
    /// An import of an export into the conversations of a source, of which some is `done`.
    ///
    /// # Errors
    /// If the folder for files cannot be made.
    pub(super) fn new(
        config: &Config,
        into: Into,
        export: Export,
        survey: Survey,
        people: People,
        done: HashSet<(i64, i64)>,
        (silent, language): (bool, Language),
    ) -> anyhow::Result<Self> {
        let (data_dir, imports) = (config.data_dir.clone(), imported::dir(&config.data_dir));
        data_dir::create_within(&data_dir, &imports).context(AS_WHOM)?;
        // What an earlier import has left, too: somebody else may have made it.
        data_dir::chown_all_like(&data_dir, &imports).context(AS_WHOM)?;
        Ok(Self {
            bar: Bar::new(survey.messages()),
            loud: survey.chats.into_iter().map(|counted| (counted.chat.id, counted.loud)).collect(),
            imports,
            data_dir,
            room: FreeSpace::new(config),
            into,
            export,
            people,
            silent,
            language,
            done,
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
    pub(super) async fn take(&mut self, post: &mut Post<'_>, chat: &ChatHead, item: &OldMessage) -> anyhow::Result<()> {
        if self.current.as_ref().is_none_or(|current| current.chat != chat.id) {
            self.current = Some(Current { chat: chat.id, words: HashMap::new(), second: (i64::MIN, 0) });
        }
        if let Some(Current { second: (second, before), .. }) = &mut self.current {
            *before = if *second == item.at_seconds { *before + 1 } else { 0 };
            *second = item.at_seconds;
        }
        if self.done.contains(&(chat.id, item.id)) {
            self.there += 1;
            self.bar.skip();
            return Ok(());
        }
        let ended = match self.import(chat, item)? {
            Ok(import) => post.send(import).await?,
            Err(why) => Ended::Refused(why),
        };
        match ended {
            Ended::Taken => self.taken += 1,
            Ended::There => self.there += 1,
            Ended::Refused(why) => {
                self.refused(chat, item, &why);
                self.bar.step();
                return Ok(());
            }
        }
        self.done.insert((chat.id, item.id));
        self.bar.step();
        Ok(())
    }

    /// A message as it is to be imported, or why it cannot be.
    fn import(&self, chat: &ChatHead, item: &OldMessage) -> anyhow::Result<Result<Import, String>> {
        let file = match &item.content {
            OldContent::File(file) => self.file(chat.id, item.id, file)?,
            OldContent::Text(_) | OldContent::Place { .. } | OldContent::Card { .. } => Err(Omitted::Missing),
        };
        let author = match author(&self.people, chat, item) {
            Ok(author) => author,
            Err(why) => return Ok(Err(why)),
        };
        let reply_to = item.reply_to.filter(|id| self.done.contains(&(chat.id, *id)));
        let current = self.current.as_ref();
        let words = item.reply_to.filter(|_| reply_to.is_none()).and_then(|id| current?.words.get(&id));
        let quoted =
            words.map(|words| Quote { words: words.clone(), ..Quote::default() }.in_front()).unwrap_or_default();
        Ok(Ok(Import {
            source: self.into.source.clone(),
            owner: self.into.owner,
            chat: chat.id,
            customer: chat.name.clone(),
            message: OldMessage { reply_to, ..item.clone() },
            author,
            file,
            quoted,
            within_second: current.map_or(0, |current| current.second.1),
            silent: self.silent || !self.loud.get(&chat.id).is_some_and(|loud| loud.contains(&Some(item.id))),
            language: self.language.code().to_owned(),
            is_repeated: false,
        }))
    }

    fn refused(&mut self, chat: &ChatHead, item: &OldMessage, why: &str) {
        self.failed.push(format!("{} ({}), message {}: {why}", chat.name, chat.id, item.id));
        if let Some(current) = &mut self.current {
            current.words.insert(item.id, to_kommo::old_words(&item.content, self.language));
        }
    }

    /// A file that Kommo can fetch: a copy of that in the export, if it is there.
    fn file(&self, chat: i64, message: i64, file: &OldFile) -> anyhow::Result<Result<KeptFile, Omitted>> {
        let (from, size_bytes) = match self.export.file(&file.path) {
            ExportFile::There { path, size_bytes } => (path, size_bytes),
            ExportFile::Missing => return Ok(Err(Omitted::Missing)),
            ExportFile::TooLarge(_) => return Ok(Err(Omitted::TooLarge)),
        };
        let own = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = plain_name(file.name.as_deref().unwrap_or(&own));
        let path = format!("{}/{chat}/{message}{}", self.into.folder(), ending(&own));
        export::copy(&from, &self.imports.join(&path), &self.data_dir, &self.room)
            .with_context(|| format!("{} cannot be copied", from.display()))?;
        Ok(Ok(KeptFile { path, name, size_bytes }))
    }

    /// Prints what was done, and returns whether Kommo has all of it.
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
fn author(people: &People, chat: &ChatHead, item: &OldMessage) -> Result<Option<ImportAuthor>, String> {
    if item.author == chat.id {
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
