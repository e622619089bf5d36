//! The channel and the account: what they are called, and what is wrong if they are not connected.

use reqwest::StatusCode;

use crate::{
    config::{AccountId, Kommo},
    kommo::{chats::CallError, wire::Connected},
};

/// The problem of a channel that a command has disconnected.
pub(crate) const DISCONNECTED: &str =
    "the channel is not connected to the account: it was disconnected, and `telekommo connect` connects it again";

/// The channel's title if Kommo needs one and the operator has chosen none: the name of the only bot, else "Telegram".
pub(crate) fn default_title<'n>(mut bots: impl Iterator<Item = &'n str>) -> &'n str {
    match (bots.next(), bots.next()) {
        (Some(only), None) => only,
        (Some(_), Some(_)) | (None, _) => "Telegram",
    }
}

/// Why a channel is not connected, and what to do.
pub(crate) fn refusal(error: &CallError) -> String {
    let remedy = match error {
        CallError::Refused { status: StatusCode::FORBIDDEN, .. } => {
            ": kommo.channel_secret is not that of this channel, or this machine's clock is wrong"
        }
        CallError::Refused { status: StatusCode::NOT_FOUND, .. } => {
            ": it knows no such channel for this account. Compare kommo.channel_id, kommo.account_id and \
             kommo.chats_url with the support's answer, and ask Kommo's support whether the account is on the \
             channel's list"
        }
        CallError::Refused { .. } | CallError::Foreign(_) | CallError::Unreachable(_) => "",
    };
    format!("{error}{remedy}")
}

/// The problem if Kommo has connected another scope than the one we serve.
pub(crate) fn other_scope(connected: &Connected, kommo: &Kommo, account: &AccountId) -> Option<String> {
    let scope = connected.scope_id.as_ref()?;
    let ours = kommo.scope_id(account);
    (*scope != ours).then(|| {
        format!(
            "Kommo has connected the scope {scope}, but telekommo serves {ours}: correct kommo.channel_id and \
             kommo.account_id"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::default_title;

    #[test]
    fn an_only_bot_gives_the_channel_its_name() {
        for (bots, title) in [(vec!["Acme"], "Acme"), (vec!["Sales", "Support"], "Telegram"), (vec![], "Telegram")] {
            assert_eq!(default_title(bots.into_iter()), title);
        }
    }
}
