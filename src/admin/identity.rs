//! Which account it is: its REST client, and its id in the Chats API where the operator has not written it.

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

/// The client of the account's REST API; `None` without an address and a token. It asks nothing of an account that is
/// another one than the configuration and the token say.
pub fn client(kommo: &Kommo) -> anyhow::Result<Option<Account>> {
    client_by(kommo, &kommo.egress())
}

/// The same by that way.
pub fn client_by(kommo: &Kommo, egress: &Egress) -> anyhow::Result<Option<Account>> {
    let (Some(url), Some(token)) = (&kommo.account_url, &kommo.access_token) else { return Ok(None) };
    let account = Account::new(egress, url.url().clone(), token.expose(), kommo.timeout)?;
    Ok(Some(account.expecting(expected(kommo, kommo.account_id.as_ref()))))
}

/// The account that it has to be if the bridge serves `served`.
#[must_use]
pub fn expected(kommo: &Kommo, served: Option<&AccountId>) -> Expected {
    let claims = kommo.access_token.as_ref().and_then(|token| Claims::read(token.expose()));
    Expected { amojo_id: served.map(ToString::to_string), number: claims.and_then(|claims| claims.account_id) }
}

/// What is wrong, and what mends it; the cause stands behind it.
const UNKNOWN: &str =
    "kommo.account_id is not set, and the account cannot be asked for it: set it, or fix what follows";

/// How long a start waits for the account before it begins with taking hooks alone.
const ASKED_FOR: Duration = Duration::from_secs(3);

/// The account's id: what is configured, else what the account says. For commands, which end at once if nobody knows
/// it.
///
/// # Errors
/// If nobody knows it.
pub async fn account_id(kommo: &Kommo, account: Option<&Account>) -> anyhow::Result<AccountId> {
    match &kommo.account_id {
        Some(id) => Ok(id.clone()),
        None => Ok(ask(account).await.context(UNKNOWN)?.0),
    }
}

/// The account's id for a start: what is configured, else what the store remembers, else what the account says within
/// seconds; `None` if it does not.
pub async fn known_soon(kommo: &Kommo, account: Option<&Account>, store: &Store) -> anyhow::Result<Option<AccountId>> {
    if let Some(id) = remembered(kommo, store)? {
        return Ok(Some(id));
    }
    match timeout(ASKED_FOR, learn(kommo, account, store)).await {
        Ok(Ok(id)) => Ok(Some(id)),
        // The caller that asks again reports why.
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

/// The account's id: what is configured, else what the store remembers.
pub fn remembered(kommo: &Kommo, store: &Store) -> anyhow::Result<Option<AccountId>> {
    if let Some(id) = &kommo.account_id {
        return Ok(Some(id.clone()));
    }
    Ok(store.account(&address(kommo))?.as_deref().map(AccountId::parse).transpose()?)
}

/// Asks the account for its id, and remembers that.
///
/// # Errors
/// If it does not tell it, or the store fails.
pub async fn learn(kommo: &Kommo, account: Option<&Account>, store: &Store) -> anyhow::Result<AccountId> {
    let (id, info) = ask(account).await.context(UNKNOWN)?;
    store.remember_account(&address(kommo), id.as_str(), facts(&info)).await?;
    Ok(id)
}

/// The language of managers: what is configured, else what the account has told before, else English.
pub fn spoken(kommo: &Kommo, store: &Store) -> Result<Spoken, StoreError> {
    if let Some(language) = kommo.language {
        return Ok(Spoken::new(language));
    }
    let told = store.account_facts(&address(kommo))?.language;
    Ok(Spoken::new(told.as_deref().and_then(Language::of_code).unwrap_or_default()))
}

/// Passes the account's country to its client, as far as an earlier run has learnt it.
pub fn recall(kommo: &Kommo, account: Option<&Account>, store: &Store) -> Result<(), StoreError> {
    if let (Some(account), Some(country)) = (account, store.account_facts(&address(kommo))?.country) {
        account.is_in(country);
    }
    Ok(())
}

/// Remembers what the account `served` has told, and speaks its language from now on unless another one is configured.
pub async fn learn_facts(
    (kommo, served): (&Kommo, &AccountId),
    info: &AccountInfo,
    store: &Store,
    spoken: &Spoken,
) -> Result<(), StoreError> {
    let known = store.account_facts(&address(kommo))?;
    let AccountFacts { language, country } = facts(info);
    let told = AccountFacts {
        language: language.or_else(|| known.language.clone()),
        country: country.or_else(|| known.country.clone()),
    };
    if told != known {
        store.remember_account(&address(kommo), served.as_str(), told.clone()).await?;
    }
    if let (None, Some(language)) = (kommo.language, told.language) {
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
