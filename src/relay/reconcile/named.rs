//! Silent chats with new messages, by the account's list of events.
//!
//! With a token, the account's list of events has the messages that were sent in chats. Its reference leaves two points
//! open. It does not say whether the id of a message there is that of its hook: a message that the store knows by it is
//! skipped, and any other leads to its contact, whose chats are requested. Nor does it say whether the list is complete
//! for tokens with any permissions: so it only adds chats to a comparison, and the rounds through all chats (`silent`)
//! find what it lacks.

use std::collections::{BTreeSet, HashMap};

use crate::{
    clock,
    domain::{address::KommoMessageId, job::IdempotencyKey},
    kommo::{account::Account, account::RestError},
    relay::reconcile::{
        MAX_FAILURES, ReconcileSummary, Reconciler, Search, Target, run::Worked, search::ChatSelection,
    },
    store::StoreError,
};

impl Reconciler {
    /// Compares the silent chats that the account names, as part of this search.
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
                tracing::debug!(%error, "the account's list of sent messages could not be read: silent chats are \
                    compared later");
                return Ok(ReconcileSummary::default());
            }
        }
        match self.process_targets(search, Some(MAX_FAILURES), |_| ()).await? {
            Worked::Finished(summary) => Ok(summary),
            Worked::ClockSet => Ok(ReconcileSummary::default()),
        }
    }

    /// The chats without messages for long, by Kommo's ids.
    async fn silent(&self) -> Result<HashMap<String, Target>, StoreError> {
        let now = clock::now();
        let alive: BTreeSet<_> =
            self.targets(ChatSelection::Alive, now).await?.into_iter().map(|it| it.kommo_chat).collect();
        let all = self.targets(ChatSelection::All, now).await?.into_iter();
        Ok(all.filter(|it| !alive.contains(&it.kommo_chat)).map(|it| (it.kommo_chat.clone(), it)).collect())
    }

    /// The silent chats with messages that the store does not know. The outer error is the store's.
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
