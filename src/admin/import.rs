//! Imports earlier messages, one by one, for `telekommo import`. The command reads the export and copies its files. The
//! process that has the store open sends to Kommo, behind everything else that goes there, and stores in one commit
//! what Kommo has and how it is linked. A message that Kommo may have already is looked up in its history.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    admin::{chats::Bots, failed, refusal},
    clock,
    domain::{
        address::{BotId, Conversation, KommoChatId, KommoMessageId, SourceId, TelegramChat, UserId, is_uuid},
        imported::{Import, ImportedId},
        retry::Failure,
    },
    kommo::chats::{CallError, Chats},
    media::link::Links,
    store::{ImportedChat, ImportedMessage, Imports, Store, StoreError},
    translate::to_kommo::{self, Answered},
    words::Language,
};

mod history;

/// Kommo's error code for an unknown author. It is no HTTP status (Chats API, errors).
const UNKNOWN_AUTHOR: i64 = 453;

/// The outcome of importing a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Imported {
    /// Kommo has taken it.
    Taken,
    /// Kommo had it before.
    There,
    /// Kommo does not take it.
    Refused(String),
    /// Nothing can be sent until a person mends something.
    Stopped(String),
    /// It has to be sent again.
    Later {
        why: String,
        after: Option<Duration>,
        /// Whether the failure may concern this message alone.
        is_of_its_own: bool,
    },
}

impl Imported {
    fn later(passing: &Failure, is_of_its_own: bool) -> Self {
        Self::Later { why: passing.why().into_owned(), after: passing.after(), is_of_its_own }
    }
}

/// A chat of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ExportedChat {
    pub(crate) source: SourceId,
    pub(crate) owner: UserId,
    pub(crate) chat: i64,
}

/// Sends earlier messages to Kommo.
pub struct Importer {
    store: Store,
    imports: Imports,
    chats: Chats,
    links: Links,
    bots: Bots,
    state: Mutex<ImportState>,
}

/// Guarded by a lock, because two commands may import the same chat.
#[derive(Default)]
struct ImportState {
    /// The conversation whose history was read last, with Kommo's ids by ours.
    history: Option<(Conversation, HashMap<String, KommoMessageId>)>,
    /// The conversation whose chat Kommo last refused to create.
    refused: Option<Conversation>,
}

/// A message being sent.
struct Sending<'i> {
    import: &'i Import,
    id: ImportedId,
    to: Conversation,
}

impl Sending<'_> {
    /// Whether the bot sees the message in the conversation under the same id: it goes into a chat of the owner's own,
    /// where both share the numbering.
    const fn is_in_own_chat(&self) -> bool {
        self.to.chat.owner.is_some()
    }
}

/// `/import/done` and `/import/messages`.
pub fn router(importer: Importer) -> Router {
    let importer = Arc::new(importer);
    Router::new().route("/import/done", get(done)).route("/import/messages", post(take)).with_state(importer)
}

/// Which messages of a chat were imported.
async fn done(State(importer): State<Arc<Importer>>, Query(of): Query<ExportedChat>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let Some(bot) = importer.bots.get(&of.source) else { return json(&Vec::<i64>::new()) };
    // Each run asks this first. A history that an earlier run has read may have grown since.
    importer.state.lock().await.history = None;
    match importer.imports.numbers(*bot, own_chat(of.owner, of.chat)).await {
        Ok(numbers) => json(&numbers),
        Err(error) => failed(&error),
    }
}

async fn take(State(importer): State<Arc<Importer>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let Ok(import) = serde_json::from_slice(&body) else {
        return (StatusCode::BAD_REQUEST, "this command and the bridge are of different versions\n").into_response();
    };
    // If the command is interrupted and Kommo takes the message meanwhile, the next run finds it in Kommo's history.
    match importer.take(&import).await {
        Ok(imported) => json(&imported),
        Err(error) => failed(&error),
    }
}

fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A chat in the account of an export's owner.
const fn own_chat(owner: UserId, chat: i64) -> TelegramChat {
    TelegramChat { owner: Some(owner), id: chat }
}

