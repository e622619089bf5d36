//! The account itself and its users.

use reqwest::{Method, StatusCode};

use crate::{
    kommo::account::{Account, RestError, decoded, nonsense},
    kommo::wire::account::{AccountInfo, User},
};

impl Account {
    /// The account, with its id in the Chats API, expected or not.
    ///
    /// # Errors
    /// [`RestError`]; 401 if the token is not taken.
    pub async fn info(&self) -> Result<AccountInfo, RestError> {
        let (status, body) = self.ask(Method::GET, "account", &[("with", "amojo_id")], None).await?;
        let info = account_info(status, &body)?;
        if let Some(country) = &info.country {
            self.is_in(country.clone());
        }
        Ok(info)
    }

    /// Takes note of the country of the account. The first word counts: accounts do not move.
    pub fn is_in(&self, country: String) {
        let _first = self.country.set(country);
    }

    /// The country of the account, by its code of two letters, once the account has told it.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        self.country.get().map(String::as_str)
    }

    /// All users of the account, with their ids in the Chats API. Only administrators may ask.
    ///
    /// # Errors
    /// [`RestError`]; 403 if the token is not an administrator's.
    pub async fn users(&self) -> Result<Vec<User>, RestError> {
        self.list("users", "users", &[("with", "amojo_id"), ("limit", "250")]).await
    }
}

/// Reads what the account says of itself. A contact has a number and a name as well: if something in between mixes
/// answers up, it must not pass for another account, since what is found wrong with the account holds until the next
/// start.
pub(super) fn account_info(status: StatusCode, body: &[u8]) -> Result<AccountInfo, RestError> {
    let info: AccountInfo = decoded(status, body)?;
    if info.subdomain.is_some() { Ok(info) } else { Err(nonsense(status, body)) }
}
