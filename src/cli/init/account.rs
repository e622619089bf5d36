//! The account and its access token, which are tried at once.

use crate::{
    cli::{
        check,
        init::{
            answers::Answers,
            draft::Draft,
            talk::{Ask, Talk},
        },
    },
    config::{AccountId, BaseUrl, Secret},
};

const ABOUT: &str = "With an access token telekommo knows the account, makes your bots sources in Kommo, and links \
                     customers to the contacts that you have. An administrator makes a long-lived one in Kommo: \
                     Settings, Integrations, your private integration, tab \"Keys and scopes\". Messages pass without \
                     one, too: then press Enter.";
/// What has to be known without a token.
const WITHOUT: &str = "Without a token telekommo has to be told which account it is. In a browser with Kommo, press \
    F12, choose Console, and enter: APP.constant('account').amojo_id";

const ADDRESS: Ask = Ask {
    key: "account_url",
    text: "The account's address, such as https://acme.kommo.com",
    default: Some(""),
    check: |text| match text {
        "" => Ok(String::new()),
        text => BaseUrl::parse(text).map(|url| url.to_string()).map_err(|wrong| wrong.to_string()),
    },
};
const TOKEN: Ask = Ask {
    key: "access_token",
    text: "The access token",
    default: None,
    check: |text| Secret::parse(text).map(|token| token.expose().to_owned()).map_err(|wrong| wrong.to_string()),
};
const ACCOUNT: Ask = Ask {
    key: "account_id",
    text: "The account's amojo_id",
    default: None,
    check: |text| AccountId::parse(text).map(|id| id.to_string()).map_err(|wrong| wrong.to_string()),
};

/// Tries the account that is there, or asks for one until it answers.
///
/// # Errors
/// If the input ends, or the account of a file does not answer.
pub(super) async fn settle(draft: &mut Draft, talk: &Talk) -> anyhow::Result<()> {
    talk.begin("3. The account", ABOUT);
    let (section, answers) = (["kommo"], talk.answers());
    let mut asks_address = draft.get(&section, "account_url").is_none();
    let mut asks_token = !draft.has_secret(&section, "access_token");
    loop {
        if asks_address {
            let address = talk.answer(&ADDRESS, answers.and_then(|answers| answers.account_url.as_ref()))?;
            if address.is_empty() {
                return without(draft, talk);
            }
            draft.set(&section, "account_url", &address)?;
        }
        if asks_token {
            let given = answers.map(Answers::access_token).transpose()?.flatten();
            let token = talk.secret(&TOKEN, given)?;
            draft.set_secret(&section, "access_token", "access-token", &token)?;
        }
        let found = check::of_account(&draft.config()?).await?;
        talk.tell(found.to_string().trim_end());
        if found.is_well() {
            return Ok(());
        }
        anyhow::ensure!(answers.is_none(), "the account does not answer to the access token");
        (asks_address, asks_token) = (true, true);
    }
}

/// Without a token nobody tells which account it is.
fn without(draft: &mut Draft, talk: &Talk) -> anyhow::Result<()> {
    if draft.get(&["kommo"], "account_id").is_some() {
        return Ok(());
    }
    if talk.answers().is_none() {
        talk.tell(WITHOUT);
    }
    let id = talk.answer(&ACCOUNT, talk.answers().and_then(|answers| answers.account_id.as_ref()))?;
    draft.set(&["kommo"], "account_id", &id)
}
