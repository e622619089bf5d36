//! What Kommo says to a configuration: the channel, the token, the account, the sources, the rights.

use std::collections::BTreeSet;

use reqwest::StatusCode;

use crate::{
    admin::{channel::refusal, identity, sources},
    cli::{
        check::{finding::Finding, fine, through, warning, wrong},
        connect,
    },
    clock,
    config::Config,
    domain::retry::Failure,
    kommo::{
        account::{
            Account, RestError,
            token::{Claims, Lifetime},
        },
        chats::{CallError, Chats},
        wire::account::KnownField,
    },
};

/// A chat that nobody has: to ask for its messages says whether the channel is connected, and changes nothing.
const NO_CHAT: &str = "00000000-0000-4000-8000-000000000000";

/// Asks Kommo, and returns the scope besides, if it is known. Nothing is changed there.
pub(super) async fn ask(config: &Config) -> (Vec<Finding>, Option<String>) {
    let (mut findings, scope) = match connect::chats(config).await {
        Ok((chats, id)) => (channel(config, &chats).await, Some(config.kommo.scope_id(&id))),
        Err(error) => (vec![wrong("Channel", format!("{error:#}"))], None),
    };
    findings.push(token(config));
    match identity::client(&config.kommo) {
        Ok(Some(account)) => findings.extend(rest(config, &account).await),
        Ok(None) => {}
        Err(error) => findings.push(wrong("Account", error.to_string())),
    }
    (findings, scope)
}

/// Whether Kommo takes the channel's signature, and whether it is connected.
pub(super) async fn channel(config: &Config, chats: &Chats) -> Vec<Finding> {
    let (about, connection) = ("Channel", "Connection");
    let way = through(&config.kommo.egress(), &config.kommo.chats_url);
    let connected = || {
        let signed = fine(about, "Kommo accepts what kommo.channel_secret signs");
        vec![signed, fine(connection, format!("connected to the account{way}"))]
    };
    match chats.find(NO_CHAT, "").await {
        // With a 400 Kommo has read the request, and only does not like the chat.
        Ok(_) => connected(),
        Err(error) if error.is_bad_request() => connected(),
        Err(error @ CallError::Refused { status: StatusCode::NOT_FOUND, .. }) => {
            let text =
                format!("not connected, or unknown to Kommo: `telekommo connect` connects it. {}", refusal(&error));
            vec![wrong(connection, text)]
        }
        Err(error @ CallError::Refused { .. }) => vec![wrong(about, refusal(&error))],
        Err(error @ (CallError::Foreign(_) | CallError::Unreachable(_))) => {
            vec![wrong(about, format!("not checked: {error}"))]
        }
    }
}

/// How long the account's token is good.
pub(super) fn token(config: &Config) -> Finding {
    let about = "Token";
    let Some(token) = &config.kommo.access_token else {
        return fine(
            about,
            "none. Messages need none. With kommo.account_url and kommo.access_token, telekommo makes the sources \
             in Kommo like [sources.*], so that leads go into their pipelines, and checks that the account is the \
             right one",
        );
    };
    if config.kommo.account_url.is_none() {
        return wrong(about, "useless without kommo.account_url: set the account's address there");
    }
    let lifetime = Claims::read(token.expose()).and_then(|claims| claims.lifetime(clock::now()));
    let renew = "make a new one in the integration's tab \"Keys and scopes\"";
    match lifetime {
        None => fine(about, "set; it does not say how long it is valid"),
        Some(Lifetime::Expired) => wrong(about, format!("expired: {renew}")),
        Some(lifetime @ Lifetime::Days(days)) => match lifetime.warning() {
            Some(_) => warning(about, format!("valid for only {days} more days: {renew}")),
            None => fine(about, format!("valid for {days} days")),
        },
    }
}

