//! Records of imports: which messages Kommo has, and in which of its chats.
//!
//! The records do not expire, so that a repeated import sends nothing twice. Kommo's ids belong to one channel in one
//! account, a scope: what was imported in another scope does not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{BotId, Conversation, KommoChatId, KommoMessageId, TelegramChat},
        imported::ImportedId,
        time::UnixMillis,
    },
    store::{
        StateChange, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::Batch,
        index::Index,
        links,
        lists::Lists,
        rows,
        scan::scan,
        table::Key,
        tables::{IMPORTED, IMPORTED_CHATS, IMPORTS_BY_MANAGERS},
        watermark,
    },
};

/// The message numbers per row. Numbers grow over all chats of an account, so most rows have few.
const NUMBERS: i64 = 512;

/// What was imported in one scope.
#[derive(Clone, Debug)]
pub struct Imports {
    store: Store,
    scope_id: Arc<str>,
}

/// The chat of a conversation that was imported into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedChat {
    /// Kommo's id of it.
    pub chat: KommoChatId,
    /// When that was recorded.
    pub noted_at: UnixMillis,
}

/// A message that Kommo has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMessage {
    pub id: ImportedId,
    /// Kommo's id of it, if the bot sees the message in its own conversation: then the two are linked.
    pub linked: Option<KommoMessageId>,
}

/// A block of consecutive message numbers of a chat.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ImportedBlock {
    scope_id: Arc<str>,
    bot: BotId,
    chat: TelegramChat,
    block: i64,
}

impl ImportedBlock {
    /// The prefix of the keys of a chat's blocks.
    fn of_chat(scope_id: &str, bot: BotId, chat: TelegramChat) -> Vec<u8> {
        format!("{scope_id} {bot}:{chat}:").into_bytes()
    }

    fn of(scope_id: &Arc<str>, id: &ImportedId) -> Self {
        let (scope_id, block) = (Arc::clone(scope_id), id.message.div_euclid(NUMBERS));
        Self { scope_id, bot: id.bot, chat: id.chat, block }
    }
}

impl Key for ImportedBlock {
    fn bytes(&self) -> Vec<u8> {
        let Self { scope_id, bot, chat, block } = self;
        [Self::of_chat(scope_id, *bot, *chat), block.to_string().into_bytes()].concat()
    }
}

/// The offset of a message within its block.
fn offset(message: i64) -> u16 {
    u16::try_from(message.rem_euclid(NUMBERS)).unwrap_or_default()
}

/// A conversation within a scope.
fn chat_key(scope_id: &str, conversation: &str) -> String {
    format!("{scope_id} {conversation}")
}

impl Store {
    /// What was imported in a scope.
    #[must_use]
    pub fn imports(&self, scope_id: &str) -> Imports {
        Imports { store: self.clone(), scope_id: scope_id.into() }
    }

    /// Whether messages were ever imported in managers' names: only then can hooks of old messages be about imports.
    pub fn has_imports_by_managers(&self) -> Result<bool, StoreError> {
        Ok(IMPORTS_BY_MANAGERS.get(&self.db()?)?.is_some())
    }

    /// Records that messages are imported in managers' names.
    pub async fn note_imports_by_managers(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.db()?;
        let plan = move |_: &mut WriteTxn| {
            let mut batch = Batch::default();
            IMPORTS_BY_MANAGERS.put(&mut batch, &now);
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}

impl Imports {
    /// Whether a message was imported.
    pub fn has(&self, id: &ImportedId) -> Result<bool, StoreError> {
        let numbers = IMPORTED.get(&self.store.db()?, &ImportedBlock::of(&self.scope_id, id))?;
        Ok(numbers.is_some_and(|numbers| numbers.contains(&offset(id.message))))
    }

    /// The numbers of a chat's imported messages.
    pub async fn numbers(&self, bot: BotId, chat: TelegramChat) -> Result<BTreeSet<i64>, StoreError> {
        let prefix = [&IMPORTED.prefix[..], &ImportedBlock::of_chat(&self.scope_id, bot, chat)].concat();
        let read = move |db: &super::db::Db| {
            let mut all = BTreeSet::new();
            for row in scan(db, &prefix) {
                let (key, value) = row?;
                let block = std::str::from_utf8(&key[prefix.len()..]).ok().and_then(|block| block.parse::<i64>().ok());
                let numbers = rows::read::<Vec<u16>>(&key, &value);
                if let Some((block, numbers)) = block.zip(numbers) {
                    all.extend(numbers.into_iter().map(|number| block * NUMBERS + i64::from(number)));
                }
            }
            Ok(all)
        };
        self.store.0.reader.spawn_blocking(read).await
    }

    /// Kommo's id of the chat that a conversation was imported into.
    pub fn chat(&self, conversation: &Conversation) -> Result<Option<KommoChatId>, StoreError> {
        let key = chat_key(&self.scope_id, &conversation.to_string());
        Ok(IMPORTED_CHATS.get(&self.store.db()?, key.as_str())?.map(|imported| imported.chat))
    }

    /// All chats that were imported into.
    pub async fn chats(&self) -> Result<BTreeMap<Conversation, ImportedChat>, StoreError> {
        let prefix = IMPORTED_CHATS.key(chat_key(&self.scope_id, "").as_str());
        let read = move |db: &super::db::Db| {
            let mut all = BTreeMap::new();
            for row in scan(db, &prefix) {
                let (key, value) = row?;
                let conversation = std::str::from_utf8(&key[prefix.len()..]).ok().and_then(|name| name.parse().ok());
                all.extend(conversation.zip(rows::read(&key, &value)));
            }
            Ok(all)
        };
        self.store.0.reader.spawn_blocking(read).await
    }

    /// Records that Kommo has messages, and links them.
    pub async fn note(&self, messages: Vec<ImportedMessage>, now: UnixMillis) -> Result<(), StoreError> {
        self.store.db()?;
        let (scope_id, links_for) = (Arc::clone(&self.scope_id), self.store.0.settings.links_for);
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, mut blocks, mut linked) = (Batch::default(), Lists::new(&txn.db, &IMPORTED), Vec::new());
            for ImportedMessage { id, linked: kommo } in messages {
                let (numbers, number) = (blocks.of(&ImportedBlock::of(&scope_id, &id))?, offset(id.message));
                if let Err(place) = numbers.binary_search(&number) {
                    numbers.insert(place, number);
                }
                linked.extend(kommo.map(|kommo| StateChange::Link { ours: id.in_own_chat(), kommo }));
            }
            blocks.write(&mut batch);
            let until = watermark::not_before(&txn.db, now)?.plus(links_for);
            links::write(&txn.db, &mut batch, &linked, now, until)?;
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.store.0.committer.write(plan).await
    }

    /// Records which chats conversations were imported into.
    pub async fn note_chats(&self, chats: Vec<(Conversation, ImportedChat)>) -> Result<(), StoreError> {
        self.store.db()?;
        let scope_id = Arc::clone(&self.scope_id);
        let plan = move |_: &mut WriteTxn| {
            let mut batch = Batch::default();
            for (conversation, chat) in chats {
                IMPORTED_CHATS.put(&mut batch, chat_key(&scope_id, &conversation.to_string()).as_str(), &chat);
            }
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.store.0.committer.write(plan).await
    }
}
