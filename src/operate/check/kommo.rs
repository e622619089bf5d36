//! What Kommo says to a configuration: the channel, the token, the account, the sources, the rights.

use reqwest::StatusCode;

use crate::{
    clock,
    config::Config,
    kommo::{
        account::{
            Account, RestError,
            token::{Claims, Lifetime},
        },
        chats::CallError,
    },
    operate::{
        check::Finding,
        connect::{self, refusal},
        identity, sources,
    },
};

/// A chat that nobody has: to ask for its messages says whether the channel is connected, and changes nothing.
const NO_CHAT: &str = "00000000-0000-4000-8000-000000000000";

/// Asks Kommo. Nothing is changed there.
pub async fn ask(config: &Config) -> Vec<Finding> {
    let mut findings = vec![channel(config).await, token(config)];
    match identity::client(&config.kommo) {
        Ok(Some(account)) => findings.extend(rest(config, &account).await),
        Ok(None) => {}
        Err(error) => findings.push(wrong("Account", error.to_string())),
    }
    findings
}

pub(super) fn fine(about: &'static str, text: impl Into<String>) -> Finding {
    Finding { about, text: text.into(), is_wrong: false }
}

pub(super) fn wrong(about: &'static str, text: impl Into<String>) -> Finding {
    Finding { about, text: text.into(), is_wrong: true }
}

async fn channel(config: &Config) -> Finding {
    let about = "Channel";
    let chats = match connect::chats(config).await {
        Ok((chats, _)) => chats,
        Err(error) => return wrong(about, format!("{error:#}")),
    };
    match chats.knows(NO_CHAT, "").await {
        // With a 400 Kommo has read the request, and only does not like the chat.
        Ok(_) | Err(CallError::Refused { status: StatusCode::BAD_REQUEST, .. }) => {
            fine(about, "connected to the account")
        }
        Err(error @ CallError::Refused { status: StatusCode::NOT_FOUND, .. }) => {
            let text = format!("not connected, or not known: `telekommo connect` connects it. {}", refusal(&error));
            wrong(about, text)
        }
        Err(error @ CallError::Refused { .. }) => wrong(about, refusal(&error)),
        Err(error @ (CallError::Nonsense(_) | CallError::Unreachable(_))) => {
            wrong(about, format!("not checked: {error}"))
        }
    }
}

fn token(config: &Config) -> Finding {
    let about = "Token";
    let Some(token) = &config.kommo.access_token else {
        return fine(
            about,
            "none. Messages need none. With kommo.account_url and kommo.access_token, telekommo keeps the sources in \
             step with [sources.*], so that leads go into their pipelines, and checks that the account is the right one",
        );
    };
    if config.kommo.account_url.is_none() {
        return wrong(about, "of no use without kommo.account_url: write the account's address there");
    }
    let lifetime = Claims::read(token.expose()).and_then(|claims| claims.lifetime(clock::now()));
    let renew = "make a new one in the integration's tab \"Keys and scopes\"";
    match lifetime {
        None => fine(about, "written; it does not say how long it is good"),
        Some(Lifetime::Expired) => wrong(about, format!("expired: {renew}")),
        Some(lifetime @ Lifetime::Days(days)) => match lifetime.warning() {
            Some(_) => fine(about, format!("good for {days} more days only: {renew}")),
            None => fine(about, format!("good for {days} days")),
        },
    }
}

async fn rest(config: &Config, account: &Account) -> Vec<Finding> {
    let about = "Account";
    let info = match account.verify().await {
        Ok(info) => info,
        Err(error) => return vec![wrong(about, error.to_string())],
    };
    let (name, number) = (info.name.unwrap_or_default(), info.id.unwrap_or_default());
    vec![fine(about, format!("{name} ({number})")), sources_of(config, account).await, rights(account).await]
}

async fn sources_of(config: &Config, account: &Account) -> Finding {
    let about = "Sources";
    let wanted = sources::wanted(config);
    match account.sources().await {
        Err(error) => wrong(about, error.to_string()),
        Ok(known) => {
            let behind = sources::behind(&wanted, &known);
            if behind.is_empty() {
                return fine(about, format!("all {} are in step", wanted.len()));
            }
            wrong(
                about,
                format!(
                    "not in step: {}. Leads of a source that Kommo does not know go to its default one. The next start \
                     brings them in step, and so does `telekommo sources sync`",
                    behind.join(", ")
                ),
            )
        }
    }
}

/// What the token may do. Each right is tried by reading.
async fn rights(account: &Account) -> Finding {
    let tried: [(&str, Result<(), RestError>); 3] = [
        ("users", account.users().await.map(drop)),
        ("contacts", account.search_contacts("telekommo").await.map(drop)),
        ("templates", account.templates().await.map(drop)),
    ];
    let lacking: Vec<_> =
        tried.iter().filter_map(|(name, outcome)| outcome.as_ref().err().map(|error| (name, error))).collect();
    if let Some((name, error)) = lacking.first() {
        return wrong("Rights", format!("{name}: {error}"));
    }
    fine("Rights", "the token may read users, contacts and templates")
}
