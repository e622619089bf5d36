//! What people do in the account, and what they see: the handle for tests and for the page.

use std::collections::BTreeSet;

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        FakeKommo,
        account::{
            Card, Lead, MAIN_PIPELINE, Rate, StoredSource, StoredTemplate, Subject,
            fields::Values,
            records::{ACCOUNT, Records},
            token::Token,
        },
    },
};

impl FakeKommo {
    fn in_books<R>(&self, act: impl FnOnce(&mut Records) -> R) -> R {
        let result = self.core.rest.with(act);
        self.core.world.bump();
        result
    }

    /// The integration's long-lived token. A new one is good for a year.
    pub fn access_token(&self) -> String {
        self.in_books(|records| records.token.text.clone())
    }

    /// A manager closes the talk of a conversation. The channel is not told.
    ///
    /// # Panics
    /// If nobody has written in the conversation.
    pub fn close_talk(&self, conversation_id: &str) {
        let (now, chat) = (self.core.clock.now(), self.chat(conversation_id).expect("somebody has written there"));
        self.in_books(|records| records.closed_talks.push((chat.chat_id, now.seconds())));
    }

    /// The administrator makes another token, which ends at `ends_at`; the old one is revoked.
    pub fn new_token(&self, ends_at: UnixMillis) -> String {
        let now = self.core.clock.now();
        self.in_books(|records| records.token = Token::new(ACCOUNT, now, ends_at));
        self.access_token()
    }

    /// From now on the token has no right to `subjects`, and to everything else it has.
    pub fn forbid(&self, subjects: &[Subject]) {
        self.in_books(|records| records.forbidden = subjects.iter().copied().collect());
    }

    /// What the account calls itself in the Chats API, if that differs from the channel's account: another account.
    pub fn set_amojo_id(&self, amojo_id: &str) {
        self.in_books(|records| amojo_id.clone_into(&mut records.amojo_id));
    }

    /// What the account's managers speak; `None` for an account that does not tell it.
    pub fn set_language(&self, language: Option<&str>) {
        self.in_books(|records| records.language = language.map(str::to_owned));
    }

    /// How many requests are taken.
    pub fn set_rest_rate(&self, rate: Rate) {
        self.in_books(|records| records.gate.rate = rate);
    }

    /// Whether giving a chat to the contact that has it already is an error, `AlreadyExists`; it is unless said
    /// otherwise.
    pub fn relinking_is_an_error(&self, is_error: bool) {
        self.in_books(|records| records.relinking_is_an_error = is_error);
    }

    /// After how many requests to this API a chat's contact and lead are there: Kommo makes them some time after it has
    /// answered a message. At once unless said otherwise.
    pub fn make_cards_after(&self, requests: usize) {
        self.in_books(|records| records.made_after = requests);
    }

    /// Whether a contact whose only leads nobody has accepted is shown by its number; it is unless said otherwise.
    pub fn show_incoming(&self, shows: bool) {
        self.in_books(|records| records.shows_incoming = shows);
    }

    /// How many sources the integration may have; 50 unless said otherwise.
    pub fn set_most_sources(&self, most: usize) {
        self.in_books(|records| records.most_sources = most);
    }

    /// How many templates the integration may have; 200 unless said otherwise.
    pub fn set_most_templates(&self, most: usize) {
        self.in_books(|records| records.most_templates = most);
    }

    /// All sources, oldest first.
    pub fn sources(&self) -> Vec<StoredSource> {
        self.in_books(|records| records.sources.clone())
    }

    /// Somebody makes a source that is no default one.
    pub fn add_source(&self, external_id: &str, name: &str, pipeline_id: u64) {
        self.in_books(|records| {
            let source = StoredSource {
                id: records.number(),
                name: name.to_owned(),
                external_id: external_id.to_owned(),
                pipeline_id,
                default: false,
                origin_code: None,
            };
            records.sources.push(source);
        });
    }

    /// Somebody makes a source the default one.
    pub fn make_default(&self, external_id: &str) {
        self.in_books(|records| {
            for source in &mut records.sources {
                source.default = source.external_id == external_id;
            }
        });
    }

    /// Somebody deletes a source.
    pub fn remove_source(&self, external_id: &str) {
        self.in_books(|records| records.sources.retain(|source| source.external_id != external_id));
    }

    /// All contacts, oldest first.
    pub fn cards(&self) -> Vec<Card> {
        self.in_books(|records| records.cards.values().cloned().collect())
    }

    /// A contact by its number.
    pub fn card(&self, id: u64) -> Option<Card> {
        self.in_books(|records| records.cards.get(&id).cloned())
    }

    /// A manager makes a contact with a phone number, which may be empty. Returns its number.
    pub fn add_card(&self, name: &str, phone: &str) -> u64 {
        let now = self.core.clock.now();
        self.in_books(|records| {
            let id = records.number();
            let mut card = Card::new(id, name, now);
            card.fields.introduce(phone, "");
            records.cards.insert(id, card);
            id
        })
    }

    /// A manager deletes a contact; its chats belong to nobody then.
    pub fn delete_card(&self, id: u64) {
        self.in_books(|records| {
            records.cards.remove(&id);
            records.links.retain(|_, (card, _)| *card != id);
        });
    }

    /// A manager merges the contact `from` into another: chats and leads go over, and `from` is gone.
    pub fn merge_cards(&self, into: u64, from: u64) {
        self.in_books(|records| {
            records.cards.remove(&from);
            records.links.values_mut().filter(|(card, _)| *card == from).for_each(|(card, _)| *card = into);
            records.leads.values_mut().filter(|lead| lead.contact == from).for_each(|lead| lead.contact = into);
        });
    }

    /// The contact of a chat, by Kommo's id of the chat.
    pub fn card_of_chat(&self, chat_id: &str) -> Option<u64> {
        self.in_books(|records| records.links.get(chat_id).map(|(card, _)| *card))
    }

    /// All leads, oldest first.
    pub fn leads(&self) -> Vec<Lead> {
        self.in_books(|records| records.leads.values().cloned().collect())
    }

    /// A manager accepts an incoming lead.
    pub fn accept(&self, lead: u64) {
        self.in_books(|records| {
            if let Some(lead) = records.leads.get_mut(&lead) {
                lead.incoming = false;
            }
        });
    }

    /// A manager closes a lead as lost.
    pub fn close_deal(&self, lead: u64) {
        self.in_books(|records| {
            if let Some(lead) = records.leads.get_mut(&lead) {
                (lead.incoming, lead.closed) = (false, true);
            }
        });
    }

    /// A manager makes another lead for a contact, in the main pipeline. Returns its number.
    pub fn add_deal(&self, contact: u64) -> u64 {
        self.in_books(|records| {
            let id = records.number();
            let lead = Lead {
                id,
                pipeline_id: MAIN_PIPELINE,
                source_id: None,
                incoming: false,
                closed: false,
                contact,
                chat_id: String::new(),
                fields: Values::default(),
                tags: BTreeSet::new(),
            };
            records.leads.insert(id, lead);
            id
        })
    }

    /// All templates, oldest first.
    pub fn templates(&self) -> Vec<StoredTemplate> {
        self.in_books(|records| records.templates.values().cloned().collect())
    }
}