async fn rest(config: &Config, account: &Account) -> Vec<Finding> {
    let about = "Account";
    let way = config.kommo.account_url.as_ref().map(|url| through(&config.kommo.egress(), url)).unwrap_or_default();
    let info = match account.verify().await {
        Ok(info) => info,
        Err(error) => return vec![wrong(about, error.to_string())],
    };
    let (name, number) = (info.name.unwrap_or_default(), info.id.unwrap_or_default());
    let mut findings = vec![fine(about, format!("{name} ({number}){way}")), sources_of(config, account).await];
    findings.push(rights(account).await);
    findings.extend(fields(config, account).await);
    findings
}

async fn sources_of(config: &Config, account: &Account) -> Finding {
    let about = "Sources";
    let wanted = sources::configured(config);
    match account.sources().await {
        Err(error) => wrong(about, error.to_string()),
        Ok(known) => {
            let behind = sources::behind(&wanted, &known);
            if behind.is_empty() {
                return fine(about, format!("all {} are in sync", wanted.len()));
            }
            wrong(
                about,
                format!(
                    "not in sync: {}. Leads of a source that Kommo does not know go to its default source. The next \
                     start corrects this, and so does `telekommo sources sync`",
                    behind.join(", ")
                ),
            )
        }
    }
}

/// Whether the fields are there into which something is to be noted; nothing if there are none.
async fn fields(config: &Config, account: &Account) -> Option<Finding> {
    let about = "Fields";
    let utm: BTreeSet<_> =
        config.campaigns.values().flat_map(|campaign| campaign.utm.iter().map(|(end, _)| *end)).collect();
    let username = config.kommo.username_field.as_deref();
    if username.is_none() && utm.is_empty() {
        return None;
    }
    let of_contacts = if username.is_none() { Ok(Vec::new()) } else { account.contact_fields().await };
    let of_leads = if utm.is_empty() { Ok(Vec::new()) } else { account.lead_fields().await };
    let (of_contacts, of_leads) = match (of_contacts, of_leads) {
        (Ok(of_contacts), Ok(of_leads)) => (of_contacts, of_leads),
        (Err(error), _) | (_, Err(error)) => return Some(wrong(about, error.to_string())),
    };
    let mut missing = Vec::new();
    if let Some(name) = username {
        missing.extend(no_place_for_names(name, &of_contacts));
    }
    for end in utm.iter().filter(|end| !of_leads.iter().any(|field| field.is_tracking(end))) {
        missing.push(format!("leads have no tracking field utm_{end}, so campaigns leave it out"));
    }
    Some(if missing.is_empty() {
        fine(about, "all fields that are needed exist")
    } else {
        wrong(about, missing.join(". "))
    })
}

/// What is wrong with the field for public names, which is to hold a text.
fn no_place_for_names(name: &str, of_contacts: &[KnownField]) -> Option<String> {
    let Some(field) = of_contacts.iter().find(|field| field.is_called(name)) else {
        return Some(format!("contacts have no field \"{name}\": correct kommo.username_field, or create the field"));
    };
    let other = field.r#type.as_deref().filter(|kind| !["text", "textarea"].contains(kind))?;
    Some(format!(
        "the contacts' field \"{name}\" has the type {other}, but public names are text: name another field in \
         kommo.username_field"
    ))
}

/// What the token may do. Each right is tried by reading.
async fn rights(account: &Account) -> Finding {
    // A chat that Kommo does not know may be an error to it; that it was read says that it may be.
    let chats = match account.contact_of_chat(NO_CHAT).await {
        Err(error @ RestError::Refused { .. }) if matches!(Failure::from(error.clone()), Failure::Permanent(_)) => {
            Ok(())
        }
        answer => answer.map(drop),
    };
    let tried: [(&str, Result<(), RestError>); 4] = [
        ("users", account.users().await.map(drop)),
        ("contacts", account.search_contacts("telekommo").await.map(drop)),
        ("templates", account.templates().await.map(drop)),
        ("chats of contacts", chats),
    ];
    let lacking: Vec<_> =
        tried.iter().filter_map(|(name, outcome)| outcome.as_ref().err().map(|error| (name, error))).collect();
    if let Some((name, error)) = lacking.first() {
        return wrong("Rights", format!("{name}: {error}"));
    }
    fine("Rights", "the token may read users, contacts, their chats, and templates")
}
