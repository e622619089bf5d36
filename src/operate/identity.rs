//! Which account it is: its REST client, and its id in the Chats API where the operator has not written it.

use anyhow::Context as _;

use crate::{
    config::{AccountId, Kommo},
    kommo::account::{Account, Expected, token::Claims},
    store::Store,
};

/// The client of the account's REST API; `None` without an address and a token. It asks nothing of an account that is
/// another one than the configuration and the token say.
///
/// # Errors
/// If the HTTP client cannot be set up.
pub fn client(kommo: &Kommo) -> anyhow::Result<Option<Account>> {
    let (Some(url), Some(token)) = (&kommo.account_url, &kommo.access_token) else { return Ok(None) };
    let account = Account::new(url.url().clone(), token.expose(), kommo.timeout)?;
    Ok(Some(account.expecting(expected(kommo, kommo.account_id.as_ref()))))
}

/// The account that it has to be if the bridge serves `served`.
#[must_use]
pub fn expected(kommo: &Kommo, served: Option<&AccountId>) -> Expected {
    let claims = kommo.access_token.as_ref().and_then(|token| Claims::read(token.expose()));
    Expected { amojo_id: served.map(ToString::to_string), number: claims.and_then(|claims| claims.account_id) }
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
