//! What the account has written down: contacts, leads, sources, templates, and who may ask for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        account::{RestRequest, Subject, fields::Values, gate::Gate, token::Token},
        world::Chat,
    },
};

/// The account's number.
pub(super) const ACCOUNT: u64 = 28_805_383;
/// The pipeline that leads go into unless a source says otherwise.
pub const MAIN_PIPELINE: u64 = 1300;
pub const OTHER_PIPELINE: u64 = 1301;
/// A token is made for a year unless said otherwise.
const TOKEN_MILLIS: i64 = 365 * 24 * 60 * 60 * 1000;
/// The first number that anything gets.
const FIRST_NUMBER: u64 = 10_001;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its number.
    pub id: u64,
    pub name: String,
    /// When it was made.
    pub made_at: UnixMillis,
    /// What its custom fields hold, by the fields' numbers.
    pub fields: Values,
    pub tags: BTreeSet<String>,
    /// What is noted among its events, oldest first.
    pub notes: Vec<String>,
}

impl Card {
    /// A card with nothing but a name in it.
    pub(super) fn new(id: u64, name: &str, made_at: UnixMillis) -> Self {
        let (fields, tags) = (Values::default(), BTreeSet::new());
        Self { id, name: name.to_owned(), made_at, fields, tags, notes: Vec::new() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Its number.
    pub id: u64,
    pub pipeline_id: u64,
    /// The source that it came from, by Kommo's number.
    pub source_id: Option<u64>,
    /// Whether it is still among the incoming ones, which somebody has to accept.
    pub incoming: bool,
    /// Whether it is lost.
    pub closed: bool,
    pub contact: u64,
    /// The chat that it came from.
    pub chat_id: String,
    /// What its custom fields hold, by the fields' numbers.
    pub fields: Values,
    pub tags: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSource {
    /// Kommo's number.
    pub id: u64,
    pub name: String,
    pub external_id: String,
    /// The pipeline of its leads.
    pub pipeline_id: u64,
    /// Whether leads without a known source come from it.
    pub default: bool,
    /// The code of the channel.
    pub origin_code: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StoredTemplate {
    /// Kommo's number.
    pub id: u64,
    /// Everything else, as it was sent.
    pub content: serde_json::Map<String, serde_json::Value>,
}

pub(in crate::sandbox::kommo) struct Records {
    pub(super) requests: Vec<RestRequest>,
    pub(super) gate: Gate,
    pub(super) token: Token,
    pub(super) forbidden: BTreeSet<Subject>,
    /// The account's id in the Chats API as the REST API tells it.
    pub(super) amojo_id: String,
    /// What its managers speak, if the account tells it.
    pub(super) language: Option<String>,
    /// Whether giving a chat to the contact that has it is an error.
    pub(super) relinking_is_an_error: bool,
    pub(super) most_sources: usize,
    pub(super) most_templates: usize,
    pub(super) sources: Vec<StoredSource>,
    pub(super) cards: BTreeMap<u64, Card>,
    pub(super) leads: BTreeMap<u64, Lead>,
    pub(super) templates: BTreeMap<u64, StoredTemplate>,
    /// Chats and their contacts, with the number of the link.
    pub(super) links: BTreeMap<String, (u64, u64)>,
    /// Chats whose talks managers have closed, and when in seconds.
    pub(super) closed_talks: Vec<(String, i64)>,
    /// After how many requests to this API a chat's contact and lead are there.
    pub(super) made_after: usize,
    /// Whether a contact whose only leads nobody has accepted is shown by its number; it is in no list.
    pub(super) shows_incoming: bool,
    /// Chats that have a lead to come, with how many requests there were when that was seen.
    seen: BTreeMap<String, usize>,
    /// Chats whose contact and lead are there.
    followed: BTreeSet<String>,
    numbers: u64,
}

impl Records {
    pub(super) fn new(now: UnixMillis, amojo_id: &str) -> Self {
        Self {
            requests: Vec::new(),
            gate: Gate::default(),
            token: Token::new(ACCOUNT, now, UnixMillis(now.0 + TOKEN_MILLIS)),
            forbidden: BTreeSet::new(),
            amojo_id: amojo_id.to_owned(),
            language: Some("en".to_owned()),
            relinking_is_an_error: true,
            most_sources: 50,
            most_templates: 200,
            sources: Vec::new(),
            cards: BTreeMap::new(),
            leads: BTreeMap::new(),
            templates: BTreeMap::new(),
            links: BTreeMap::new(),
            closed_talks: Vec::new(),
            made_after: 0,
            shows_incoming: true,
            seen: BTreeMap::new(),
            followed: BTreeSet::new(),
            numbers: FIRST_NUMBER,
        }
    }

    /// A number that nothing has.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A chat that has become a lead gets a contact, unless it has one, and an incoming lead, unless its contact has an
    /// open one. Kommo does so some time after it has taken the message.
    pub(super) fn follow(&mut self, chats: &[Chat], now: UnixMillis) {
        let asked = self.requests.len();
        for chat in chats.iter().filter(|chat| chat.is_lead) {
            let seen = *self.seen.entry(chat.chat_id.clone()).or_insert(asked);
            if asked < seen.saturating_add(self.made_after) || !self.followed.insert(chat.chat_id.clone()) {
                continue;
            }
            let contact = match self.links.get(&chat.chat_id) {
                Some((contact, _)) => *contact,
                None => self.new_card(chat, now),
            };
            if !self.leads.values().any(|lead| lead.contact == contact && !lead.closed) {
                self.new_deal(chat, contact);
            }
        }
    }

    fn new_card(&mut self, chat: &Chat, now: UnixMillis) -> u64 {
        let known = &chat.contact;
        let (id, link) = (self.number(), self.number());
        let mut card = Card::new(id, &known.name, now);
        card.fields.introduce(&known.phone, &known.email);
        self.cards.insert(id, card);
        self.links.insert(chat.chat_id.clone(), (id, link));
        id
    }

    /// The source that a chat counts to. One that the account does not know is passed over without a word.
    fn line_of(&self, chat: &Chat) -> Option<&StoredSource> {
        let named = self.sources.iter().find(|source| Some(&source.external_id) == chat.source.as_ref());
        named.or_else(|| self.sources.iter().find(|source| source.default))
    }

    /// What hooks of a chat name as its source.
    pub(in crate::sandbox::kommo) fn source_of(&self, chat: &Chat) -> Option<String> {
        self.line_of(chat).map(|source| source.external_id.clone()).or_else(|| chat.source.clone())
    }

    fn new_deal(&mut self, chat: &Chat, contact: u64) {
        let source = self.line_of(chat);
        let (pipeline_id, source_id) =
            source.map_or((MAIN_PIPELINE, None), |source| (source.pipeline_id, Some(source.id)));
        let lead = Lead {
            id: self.number(),
            pipeline_id,
            source_id,
            incoming: true,
            closed: false,
            contact,
            chat_id: chat.chat_id.clone(),
            fields: Values::default(),
            tags: BTreeSet::new(),
        };
        self.leads.insert(lead.id, lead);
    }

    /// Whether a contact is shown in lists: one whose only leads nobody has accepted is not.
    pub(super) fn is_listed(&self, card: u64) -> bool {
        let mut leads = self.leads.values().filter(|lead| lead.contact == card).peekable();
        leads.peek().is_none() || leads.any(|lead| !lead.incoming)
    }
}
