//! The account: its REST client, and its id in the Chats API if the operator has not configured it.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::timeout;

use crate::{
    config::{AccountId, Kommo},
    kommo::{
        account::{Account, Expected, token::Claims},
        wire::account::AccountInfo,
    },
    net::Egress,
    store::{AccountFacts, Store, StoreError},
    words::{Language, Spoken},
};

/// The client of the account's REST API; `None` without an address and a token. It does not use an account other than
/// the one that the configuration and the token name.
pub fn client(kommo: &Kommo) -> anyhow::Result<Option<Account>> {
    client_by(kommo, &kommo.egress())
}

/// The same with another way out.
pub fn client_by(kommo: &Kommo, egress: &Egress) -> anyhow::Result<Option<Account>> {
    let (Some(url), Some(token)) = (&kommo.account_url, &kommo.access_token) else { return Ok(None) };
    let account = Account::new(egress, url.url().clone(), token.expose(), kommo.timeout)?;
    Ok(Some(account.expecting(expected(kommo, kommo.account_id.as_ref()))))
}

/// The account that the client must find if the bridge serves `served`.
#[must_use]
pub fn expected(kommo: &Kommo, served: Option<&AccountId>) -> Expected {
    let claims = kommo.access_token.as_ref().and_then(|token| Claims::read(token.expose()));
    Expected { amojo_id: served.map(ToString::to_string), number: claims.and_then(|claims| claims.account_id) }
}

/// The context of an error that follows.
const UNKNOWN: &str =
    "kommo.account_id is not set, and the account cannot be asked for it: set it, or fix what follows";

/// How long a start waits for the account before it goes on and only takes hooks.
const START_TIMEOUT: Duration = Duration::from_secs(3);

/// The account's id: the configured one, else the account's answer. For commands.
///
/// # Errors
/// If neither is available.
pub async fn account_id(kommo: &Kommo, account: Option<&Account>) -> anyhow::Result<AccountId> {
    match &kommo.account_id {
        Some(id) => Ok(id.clone()),
        None => Ok(ask(account).await.context(UNKNOWN)?.0),
    }
}

/// The account's id for a start: the configured or stored one, else the account's answer within seconds; `None` without
/// one.
pub async fn known_soon(kommo: &Kommo, account: Option<&Account>, store: &Store) -> anyhow::Result<Option<AccountId>> {
    if let Some(id) = remembered(kommo, store)? {
        return Ok(Some(id));
    }
    match timeout(START_TIMEOUT, learn(kommo, account, store)).await {
        Ok(Ok(id)) => Ok(Some(id)),
        // The caller asks again, and reports why.
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

/// The configured or else the stored id of the account.
pub fn remembered(kommo: &Kommo, store: &Store) -> anyhow::Result<Option<AccountId>> {
    if let Some(id) = &kommo.account_id {
        return Ok(Some(id.clone()));
    }
    Ok(store.account(&address(kommo))?.as_deref().map(AccountId::parse).transpose()?)
}

/// Asks the account for its id, and stores it.
///
/// # Errors
/// If the account does not give it, or the store fails.
pub async fn learn(kommo: &Kommo, account: Option<&Account>, store: &Store) -> anyhow::Result<AccountId> {
    let (id, info) = ask(account).await.context(UNKNOWN)?;
    store.remember_account(&address(kommo), id.as_str(), facts(&info)).await?;
    Ok(id)
}

/// The language of managers: the configured or stored one, else English.
pub fn spoken(kommo: &Kommo, store: &Store) -> Result<Spoken, StoreError> {
    if let Some(language) = kommo.language {
        return Ok(Spoken::new(language));
    }
    let stored = store.account_facts(&address(kommo))?.language;
    Ok(Spoken::new(stored.as_deref().and_then(Language::of_code).unwrap_or_default()))
}

/// Passes the account's country to its client, if an earlier run has stored it.
pub fn recall(kommo: &Kommo, account: Option<&Account>, store: &Store) -> Result<(), StoreError> {
    if let (Some(account), Some(country)) = (account, store.account_facts(&address(kommo))?.country) {
        account.set_country(country);
    }
    Ok(())
}

/// Stores the facts of the account `served`, and uses its language from now on unless another one is configured.
pub async fn learn_facts(
    (kommo, served): (&Kommo, &AccountId),
    info: &AccountInfo,
    store: &Store,
    spoken: &Spoken,
) -> Result<(), StoreError> {
    let known = store.account_facts(&address(kommo))?;
    let AccountFacts { language, country } = facts(info);
    let merged = AccountFacts {
        language: language.or_else(|| known.language.clone()),
        country: country.or_else(|| known.country.clone()),
    };
    if merged != known {
        store.remember_account(&address(kommo), served.as_str(), merged.clone()).await?;
    }
    if let (None, Some(language)) = (kommo.language, merged.language) {
        spoken.learn(Language::of_code(&language).unwrap_or_default());
    }
    Ok(())
}

fn facts(info: &AccountInfo) -> AccountFacts {
    AccountFacts { language: info.language.clone(), country: info.country.clone() }
}

fn address(kommo: &Kommo) -> String {
    kommo.account_url.as_ref().map(ToString::to_string).unwrap_or_default()
}

async fn ask(account: Option<&Account>) -> anyhow::Result<(AccountId, AccountInfo)> {
    let account = account.context("kommo.account_url or kommo.access_token is missing")?;
    let info = account.info().await?;
    let id = info.amojo_id.as_deref().context("the account does not name its amojo_id")?;
    Ok((AccountId::parse(id)?, info))
}
