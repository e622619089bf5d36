//! Checks once, before any other call, that the account is the one that the bridge serves.
//!
//! The address or the token may belong to another account, whose contacts, sources and templates must not be touched.

use crate::kommo::{
    account::{Account, RestError},
    wire::account::AccountInfo,
};

/// The expected account. `None` is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Its id in the Chats API.
    pub amojo_id: Option<String>,
    /// Its id in the REST API, from the token.
    pub number: Option<u64>,
}

impl Expected {
    /// Why an account is not the expected one; `None` if it is.
    fn mismatch(&self, info: &AccountInfo) -> Option<String> {
        if let (Some(id), Some(served)) = (info.amojo_id.as_deref(), self.amojo_id.as_deref())
            && !id.eq_ignore_ascii_case(served)
        {
            return Some(format!(
                "the token is for the account {id}, but telekommo serves {served}: correct kommo.account_id, or \
                 kommo.account_url and kommo.access_token"
            ));
        }
        let (number, token) = (info.id?, self.number?);
        (number != token).then(|| {
            format!(
                "the token says that it is for account {token}, but kommo.account_url is account {number}: correct one"
            )
        })
    }
}

impl Account {
    /// Makes no call unless the account is the expected one.
    #[must_use]
    pub fn expecting(self, expected: Expected) -> Self {
        Self { expected, verdict: std::sync::Arc::default(), ..self }
    }

    /// The account, if it is the expected one.
    ///
    /// # Errors
    /// [`RestError`]; [`RestError::Foreign`] if it is another one.
    pub async fn verify(&self) -> Result<AccountInfo, RestError> {
        let info = self.info().await?;
        let verdict = self.expected.mismatch(&info);
        // The first verdict holds until the configuration changes.
        let _first = self.verdict.set(verdict.clone());
        verdict.map_or(Ok(info), |why| Err(RestError::Foreign(why)))
    }

    /// Fails unless the account is the expected one.
    pub(super) async fn ensure_expected(&self) -> Result<(), RestError> {
        if self.expected == Expected::default() {
            return Ok(());
        }
        let check = async || self.info().await.map(|info| self.expected.mismatch(&info));
        let verdict = self.verdict.get_or_try_init(check).await?;
        verdict.clone().map_or(Ok(()), |why| Err(RestError::Foreign(why)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_account_is_recognised_by_either_id() {
        let served = "52e591f7-c98f-4255-8495-827210138c81";
        let info = |amojo_id: &str, id| AccountInfo {
            id: Some(id),
            amojo_id: Some(amojo_id.to_owned()),
            ..AccountInfo::default()
        };
        let expected = Expected { amojo_id: Some(served.to_owned()), number: Some(7) };
        let same = "52E591F7-c98f-4255-8495-827210138c81";
        assert_eq!(expected.mismatch(&info(same, 7)), None);
        assert_eq!(expected.mismatch(&AccountInfo::default()), None);
        let other = expected.mismatch(&info("11111111-c98f-4255-8495-827210138c81", 7)).unwrap();
        assert!(other.contains("kommo.account_id"), "{other}");
        let other = expected.mismatch(&info(same, 8)).unwrap();
        assert!(other.contains("account 7") && other.contains("account 8"), "{other}");
        assert_eq!(Expected::default().mismatch(&info(same, 8)), None);
    }
}
