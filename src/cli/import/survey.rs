//! What is in an export: read once as a whole before anything is sent.

use std::{collections::BTreeMap, fmt};

use anyhow::bail;

use crate::{
    cli::{
        import::{
            export::{Export, ExportFile},
            read::{self, Skipped},
            walk::{ChatHead, Part},
        },
        table::plain,
        terminal::table,
    },
    domain::{
        amount::counted,
        imported::{OldContent, OldMessage},
    },
    words::Language,
};

/// A chat with one other person; all other chats are left out.
const PERSONAL: &str = "personal_chat";
/// How many ids of unreadable messages are shown.
const SHOWN: usize = 5;

/// Which chats are wanted, by their ids or names; all if none is named.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted(pub(super) Vec<String>);

impl Wanted {
    /// Whether a chat is to be imported.
    pub(super) fn has(&self, chat: &ChatHead) -> bool {
        is_private(chat) && chat.id > 0 && (self.0.is_empty() || self.0.iter().any(|wanted| is_named(wanted, chat)))
    }
}

fn is_private(chat: &ChatHead) -> bool {
    chat.kind == PERSONAL
}

fn is_named(wanted: &str, chat: &ChatHead) -> bool {
    *wanted == chat.name || wanted.parse() == Ok(chat.id)
}

/// What one chat has.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) chat: ChatHead,
    /// How many messages can be imported.
    pub(super) messages: usize,
    /// How many of them the owner wrote.
    pub(super) outgoing: usize,
    /// Which messages somebody is to notice: the newest one, and the newest of the customer's, which alone may make a
    /// lead.
    pub(super) loud: [Option<i64>; 2],
    /// The files that are there: whose they are, and their sizes in bytes.
    pub(super) files: Vec<(i64, u64)>,
    kinds: BTreeMap<&'static str, usize>,
    missing: usize,
    service: usize,
    unreadable: Vec<(i64, Skipped)>,
}

/// What an export has.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// The chats that are to be imported, in the order of the export.
    pub(super) chats: Vec<Counted>,
    told_owner: Option<i64>,
    /// Who else wrote in these chats: ids and names.
    authors: BTreeMap<i64, String>,
    others: usize,
    /// Private chats whose customer the export does not name.
    nobodys: usize,
}

impl Survey {
    /// Reads all of an export.
    ///
    /// # Errors
    /// If it is none, or a wanted chat is not in it.
    pub(super) fn of(export: &Export, wanted: &Wanted) -> anyhow::Result<Self> {
        let mut survey = Self::default();
        export.walk(&mut |part| {
            survey.note(export, wanted, &part);
            true
        })?;
        if survey.told_owner.is_none() && survey.chats.is_empty() && survey.others + survey.nobodys == 0 {
            bail!("this is JSON, but no export of Telegram Desktop: it has no chat in it");
        }
        let is_there = |name: &&String| survey.chats.iter().any(|counted| is_named(name, &counted.chat));
        if let Some(name) = wanted.0.iter().find(|name| !is_there(name)) {
            bail!("there is no private chat {name} in the export; --dry-run without --chat shows which there are");
        }
        survey.refuse_ambiguous(wanted)?;
        if survey.chats.iter().all(|chat| chat.messages == 0) && survey.chats.iter().any(|it| !it.unreadable.is_empty())
        {
            bail!("no message in it tells its time and its author as Telegram Desktop does since 2022: export again");
        }
        Ok(survey)
    }

    /// A name that several people have is none: what others wrote would go to Kommo unasked.
    fn refuse_ambiguous(&self, wanted: &Wanted) -> anyhow::Result<()> {
        for name in &wanted.0 {
            let named = self.chats.iter().filter(|counted| is_named(name, &counted.chat));
            let ids: Vec<_> = named.map(|counted| counted.chat.id.to_string()).collect();
            if ids.len() > 1 {
                bail!("several private chats are called {name}: say --chat with one of the ids {}", ids.join(", "));
            }
        }
        Ok(())
    }

    fn note(&mut self, export: &Export, wanted: &Wanted, part: &Part<'_>) {
        match part {
            Part::Owner(owner) => self.told_owner = owner.user_id,
            Part::Chat(chat) if wanted.has(chat) => {
                self.chats.push(Counted { chat: (*chat).clone(), ..Counted::default() });
            }
            Part::Chat(chat) if is_private(chat) && chat.id <= 0 => self.nobodys += 1,
            Part::Chat(_) => self.others += 1,
            Part::Message(chat, raw) if wanted.has(chat) => {
                let item = read::read(raw.get(), Language::En);
                if let Ok(item) = &item
                    && item.author != chat.id
                {
                    self.authors.entry(item.author).or_insert_with(|| item.author_name.clone());
                }
                if let Some(counted) = self.chats.last_mut() {
                    counted.note(export, item, raw.get());
                }
            }
            Part::Message(..) => {}
        }
    }

    /// Whose account was exported.
    ///
    /// # Errors
    /// If that is not known, or is not whom the operator names.
    pub(super) fn owner(&self, named: Option<&str>) -> anyhow::Result<i64> {
        let named = named.map(|named| self.named(named)).transpose()?;
        let owner = match (self.told_owner, named, self.authors.keys().copied().collect::<Vec<_>>().as_slice()) {
            (Some(reported), Some(named), _) if reported != named => {
                bail!("the export is of the account {reported}, not of {named}: correct --owner")
            }
            (Some(owner), ..) | (None, Some(owner), _) | (None, None, &[owner]) => owner,
            (None, None, []) => {
                bail!("the owner of the export wrote nothing in it, so it is not known whose it is: say --owner ID")
            }
            (None, None, _) => {
                bail!("several people besides the customers wrote in it: say --owner, one of {}", self.people())
            }
        };
        match self.chats.iter().find(|counted| counted.chat.id == owner) {
            Some(_) => bail!("this export was made by the customer: it is the chat with {owner}. Export your own side"),
            None => Ok(owner),
        }
    }

