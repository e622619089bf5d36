//! The account and its access token, which are tried at once.

use crate::{
    cli::{
        check,
        init::{
            answers::Answers,
            draft::Draft,
            prompt::{Prompt, Question},
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

/// The Chats API of accounts that are not at kommo.com, by how the account's host ends.
const CHATS: [(&str, &str); 2] = [(".amocrm.ru", AMOCRM), (".amocrm.com", "https://amojo.amocrm.com")];
const AMOCRM: &str = "https://amojo.amocrm.ru";

const ADDRESS: Question = Question {
    key: "account_url",
    text: "The account's address, such as https://acme.kommo.com",
    default: Some(""),
    check: |text| match text {
        "" => Ok(String::new()),
        text => BaseUrl::parse(text).map(|url| url.to_string()).map_err(|wrong| wrong.to_string()),
    },
};
const TOKEN: Question = Question {
    key: "access_token",
    text: "The access token",
    default: None,
    check: |text| Secret::parse(text).map(|token| token.expose().to_owned()).map_err(|wrong| wrong.to_string()),
};
const ACCOUNT: Question = Question {
    key: "account_id",
    text: "The account's amojo_id",
    default: None,
    check: |text| AccountId::parse(text).map(|id| id.to_string()).map_err(|wrong| wrong.to_string()),
};

/// Tries the account that is there, or asks for one until it answers.
///
/// # Errors
/// If the input ends, or the account of a file does not answer.
pub(super) async fn set_up(draft: &mut Draft, prompt: &Prompt) -> anyhow::Result<()> {
    prompt.begin("3. The account", ABOUT);
    let (section, answers) = (["kommo"], prompt.answers());
    let mut asks_address = draft.get(&section, "account_url").is_none();
    let mut asks_token = !draft.has_secret(&section, "access_token");
    loop {
        if asks_address {
            let address = prompt.answer(&ADDRESS, answers.and_then(|answers| answers.account_url.as_ref()))?;
            if address.is_empty() {
                return without(draft, prompt);
            }
            draft.set(&section, "account_url", &address)?;
        }
        if let Some(chats) = draft.get(&section, "account_url").and_then(chats_of) {
            lead_to(draft, prompt, chats)?;
        }
        if asks_token {
            let given = answers.map(Answers::access_token).transpose()?.flatten();
            let token = prompt.secret(&TOKEN, given)?;
            draft.set_secret(&section, "access_token", "access-token", &token)?;
        }
        let found = check::of_account(&draft.config()?).await?;
        prompt.note(found.to_string().trim_end());
        if found.is_well() {
            return Ok(());
        }
        anyhow::ensure!(answers.is_none(), "the account does not answer to the access token");
        (asks_address, asks_token) = (true, true);
    }
}

/// The Chats API that an account's address stands for, unless it is Kommo's own.
fn chats_of(address: &str) -> Option<&'static str> {
    let address = BaseUrl::parse(address).ok()?;
    let host = address.url().host_str()?;
    CHATS.iter().find(|(end, _)| host.ends_with(end)).map(|(_, chats)| *chats)
}

/// Names another Chats API than Kommo's own, unless one is named already.
fn lead_to(draft: &mut Draft, prompt: &Prompt, chats: &str) -> anyhow::Result<()> {
    if draft.get(&["kommo"], "chats_url").is_some() {
        return Ok(());
    }
    draft.set(&["kommo"], "chats_url", chats)?;
    prompt.note(&format!("The account is at amoCRM, so kommo.chats_url is {chats}."));
    Ok(())
}

/// Without a token nobody tells which account it is.
fn without(draft: &mut Draft, prompt: &Prompt) -> anyhow::Result<()> {
    if draft.get(&["kommo"], "account_id").is_some() {
        return Ok(());
    }
    if draft.get(&["kommo"], "chats_url").is_none() && prompt.agrees("Is the account at amocrm.ru?", false, None)? {
        lead_to(draft, prompt, AMOCRM)?;
    }
    if prompt.answers().is_none() {
        prompt.note(WITHOUT);
    }
    let id = prompt.answer(&ACCOUNT, prompt.answers().and_then(|answers| answers.account_id.as_ref()))?;
    draft.set(&["kommo"], "account_id", &id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_says_where_the_chats_api_is() {
        for (account, chats) in [
            ("https://acme.kommo.com", None),
            ("https://acme.amocrm.ru", Some(AMOCRM)),
            ("https://acme.amocrm.ru/", Some(AMOCRM)),
            ("https://acme.amocrm.com", Some("https://amojo.amocrm.com")),
            ("https://amocrm.ru.example.com", None),
            ("https://notamocrm.ru", None),
        ] {
            assert_eq!(chats_of(account), chats, "{account}");
        }
    }
}
