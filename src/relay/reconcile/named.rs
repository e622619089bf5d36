//! Silent chats in which something was written all the same, as far as the account tells.
//!
//! With a token, the account's list of events names what was sent in chats. What its reference leaves open is taken
//! both ways. Whether the number of a message there is the one of its hook is not said: a message that the store knows
//! by it needs no look, and any other leads to its contact, whose chats are asked for. Whether the list has all that is
//! sent, for a token of any rights, is not said either: so it adds chats to those that are compared, and takes none
//! away, and what it does not name is found by the rounds through all chats (`silent`).

use std::collections::{BTreeSet, HashMap};

use crate::{
    clock,
    domain::{address::KommoMessageId, job::IdempotencyKey},
    kommo::{account::Account, account::RestError},
    relay::reconcile::{ReconcileSummary, Reconciler, Search, TRIES, Target, run::Worked, search::ChatSelection},
    store::StoreError,
};

impl Reconciler {
    /// Compares the silent chats that the account names, as a part of this search.
    pub(super) async fn process_named(&self, search: &mut Search) -> Result<ReconcileSummary, StoreError> {
        let Some(account) = self.parts.account.as_ref().map(Account::patient) else {
            return Ok(ReconcileSummary::default());
        };
        let silent = self.silent().await?;
        if silent.is_empty() {
            return Ok(ReconcileSummary::default());
        }
        match self.named(&account, search, silent).await? {
            Ok(named) if !named.is_empty() => search.pending = named,
            Ok(_) => return Ok(ReconcileSummary::default()),
            Err(error) => {
                tracing::debug!(%error, "the account does not say in which chats something was sent: silent ones are \
                    compared later");
                return Ok(ReconcileSummary::default());
            }
        }
        match self.process_targets(search, Some(TRIES), |_| ()).await? {
            Worked::Off(summary) => Ok(summary),
            Worked::ClockSet => Ok(ReconcileSummary::default()),
        }
    }

    /// The chats in which nothing was said for long, by Kommo's ids.
    async fn silent(&self) -> Result<HashMap<String, Target>, StoreError> {
        let now = clock::now();
        let alive: BTreeSet<_> =
            self.targets(ChatSelection::Alive, now).await?.into_iter().map(|it| it.kommo_chat).collect();
        let all = self.targets(ChatSelection::All, now).await?.into_iter();
        Ok(all.filter(|it| !alive.contains(&it.kommo_chat)).map(|it| (it.kommo_chat.clone(), it)).collect())
    }

    /// Those of the silent chats in which something was sent that the store does not know. The outer error is the
    /// store's.
    async fn named(
        &self,
        account: &Account,
        search: &Search,
        mut silent: HashMap<String, Target>,
    ) -> Result<Result<Vec<Target>, RestError>, StoreError> {
        let sent = match account.sent_in_chats(search.since.seconds()).await {
            Ok(sent) => sent,
            Err(error) => return Ok(Err(error)),
        };
        let mut contacts = BTreeSet::new();
        for message in sent {
            if !self.is_known(message.message)? {
                contacts.extend(message.contact);
            }
        }
        let mut named = Vec::new();
        for contact in contacts {
            match account.chats_of_contact(contact).await {
                Ok(chats) => named.extend(chats.iter().filter_map(|chat| silent.remove(chat))),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(named))
    }

    fn is_known(&self, message: Option<String>) -> Result<bool, StoreError> {
        let Some(id) = message.map(KommoMessageId) else { return Ok(false) };
        let store = &self.parts.store;
        Ok(store.was_taken(&IdempotencyKey::hook(&id))? || !store.telegram_messages(&id)?.is_empty())
    }
}