impl Importer {
    /// Sends by `chats`, behind everything else that goes there. Kommo fetches files by `links`.
    #[must_use]
    pub fn new(store: &Store, scope_id: &str, chats: &Chats, links: Links, bots: Bots) -> Self {
        let (imports, chats) = (store.imports(scope_id), chats.patient());
        Self { store: store.clone(), imports, chats, links, bots, state: Mutex::default() }
    }

    async fn take(&self, import: &Import) -> Result<Imported, StoreError> {
        let Some(bot) = self.bots.get(&import.source) else {
            return Ok(Imported::Stopped(format!("the bridge has no source {}: restart it", import.source)));
        };
        let mut state = self.state.lock().await;
        let id = ImportedId { bot: *bot, chat: own_chat(import.owner, import.chat), message: import.message.id };
        let sending = Sending { import, id, to: self.conversation(*bot, import)? };
        if self.is_known(&sending)? {
            return Ok(Imported::There);
        }
        if let Some(known) = self.begin(&mut state, &sending).await? {
            return Ok(known);
        }
        if import.author.as_ref().is_some_and(|author| author.is_manager) && !self.store.has_imports_by_managers()? {
            self.store.note_imports_by_managers(clock::now()).await?;
        }
        self.send(&mut state, &sending).await
    }

    /// Checks what Kommo has already. `None` if the message has to be sent.
    async fn begin(&self, state: &mut ImportState, sending: &Sending<'_>) -> Result<Option<Imported>, StoreError> {
        if sending.is_in_own_chat() && self.store.chat(&sending.to)?.is_some() {
            match self.relayed_long_ago(state, sending).await {
                Ok(None) => {}
                Ok(in_history) => {
                    self.note(sending, in_history, None).await?;
                    return Ok(Some(Imported::There));
                }
                Err(failure) if failure.may_pass() => return Ok(Some(Imported::later(&failure, false))),
                // Kommo refuses its history: import without it.
                Err(_) => {}
            }
        }
        self.create_chat(state, sending).await
    }

    /// Creates the chat in Kommo and notes it before the first message, so that all of it goes to the same place,
    /// whatever becomes of that message. `None` if messages can be sent.
    async fn create_chat(
        &self,
        state: &mut ImportState,
        sending: &Sending<'_>,
    ) -> Result<Option<Imported>, StoreError> {
        if state.refused.as_ref() == Some(&sending.to) || self.imports.chat(&sending.to)?.is_some() {
            return Ok(None);
        }
        match self.chats.chat(&to_kommo::imported_chat(sending.import, &sending.to)).await.map_err(Failure::from) {
            Ok(chat) => {
                self.note_chat(sending, chat).await?;
                Ok(None)
            }
            Err(failure) if failure.may_pass() => Ok(Some(Imported::later(&failure, false))),
            // Kommo's response to each message says why.
            Err(_) => {
                state.refused = Some(sending.to.clone());
                Ok(None)
            }
        }
    }

    /// The conversation that a chat of an export goes into: its customer's with the owner, if the owner has connected
    /// the bot to their own chats, else the one with the bot. A chat whose import has begun stays where it is.
    fn conversation(&self, bot: BotId, import: &Import) -> Result<Conversation, StoreError> {
        let with_bot = Conversation::new(import.source.clone(), import.chat);
        if self.imports.chat(&with_bot)?.is_some() {
            return Ok(with_bot);
        }
        let with_owner = Conversation::new(import.source.clone(), own_chat(import.owner, import.chat));
        if self.imports.chat(&with_owner)?.is_some() {
            return Ok(with_owner);
        }
        let is_connected = self.store.connection_of(bot, import.owner)?.is_some_and(|connection| connection.enabled);
        Ok(if is_connected { with_owner } else { with_bot })
    }

    /// Whether Kommo has a message: it was imported, or relayed from the owner's own chat.
    fn is_known(&self, sending: &Sending<'_>) -> Result<bool, StoreError> {
        if self.imports.has(&sending.id)? {
            return Ok(true);
        }
        // A chat that was begun in the conversation with the bot may have gone on in the owner's own since.
        Ok(self.store.kommo_message(&sending.id.in_own_chat())?.is_some())
    }

