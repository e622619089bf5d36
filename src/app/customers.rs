//! Builds the CRM side of the relay from the configuration.

use std::sync::Arc;

use crate::{
    config::{AskPhone, Config},
    invite::InviteKey,
    kommo::{account::Account, region::PhoneRegion},
    relay::crm::{Crm, Locks},
};

/// The CRM settings. Warns if they need a token and there is none.
pub(super) fn crm(config: &Config, account: Option<Account>, writing: Arc<Locks>) -> Crm {
    let kommo = &config.kommo;
    let is_configured =
        !config.campaigns.is_empty() || kommo.username_field.is_some() || !kommo.contact_tags.is_empty();
    if account.is_none() && is_configured {
        tracing::warn!(
            "campaigns, kommo.username_field and kommo.contact_tags have no effect without kommo.account_url and \
             kommo.access_token: messages are still sent, but nothing is written to the account"
        );
    }
    Crm {
        phone_region: PhoneRegion { configured: config.telegram.phone_region, account: account.clone() },
        account,
        invites: InviteKey::derive(kommo.channel_secret.expose()),
        campaigns: config.campaigns.clone(),
        username_field: kommo.username_field.clone(),
        contact_tags: kommo.contact_tags.clone(),
        phone_texts: (config.telegram.ask_phone == AskPhone::OnStart).then(|| config.phone_texts.clone()),
        hold_for: config.telegram.phone_wait,
        writing,
    }
}
