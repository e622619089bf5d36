//! The questions, and which answers are right.

use crate::config::{AccountId, BaseUrl, ChannelBotId, ChannelId};

pub(super) struct Question {
    /// The option that answers it.
    pub(super) option: &'static str,
    pub(super) text: &'static str,
    /// What holds if nothing is answered.
    pub(super) default: Option<&'static str>,
    /// The answer as telekommo writes it down, or what is wrong with it.
    pub(super) check: fn(&str) -> Result<String, String>,
}

const fn ask(
    option: &'static str,
    text: &'static str,
    default: Option<&'static str>,
    check: fn(&str) -> Result<String, String>,
) -> Question {
    Question { option, text, default, check }
}

pub(super) const PUBLIC_URL: Question =
    ask("public-url", "The address under which the internet reaches telekommo", None, public_url);
pub(super) const SERVICE_NAME: Question =
    ask("service-name", "The name that managers see (Latin letters first; no other alphabet)", None, service_name);
pub(super) const ACCOUNTS: Question =
    ask("accounts", "The numbers of the accounts that may use the channel", None, accounts);
pub(super) const EMAIL: Question = ask("email", "Your e-mail address, for trouble with the channel", None, email);
pub(super) const INTEGRATION: Question =
    ask("integration", "The id of the integration, from its tab \"Keys and scopes\"", None, uuid);
pub(super) const WIDGET_CODE: Question =
    ask("widget-code", "The code of the integration's widget", Some(""), |text| unless_empty(text, code));
pub(super) const WRITE_FIRST: Question =
    ask("write-first", "May managers write first to a known phone number? yes or no", Some("no"), yes_no);
pub(super) const REACTIONS: Question = ask("reactions", "Relay emoji reactions? yes or no", Some("yes"), yes_no);
pub(super) const MAX_FILE: Question =
    ask("max-file-mb", "The largest file that managers may send, in MB", Some("50"), megabytes);

pub(super) const CHANNEL_ID: Question = ask("channel-id", "The channel's id", None, |text| {
    ChannelId::parse(text).map(|id| id.to_string()).map_err(|wrong| wrong.to_string())
});
pub(super) const ORIGIN_CODE: Question = ask("origin-code", "The channel's code, such as amo.ext.12345", None, code);
pub(super) const BOT_ID: Question = ask("bot-id", "The id of the channel's bot", None, |text| {
    ChannelBotId::parse(text).map(|id| id.to_string()).map_err(|wrong| wrong.to_string())
});
pub(super) const ACCOUNT_ID: Question =
    ask("account-id", "The account's amojo_id, if the answer names it", Some(""), |text| {
        unless_empty(text, |text| AccountId::parse(text).map(|id| id.to_string()).map_err(|wrong| wrong.to_string()))
    });

/// An answer that may be left out.
fn unless_empty(text: &str, check: impl FnOnce(&str) -> Result<String, String>) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { check(text) }
}

pub(in crate::cli) fn public_url(text: &str) -> Result<String, String> {
    let url = BaseUrl::parse(text).map_err(|wrong| wrong.to_string())?;
    if url.url().scheme() != "https" {
        return Err("Kommo sends its hooks to https:// alone".to_owned());
    }
    Ok(url.to_string())
}

fn service_name(text: &str) -> Result<String, String> {
    let is_latin = |c: char| c.is_ascii_alphanumeric() || " ._-".contains(c);
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.chars().all(is_latin) {
        return Err("write Latin letters, digits, blanks and . _ - and begin with a letter".to_owned());
    }
    Ok(text.to_owned())
}

fn accounts(text: &str) -> Result<String, String> {
    let wrong = || "write the account's number, such as 28805383; several with commas".to_owned();
    let number = |part: &str| part.parse::<u64>().ok().filter(|number| *number > 0).map(|number| number.to_string());
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    let numbers: Vec<_> = parts.map(number).collect::<Option<_>>().ok_or_else(wrong)?;
    if numbers.is_empty() { Err(wrong()) } else { Ok(numbers.join(", ")) }
}

fn email(text: &str) -> Result<String, String> {
    let is_address = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    });
    if !is_address || text.contains(char::is_whitespace) {
        return Err("write an e-mail address such as ops@example.com".to_owned());
    }
    Ok(text.to_owned())
}

fn uuid(text: &str) -> Result<String, String> {
    ChannelId::parse(text).map(|id| id.to_string()).map_err(|wrong| wrong.to_string())
}

fn code(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || !text.chars().all(fits) {
        return Err("write the code in one piece: letters, digits and . _ -".to_owned());
    }
    Ok(text.to_owned())
}

fn yes_no(text: &str) -> Result<String, String> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok("yes".to_owned()),
        "n" | "no" => Ok("no".to_owned()),
        _ => Err("write yes or no".to_owned()),
    }
}

fn megabytes(text: &str) -> Result<String, String> {
    match text.parse::<u32>() {
        Ok(1..=2000) => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err("write a number of megabytes from 1 to 2000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_answers_are_taken_and_wrong_ones_explained() {
        let cases = [
            (&PUBLIC_URL, "https://a.example.com/", "https://a.example.com", "http://a.example.com"),
            (&SERVICE_NAME, "Acme Telegram 2", "Acme Telegram 2", "2 Acme"),
            (&SERVICE_NAME, "Acme", "Acme", "Акме"),
            (&ACCOUNTS, "1,2 3", "1, 2, 3", "acme"),
            (&ACCOUNTS, "28805383", "28805383", ""),
            (&EMAIL, "ops@example.com", "ops@example.com", "ops@example"),
            (&EMAIL, "a.b@c.de", "a.b@c.de", "a b@c.de"),
            (&INTEGRATION, "5F0C3A5C-0000-4000-8000-000000000000", "5f0c3a5c-0000-4000-8000-000000000000", "5f0c3a5c"),
            (&WIDGET_CODE, "telekommo_1", "telekommo_1", "a b"),
            (&WIDGET_CODE, "", "", "a/b"),
            (&WRITE_FIRST, "Y", "yes", "perhaps"),
            (&MAX_FILE, "50", "50", "0"),
            (&ORIGIN_CODE, "amo.ext.12345", "amo.ext.12345", ""),
            (&ACCOUNT_ID, "", "", "12345"),
        ];
        for (question, right, written, wrong) in cases {
            assert_eq!((question.check)(right).as_deref(), Ok(written), "{}", question.option);
            let sentence = (question.check)(wrong).unwrap_err();
            assert!(!sentence.is_empty(), "{}", question.option);
        }
    }
}
