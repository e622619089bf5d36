//! Which account it is: its REST client, and its id in the Chats API where the operator has not written it.

use anyhow::Context as _;

use crate::{
    config::{AccountId, Kommo},
    kommo::{
        account::{Account, token::Claims},
        wire::account::AccountInfo,
    },
    store::Store,
};

/// The client of the account's REST API; `None` without an address and a token.
///
/// # Errors
/// If the HTTP client cannot be set up.
pub fn client(kommo: &Kommo) -> anyhow::Result<Option<Account>> {
    let (Some(url), Some(token)) = (&kommo.account_url, &kommo.access_token) else { return Ok(None) };
    Ok(Some(Account::new(url.url().clone(), token.expose(), kommo.timeout)?))
}

/// The account's id: what is configured, else what the store remembers, else what the account says.
///
/// # Errors
/// If nobody knows it.
pub async fn account_id(kommo: &Kommo, account: Option<&Account>, store: Option<&Store>) -> anyhow::Result<AccountId> {
    if let Some(id) = &kommo.account_id {
        return Ok(id.clone());
    }
    let url = kommo.account_url.as_ref().map(ToString::to_string).unwrap_or_default();
    if let Some(store) = store
        && let Some(id) = store.account(&url)?
    {
        return Ok(AccountId::parse(&id)?);
    }
    let id = ask(account).await.context(
        "kommo.account_id is not written, and the account cannot be asked for it: write it, or mend what follows",
    )?;
    if let Some(store) = store {
        store.remember_account(&url, id.as_str()).await?;
    }
    Ok(id)
}

async fn ask(account: Option<&Account>) -> anyhow::Result<AccountId> {
    let account = account.context("kommo.account_url or kommo.access_token is missing")?;
    let id = account.info().await?.amojo_id.context("the account does not tell its amojo_id")?;
    Ok(AccountId::parse(&id)?)
}

/// What is wrong if the token's account is not the one that the bridge serves.
#[must_use]
pub fn mismatch(info: &AccountInfo, claims: Option<&Claims>, served: &AccountId) -> Option<String> {
    if let Some(id) = info.amojo_id.as_deref()
        && !id.eq_ignore_ascii_case(served.as_str())
    {
        return Some(format!(
            "the token is for the account {id}, but telekommo serves {served}: correct kommo.account_id, or \
             kommo.account_url and kommo.access_token"
        ));
    }
    let (number, token) = (info.id?, claims?.account_id?);
    (number != token).then(|| {
        format!("the token says that it is for account {token}, but kommo.account_url is account {number}: correct one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_account_is_noticed_by_either_id() {
        let served = AccountId::parse("52e591f7-c98f-4255-8495-827210138c81").unwrap();
        let info = |amojo_id: &str, id| AccountInfo {
            id: Some(id),
            amojo_id: Some(amojo_id.to_owned()),
            ..AccountInfo::default()
        };
        let claims = Claims { exp: None, account_id: Some(7) };
        let same = "52E591F7-c98f-4255-8495-827210138c81";
        assert_eq!(mismatch(&info(same, 7), Some(&claims), &served), None);
        assert_eq!(mismatch(&AccountInfo::default(), Some(&claims), &served), None);
        let other = mismatch(&info("11111111-c98f-4255-8495-827210138c81", 7), None, &served).unwrap();
        assert!(other.contains("kommo.account_id"), "{other}");
        let other = mismatch(&info(same, 8), Some(&claims), &served).unwrap();
        assert!(other.contains("account 7") && other.contains("account 8"), "{other}");
    }
}
