//! `telekommo import`: brings old chats of Telegram into Kommo.
//!
//! The export is read twice and never held as a whole: once to learn what is in it and that it is complete, and once to
//! send it, message by message. The running bridge sends each to Kommo and remembers that in its store, so an import
//! may be interrupted and continued; where none runs, the command opens the store and does the same. Kommo knows each
//! message by an id that stays the same. Files are copied to `data_dir`, where the bridge finds them when Kommo fetches
//! them.

use std::{collections::HashSet, num::NonZeroU32, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::{sync::mpsc, task::spawn_blocking};

use crate::{
    admin::{identity, import::ExportedChat},
    cli::{bridge, terminal, values},
    config::{Config, Kommo},
    domain::{
        address::{BotId, SourceId, UserId},
        imported::OldMessage,
    },
    lifecycle::Signals,
    media::imported,
    words::Language,
};

mod export;
mod free_space;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod people;
mod read;
mod run;
mod sending;
mod survey;
mod walk;
mod words;

use export::Export;
use free_space::{FreeSpace, needed_bytes};
use people::People;
use run::Run;
use sending::Post;
use survey::{Survey, Wanted};
use walk::{ChatHead, Part};

/// What `--help` says.
pub const ABOUT: &str = "Import old chats from an export of Telegram Desktop.

In Telegram Desktop: Settings, Advanced, Export Telegram data (or Export chat
history in one chat), format \"Machine-readable JSON\". EXPORT is the folder that
it makes, or the result.json in it.

Private chats are imported, oldest message first, each into the conversation of
the source's bot with that customer. Authors, times, replies and files are kept.
Only the newest message of each chat and the customer's newest message notify
managers; the latter makes the lead. What the owner of the export wrote appears
in the name of the channel's bot (kommo.bot_id), or of a user of the account
(--manager). Customers have the names of the owner's address book.

Import as the user that telekommo runs as, or as root. The running bridge sends
the messages, after everything else that it sends. You may interrupt the import:
the same command continues where it was, and nothing is imported twice. Try
--dry-run first. `telekommo help history` says more.";

/// How many messages are read ahead.
const AHEAD: usize = 64;
const MEGABYTE: u64 = 1024 * 1024;

/// The options of the command.
#[derive(Clone, Debug, Args)]
pub struct ImportOptions {
    /// The export: its folder, or the result.json in it.
    #[arg(value_name = "EXPORT")]
    export: PathBuf,
    /// The source whose conversations it goes into: a section [sources.NAME].
    #[arg(long, value_name = "NAME")]
    source: String,
    /// Import only this chat, by the customer's id or name; may be given again.
    #[arg(long = "chat", value_name = "ID_OR_NAME")]
    chats: Vec<String>,
    /// Whose account was exported, if the export does not say.
    #[arg(long, value_name = "ID_OR_NAME")]
    owner: Option<String>,
    /// Import messages of an author in the name of a user: "NAME=USER", the author's name in the export and the user's
    /// name or UUID in Kommo; may be given again.
    #[arg(long = "manager", value_name = "NAME=USER")]
    managers: Vec<String>,
    /// Make no leads and notify nobody.
    #[arg(long)]
    silent: bool,
    /// Requests per second [default: half of what the configuration allows].
    #[arg(long, value_name = "N", value_parser = values::count::<NonZeroU32>, allow_negative_numbers = true)]
    rate: Option<NonZeroU32>,
    /// The largest file that is imported, in MB; a text names larger ones.
    #[arg(long, value_name = "MB", default_value_t = 50, value_parser = values::number::<u64>, allow_negative_numbers = true)]
    max_file_mb: u64,
    /// Send through the running bridge alone: if none runs, wait for it.
    #[arg(long)]
    through_bridge: bool,
    /// Say what would be imported; send nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Does it, and prints what was done. Returns whether Kommo has all of it.
///
/// # Errors
/// If the export is none, or nothing can be sent until somebody mends something.
pub async fn run(config: &Config, options: &ImportOptions) -> anyhow::Result<bool> {
    let (source, bot) = source(config, &options.source)?;
    let export = Export::find(&options.export, options.max_file_mb.saturating_mul(MEGABYTE))?;
    let wanted = Wanted(options.chats.clone());
    // Reading a large export takes a while, so options are checked before.
    let people = People::find(config, &options.managers).await?;
    let survey = Survey::of(&export, &wanted)?;
    let owner = survey.owner(options.owner.as_deref())?;
    terminal::print(&survey);
    for name in people.named().filter(|name| !survey.has_author(name)) {
        terminal::say(&format!("--manager: nobody called {name} wrote in these chats.\n"));
    }
    let (room, into) = (FreeSpace::new(config), Into { source, bot, owner: UserId(owner) });
    if options.dry_run {
        let done = done_before(config, &into, &survey).await;
        terminal::print(before_and_left(&done, (&export, &wanted))?);
        let needed = needed_bytes(&survey, &into.copies(config), &done.unwrap_or_default());
        terminal::say(&format!("Copies of files: {} in\n  {}\n", free_space::size(needed), config.data_dir.display()));
        if let Err(error) = room.refuse_if_short_of(needed) {
            terminal::say(&format!("It could not begin:\n  {error}.\n"));
        }
        terminal::say("Nothing was sent: this was a dry run.\n");
        return Ok(true);
    }
    people.stand_for(survey.outgoing())?;
    if !options.through_bridge && !bridge::is_there(config)? {
        room.refuse_if_short_of(needed_bytes(&survey, &into.copies(config), &HashSet::new()))?;
        terminal::print(format_args!("There is no store here yet:\n  {}\n", config.data_dir.display()));
        terminal::print("If telekommo runs already, it uses another data_dir: stop this and name that\n");
        terminal::print("one (--config, TELEKOMMO_DATA_DIR), or Kommo will not get the files.\n\n");
    }
    let rate = options.rate.map_or(config.kommo.requests_per_second.get() / 2, NonZeroU32::get).max(1);
    let mut post = Post::begin(config, options.through_bridge, rate).await?;
    let work = async {
        if post.is_alone() {
            terminal::print("No bridge runs: this command sends the messages itself, until one starts.\n\n");
        }
        let done = done(&mut post, &into, &survey).await?;
        room.refuse_if_short_of(needed_bytes(&survey, &into.copies(config), &done))?;
        let language = language(&config.kommo).await;
        let run = Run::new(config, into, export.clone(), survey, people, done, (options.silent, language))?;
        send(run, &mut post, export, wanted).await
    };
    let outcome = work.await;
    post.end().await?;
    outcome
}

/// Where an export goes.
#[derive(Clone, Debug)]
struct Into {
    source: SourceId,
    bot: BotId,
    /// Whose account was exported.
    owner: UserId,
}

impl Into {
    /// The folder that has the copies of its files, below that of all imports.
    fn folder(&self) -> String {
        format!("{}-{}", self.bot, self.owner.0)
    }

    /// The same folder from the root.
    fn copies(&self, config: &Config) -> PathBuf {
        imported::dir(&config.data_dir).join(self.folder())
    }

    fn of_chat(&self, chat: i64) -> ExportedChat {
        ExportedChat { source: self.source.clone(), owner: self.owner, chat }
    }
}

fn source(config: &Config, name: &str) -> anyhow::Result<(SourceId, BotId)> {
    let found = config.sources.iter().find(|(id, _)| id.as_str() == name);
    let names = || config.sources.keys().map(SourceId::as_str).collect::<Vec<_>>().join(", ");
    let (id, source) = found.with_context(|| format!("there is no source {name}; the sources are {}", names()))?;
    Ok((id.clone(), source.token.bot_id()))
}

/// What managers read: what is configured, else what the account says, else English.
async fn language(kommo: &Kommo) -> Language {
    if let Some(language) = kommo.language {
        return language;
    }
    let Ok(Some(account)) = identity::client(kommo) else { return Language::default() };
    let language = account.info().await.ok().and_then(|info| info.language);
    language.as_deref().and_then(Language::of_code).unwrap_or_default()
}

/// Sends everything, until the end or until somebody ends it.
async fn send(mut run: Run, post: &mut Post<'_>, export: Export, wanted: Wanted) -> anyhow::Result<bool> {
    let ((sender, mut items), language) = (mpsc::channel(AHEAD), run.language());
    let reading = spawn_blocking(move || export.walk(&mut |part| forward(&sender, &wanted, &part, language)));
    // An ssh session that closes ends an import as Ctrl+C does: what was sent is noted, and the report is made.
    let mut signals = Signals::at_terminal()?;
    let work = async {
        while let Some((chat, item)) = items.recv().await {
            run.take(post, &chat, &item).await?;
        }
        Ok(())
    };
    let outcome: Option<anyhow::Result<()>> = tokio::select! {
        biased;
        () = signals.stop() => None,
        outcome = work => Some(outcome),
    };
    drop(items);
    reading.await??;
    let is_complete = run.report();
    match outcome {
        Some(Ok(())) => Ok(is_complete),
        Some(Err(error)) => bail!("{error:#}. Run the same command again to continue"),
        None => bail!("interrupted; run the same command again to continue"),
    }
}

/// Hands a message on; false if nobody wants any more.
fn forward(
    sender: &mpsc::Sender<(ChatHead, OldMessage)>,
    wanted: &Wanted,
    part: &Part<'_>,
    language: Language,
) -> bool {
    let Part::Message(chat, raw) = part else { return !sender.is_closed() };
    match read::read(raw.get(), language) {
        Ok(item) if wanted.has(chat) => sender.blocking_send(((*chat).clone(), item)).is_ok(),
        Ok(_) | Err(_) => !sender.is_closed(),
    }
}

/// Which of the messages were imported before, by their chats and numbers.
async fn done(post: &mut Post<'_>, into: &Into, survey: &Survey) -> anyhow::Result<HashSet<(i64, i64)>> {
    let mut all = HashSet::new();
    for chat in survey.chats.iter().map(|counted| counted.chat.id) {
        all.extend(post.done(&into.of_chat(chat)).await?.into_iter().map(|message| (chat, message)));
    }
    Ok(all)
}

/// The same for a command that changes nothing. Where nothing is there that could know of any, there is none.
async fn done_before(config: &Config, into: &Into, survey: &Survey) -> anyhow::Result<HashSet<(i64, i64)>> {
    if !bridge::is_there(config)? {
        return Ok(HashSet::new());
    }
    let mut post = Post::begin(config, false, 1).await?;
    let done = done(&mut post, into, survey).await;
    post.end().await?;
    done
}

/// How much of it an earlier import has done, in words; empty if that is nothing.
fn before_and_left(
    done: &anyhow::Result<HashSet<(i64, i64)>>,
    (export, wanted): (&Export, &Wanted),
) -> anyhow::Result<String> {
    let done = match done {
        Ok(done) if done.is_empty() => return Ok(String::new()),
        Ok(done) => done,
        Err(error) => return Ok(format!("What was imported before is unknown: {error:#}.\n")),
    };
    let (mut before, mut left) = (0_usize, 0_usize);
    export.walk(&mut |part| {
        if let Part::Message(chat, raw) = part
            && wanted.has(chat)
            && let Ok(item) = read::read(raw.get(), Language::En)
        {
            let counted = if done.contains(&(chat.id, item.id)) { &mut before } else { &mut left };
            *counted += 1;
        }
        true
    })?;
    Ok(format!("Imported before: {before}; to be imported now: {left}.\n"))
}
