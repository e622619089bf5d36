//! What the account has told of itself: which one it is, and what its managers speak.

use serde::{Deserialize, Serialize};

use crate::store::{
    Store, StoreError,
    committer::{Book, Planned},
    db::Batch,
    index::Index,
    keys, rows,
};

/// The account at an address.
#[derive(Debug, Serialize, Deserialize)]
struct AccountRow {
    url: String,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

impl Store {
    /// The id in the Chats API of the account at `url`, if it was asked for once.
    ///
    /// # Errors
    /// If the store fails.
    pub fn account(&self, url: &str) -> Result<Option<String>, StoreError> {
        Ok(self.account_row(url)?.map(|row| row.id))
    }

    /// The language of the account at `url`, as the account called it, if it has told it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn account_language(&self, url: &str) -> Result<Option<String>, StoreError> {
        Ok(self.account_row(url)?.and_then(|row| row.language))
    }

    fn account_row(&self, url: &str) -> Result<Option<AccountRow>, StoreError> {
        let row: Option<AccountRow> = rows::get(&self.db()?, keys::ACCOUNT)?;
        Ok(row.filter(|row| row.url == url))
    }

    /// Remembers what the account at `url` tells, in place of any other account.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remember_account(&self, url: &str, id: &str, language: Option<&str>) -> Result<(), StoreError> {
        let row = AccountRow { url: url.to_owned(), id: id.to_owned(), language: language.map(str::to_owned) };
        let plan = move |_: &mut Book| {
            let mut batch = Batch::default();
            batch.insert(keys::ACCOUNT, rows::write(&row));
            Ok(Planned { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}
