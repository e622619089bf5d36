//! The account itself and its users.

use crate::{
    kommo::account::{Account, RestError},
    kommo::wire::account::{AccountInfo, User},
};

impl Account {
    /// The account, with its id in the Chats API.
    ///
    /// # Errors
    /// [`RestError`]; 401 if the token is not taken.
    pub async fn info(&self) -> Result<AccountInfo, RestError> {
        let info = self.get("account", &[("with", "amojo_id")]).await?;
        info.ok_or(RestError::Nonsense(reqwest::StatusCode::NO_CONTENT))
    }

    /// All users of the account, with their ids in the Chats API. Only administrators may ask.
    ///
    /// # Errors
    /// [`RestError`]; 403 if the token is not an administrator's.
    pub async fn users(&self) -> Result<Vec<User>, RestError> {
        self.list("users", "users", &[("with", "amojo_id"), ("limit", "250")]).await
    }
}
