//! Which hops are wanted, and which belong together. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::address::{ContactId, Conversation, MessageId},
    trace::{Hop, hop::plain_id},
};

/// What somebody looks for: hops for which one of these is true.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub conversations: BTreeSet<Conversation>,
    pub contacts: Vec<ContactId>,
    /// A message of Telegram's by its number in a conversation.
    pub in_conversation: Option<(Conversation, i64)>,
    /// Ids of messages, of either side.
    pub ids: BTreeSet<String>,
    /// Numbers of jobs, and of what is parked.
    pub numbers: BTreeSet<u64>,
}

impl Wanted {
    /// All hops of a person or a group.
    #[must_use]
    pub fn of_contact(contact: ContactId) -> Self {
        Self { contacts: vec![contact], ..Self::default() }
    }
}

/// What is wanted, and what belongs to it: hops share the ids of a message or the number of a job.
pub(super) struct Closure {
    wanted: Wanted,
    ids: BTreeSet<String>,
    /// With whose hop each was seen. After a store was restored, a number may be another person's.
    numbers: BTreeMap<u64, Option<ContactId>>,
}

impl Closure {
    pub(super) fn new(wanted: Wanted) -> Self {
        let ids = wanted.ids.iter().filter_map(|id| plain_id(id)).collect();
        let numbers = wanted.numbers.iter().map(|number| (*number, None)).collect();
        Self { wanted, ids, numbers }
    }

    /// Whether a hop belongs to what is wanted, as far as it is known.
    pub(super) fn takes(&self, record: &Hop) -> bool {
        let contact = record.conversation.as_ref().map(Conversation::contact);
        let is_theirs = |number: u64| {
            let known = self.numbers.get(&number);
            known.is_some_and(|known| known.is_none() || contact.is_none() || *known == contact)
        };
        record.conversation.as_ref().is_some_and(|conversation| self.wanted.conversations.contains(conversation))
            || contact.is_some_and(|contact| self.wanted.contacts.contains(&contact))
            || record.ids().any(|id| self.ids.contains(&id) || self.is_wanted(&id, record))
            || record.numbers().any(is_theirs)
    }

    /// Whether a message is the one that is wanted by its number, or is in a chat of somebody who is wanted.
    fn is_wanted(&self, id: &str, record: &Hop) -> bool {
        let Ok(id) = id.parse::<MessageId>() else { return false };
        let is_in = |conversation: &Conversation| record.conversation.as_ref() == Some(conversation);
        let by_number = |(conversation, number): &(Conversation, i64)| {
            is_in(conversation) && conversation.chat.id == id.chat.id && *number == id.message
        };
        let is_with = |contact: &ContactId| match contact {
            ContactId::Person(person) => person.0 == id.chat.id,
            ContactId::Group(chat) => *chat == id.chat.id,
        };
        self.wanted.in_conversation.as_ref().is_some_and(by_number) || self.wanted.contacts.iter().any(is_with)
    }

    /// Learns by a hop what else belongs to it. Says whether there is more to look for.
    pub(super) fn learn(&mut self, record: &Hop) -> bool {
        let before = (self.ids.len(), self.numbers.len());
        self.ids.extend(record.ids());
        let contact = record.conversation.as_ref().map(Conversation::contact);
        for number in record.numbers() {
            let known = self.numbers.entry(number).or_default();
            *known = known.or(contact);
        }
        (self.ids.len(), self.numbers.len()) != before
    }
}