    /// The message that this one answers, if Kommo has it.
    fn answered(&self, sending: &Sending<'_>) -> Result<Option<Answered>, StoreError> {
        let Some(message) = sending.import.message.reply_to else { return Ok(None) };
        let id = ImportedId { message, ..sending.id };
        if sending.is_in_own_chat()
            && let Some(linked) = self.store.kommo_message(&id.in_own_chat())?
        {
            return Ok(Some(Answered::Linked(linked)));
        }
        Ok(self.imports.has(&id)?.then_some(Answered::Imported(id)))
    }

    /// Sends the message once, and notes what Kommo has.
    async fn send(&self, state: &mut ImportState, sending: &Sending<'_>) -> Result<Imported, StoreError> {
        let import = sending.import;
        let language = Language::of_code(&import.language).unwrap_or_default();
        let (links, answered) = (self.links.made_at(clock::now()), self.answered(sending)?);
        let mut event = to_kommo::import(import, sending.id, &sending.to, answered, &links, language);
        let mut may_have_arrived = import.is_repeated;
        loop {
            let error = match self.chats.send(&event).await {
                Ok(accepted) => {
                    let chat = accepted.conversation_id.filter(|id| is_uuid(id));
                    self.note(sending, accepted.msgid.map(KommoMessageId), chat).await?;
                    return Ok(Imported::Taken);
                }
                Err(error) => error,
            };
            if is_unknown_author(&error) {
                return Ok(Imported::Stopped(unknown_author(import)));
            }
            let (is_ambiguous, is_of_its_own) = (error.is_ambiguous(), error.may_be_of_one_message());
            let failure = Failure::from(error);
            // A request without a clear response may have arrived.
            may_have_arrived |= is_ambiguous || failure.may_pass();
            if (is_ambiguous || failure.is_final())
                && let Some(known) = self.in_history(state, sending, may_have_arrived).await
            {
                self.note(sending, Some(known), None).await?;
                return Ok(Imported::There);
            }
            match failure {
                // If Kommo refuses the message that is answered, the answer is imported all the same.
                Failure::Permanent(_) | Failure::Uncertain(_) if event.payload.reply_to.is_some() => {
                    event.payload.reply_to = None;
                }
                Failure::Permanent(refusal) | Failure::Uncertain(refusal) => {
                    return Ok(Imported::Refused(refusal.why()));
                }
                Failure::Blocked { why } => return Ok(Imported::Stopped(why)),
                passing @ (Failure::Unreachable { .. }
                | Failure::Transient { .. }
                | Failure::NotYet { .. }
                | Failure::Throttled { .. }) => return Ok(Imported::later(&passing, is_of_its_own)),
            }
        }
    }

    /// Stores that Kommo has a message, and Kommo's id of its chat if known.
    async fn note(
        &self,
        sending: &Sending<'_>,
        kommo: Option<KommoMessageId>,
        chat: Option<String>,
    ) -> Result<(), StoreError> {
        let linked = kommo.filter(|_| sending.is_in_own_chat());
        self.imports.note(vec![ImportedMessage { id: sending.id, linked }], clock::now()).await?;
        match chat {
            Some(chat) if self.imports.chat(&sending.to)?.is_none() => self.note_chat(sending, chat).await,
            _ => Ok(()),
        }
    }

    async fn note_chat(&self, sending: &Sending<'_>, chat: String) -> Result<(), StoreError> {
        let chat = ImportedChat { chat: KommoChatId(chat), noted_at: clock::now() };
        self.imports.note_chats(vec![(sending.to.clone(), chat)]).await
    }
}

fn is_unknown_author(error: &CallError) -> bool {
    match error {
        CallError::Refused { error, .. } => error.code == Some(UNKNOWN_AUTHOR),
        CallError::Foreign(_) | CallError::Unreachable(_) => false,
    }
}

fn unknown_author(import: &Import) -> String {
    let (name, user) = import.author.as_ref().map_or(("", ""), |author| (&author.name, &author.user.0));
    format!("Kommo does not know {name} ({user}) as an author: correct kommo.bot_id or --manager")
}
