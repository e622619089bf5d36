//! Whether the account is the one that the bridge serves. This is asked once, before anything else.
//!
//! An address or a token may belong to another account. Its contacts, sources and templates are none of ours.

use crate::kommo::{
    account::{Account, RestError},
    wire::account::AccountInfo,
};

/// Which account it has to be. What is not known is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Its id in the Chats API.
    pub amojo_id: Option<String>,
    /// Its number, as the token has it.
    pub number: Option<u64>,
}

impl Expected {
    /// What is wrong with an account that is another one.
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
    /// The same account. It is asked nothing unless it is the expected one.
    #[must_use]
    pub fn expecting(self, expected: Expected) -> Self {
        Self { expected, verdict: std::sync::Arc::default(), ..self }
    }

    /// What the account says of itself, if it is the one that is expected.
    ///
    /// # Errors
    /// [`RestError`]; [`RestError::Foreign`] if it is another one.
    pub async fn verify(&self) -> Result<AccountInfo, RestError> {
        let info = self.info().await?;
        let verdict = self.expected.mismatch(&info);
        // What was found first holds until the bridge is started with another configuration.
        let _first = self.verdict.set(verdict.clone());
        verdict.map_or(Ok(info), |why| Err(RestError::Foreign(why)))
    }

    /// Whether it may be asked for more.
    pub(super) async fn must_be_ours(&self) -> Result<(), RestError> {
        if self.expected == Expected::default() {
            return Ok(());
        }
        let ask = async || self.info().await.map(|info| self.expected.mismatch(&info));
        let verdict = self.verdict.get_or_try_init(ask).await?;
        verdict.clone().map_or(Ok(()), |why| Err(RestError::Foreign(why)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_account_is_noticed_by_either_id() {
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