    fn named(&self, named: &str) -> anyhow::Result<i64> {
        if let Ok(id) = named.parse() {
            let is_customer = self.chats.iter().any(|counted| counted.chat.id == id);
            if self.authors.is_empty() || self.authors.contains_key(&id) || is_customer || self.told_owner.is_some() {
                return Ok(id);
            }
            bail!("--owner: nobody with the id {id} wrote in it; there are {}", self.people());
        }
        let found: Vec<_> = self.authors.iter().filter(|(_, name)| *name == named).map(|(id, _)| *id).collect();
        match found[..] {
            [id] => Ok(id),
            _ => bail!("--owner: no one person {named} wrote in it; there are {}", self.people()),
        }
    }

    fn people(&self) -> String {
        let people = self.authors.iter().map(|(id, name)| format!("{name} ({id})"));
        people.collect::<Vec<_>>().join(", ")
    }

    /// How many messages can be imported.
    pub(super) fn messages(&self) -> usize {
        self.chats.iter().map(|chat| chat.messages).sum()
    }

    /// How many of them the owner wrote.
    pub(super) fn outgoing(&self) -> usize {
        self.chats.iter().map(|chat| chat.outgoing).sum()
    }
}

impl Counted {
    fn note(&mut self, export: &Export, item: Result<OldMessage, Skipped>, raw: &str) {
        match item {
            Ok(item) => self.item(export, &item),
            Err(Skipped::Service) => self.service += 1,
            Err(why @ (Skipped::Unsupported | Skipped::Unreadable)) => self.unreadable.push((read::number(raw), why)),
        }
    }

    fn item(&mut self, export: &Export, item: &OldMessage) {
        self.messages += 1;
        self.outgoing += usize::from(item.author != self.chat.id);
        self.loud[0] = Some(item.id);
        if item.author == self.chat.id {
            self.loud[1] = Some(item.id);
        }
        let kind = match &item.content {
            OldContent::Text(_) => "text",
            OldContent::File(file) => {
                match export.file(&file.path) {
                    ExportFile::There { size_bytes, .. } => self.files.push((item.id, size_bytes)),
                    ExportFile::Missing | ExportFile::TooLarge(_) => self.missing += 1,
                }
                file.kind.name()
            }
            OldContent::Place { .. } => "place",
            OldContent::Card { .. } => "contact",
        };
        *self.kinds.entry(kind).or_default() += 1;
    }
}

impl fmt::Display for Survey {
    /// What is to be imported, in 80 columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["CHAT", "ID", "MESSAGES", "FILES", "MISSING", "SERVICE"].map(str::to_owned);
        let row = |it: &Counted| {
            let numbers = [it.messages, it.files.len(), it.missing, it.service].map(|number| number.to_string());
            let [messages, files, missing, service] = numbers;
            [plain(&it.chat.name), it.chat.id.to_string(), messages, files, missing, service]
        };
        let rows: Vec<_> = [header].into_iter().chain(self.chats.iter().map(row)).collect();
        f.write_str(&table(&rows, 0))?;
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, count) in self.chats.iter().flat_map(|chat| &chat.kinds) {
            *kinds.entry(kind).or_default() += count;
        }
        let messages = counted(self.messages(), "message");
        writeln!(f, "\n{messages}, {} of them written by the owner:", self.outgoing())?;
        for (kind, count) in kinds {
            writeln!(f, "  {kind:<15} {count:>8}")?;
        }
        self.left_out(f)
    }
}

/// Why a message is left out.
const fn reason(why: Skipped) -> &'static str {
    match why {
        Skipped::Service => "is a service message",
        Skipped::Unsupported => "is of a kind that this Telegram Desktop did not know",
        Skipped::Unreadable => "lacks its number, time or author",
    }
}

impl Survey {
    /// Whether anybody of this name wrote in the chats.
    pub(super) fn has_author(&self, name: &str) -> bool {
        self.authors.values().any(|author| author == name)
    }

    fn left_out(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |of: fn(&Counted) -> usize| self.chats.iter().map(of).sum::<usize>();
        let missing = sum(|chat| chat.missing);
        if missing > 0 {
            let (files, are) = (counted(missing, "file"), if missing == 1 { "is" } else { "are" });
            writeln!(f, "{files} {are} missing or too large: a text names each.")?;
        }
        let unreadable =
            || self.chats.iter().flat_map(|chat| chat.unreadable.iter().map(move |(id, why)| (&chat.chat, *id, *why)));
        let all = unreadable().count();
        if all > 0 {
            writeln!(
                f,
                "{} cannot be read and {} left out:",
                counted(all, "message"),
                if all == 1 { "is" } else { "are" }
            )?;
        }
        for (chat, id, why) in unreadable().take(SHOWN) {
            writeln!(f, "  \"id\": {id} in the chat {} of the export {}", plain(&chat.name), reason(why))?;
        }
        if all > SHOWN {
            writeln!(f, "  and {} more", all - SHOWN)?;
        }
        if self.nobodys > 0 {
            let (are, they) = if self.nobodys == 1 { ("is", "it does") } else { ("are", "they do") };
            let chats = counted(self.nobodys, "private chat");
            writeln!(
                f,
                "{chats} {are} left out: {they} not tell whose {} {are}.",
                if self.nobodys == 1 { "it" } else { "they" }
            )?;
        }
        writeln!(f, "Left out: service messages {}, other chats {}.", sum(|chat| chat.service), self.others)
    }
}
