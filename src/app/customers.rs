//! What the configuration says about customers in the account.

use std::sync::Arc;

use crate::{
    config::{AskPhone, Config},
    invite::InviteKey,
    kommo::{account::Account, region::PhoneRegion},
    relay::crm::{Crm, Locks},
};

/// What is done for customers in the account. What needs a token and has none is said once.
pub(super) fn crm(config: &Config, account: Option<Account>, writing: Arc<Locks>) -> Crm {
    let kommo = &config.kommo;
    let is_asked_for = !config.campaigns.is_empty() || kommo.username_field.is_some() || !kommo.contact_tags.is_empty();
    if account.is_none() && is_asked_for {
        tracing::warn!(
            "campaigns, kommo.username_field and kommo.contact_tags are of no use without kommo.account_url and \
             kommo.access_token: messages are still sent, nothing is noted in the account"
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
