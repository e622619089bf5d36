//! The account itself and its users.

use reqwest::{Method, StatusCode};

use crate::{
    kommo::account::{Account, RestError, decoded, unexpected},
    kommo::wire::account::{AccountInfo, User},
};

impl Account {
    /// The account, with its id in the Chats API, without checking that it is the expected one.
    ///
    /// # Errors
    /// [`RestError`]; 401 if the token is not accepted.
    pub async fn info(&self) -> Result<AccountInfo, RestError> {
        let (status, body) = self.send_with_retries(Method::GET, "account", &[("with", "amojo_id")], None).await?;
        let info = account_info(status, &body)?;
        if let Some(country) = &info.country {
            self.set_country(country.clone());
        }
        Ok(info)
    }

    /// Sets the account's country. The first call counts, because accounts do not move.
    pub fn set_country(&self, country: String) {
        let _first = self.country.set(country);
    }

    /// The account's country, as a code of two letters, once it is known.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        self.country.get().map(String::as_str)
    }

    /// All users of the account, with their ids in the Chats API. Only administrators may read them.
    ///
    /// # Errors
    /// [`RestError`]; 403 if the token is not an administrator's.
    pub async fn users(&self) -> Result<Vec<User>, RestError> {
        self.list("users", "users", &[("with", "amojo_id"), ("limit", "250")]).await
    }
}

/// Reads the account. A contact has an id and a name as well. If a proxy mixes responses up, it must not pass for
/// another account, because a mismatch holds until the next start.
pub(super) fn account_info(status: StatusCode, body: &[u8]) -> Result<AccountInfo, RestError> {
    let info: AccountInfo = decoded(status, body)?;
    if info.subdomain.is_some() { Ok(info) } else { Err(unexpected(status, body)) }
}
