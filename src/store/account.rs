//! What is known of the account: its id, its language and its country.

use serde::{Deserialize, Serialize};

use crate::store::{
    Store, StoreError,
    committer::{Commit, WriteTxn},
    db::Batch,
    index::Index,
    tables::ACCOUNT,
};

/// The account at an address.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AccountRow {
    url: String,
    id: String,
    #[serde(flatten)]
    facts: AccountFacts,
}

/// Facts about the account, as Kommo reported them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFacts {
    /// The language of its managers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The country that it is in, by its code of two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl Store {
    /// The id in the Chats API of the account at `url`, if it is stored.
    pub fn account(&self, url: &str) -> Result<Option<String>, StoreError> {
        Ok(self.account_row(url)?.map(|row| row.id))
    }

    /// The facts about the account at `url`.
    pub fn account_facts(&self, url: &str) -> Result<AccountFacts, StoreError> {
        Ok(self.account_row(url)?.map(|row| row.facts).unwrap_or_default())
    }

    fn account_row(&self, url: &str) -> Result<Option<AccountRow>, StoreError> {
        Ok(ACCOUNT.get(&self.db()?)?.filter(|row| row.url == url))
    }

    /// Stores the id and the facts of the account at `url`, in place of any other account.
    pub async fn remember_account(&self, url: &str, id: &str, facts: AccountFacts) -> Result<(), StoreError> {
        let row = AccountRow { url: url.to_owned(), id: id.to_owned(), facts };
        let plan = move |_: &mut WriteTxn| {
            let mut batch = Batch::default();
            ACCOUNT.put(&mut batch, &row);
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}
