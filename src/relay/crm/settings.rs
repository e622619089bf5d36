//! The configuration of customers in the account.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    domain::{
        crm::{Campaign, PhoneText, PhoneTexts, StartContext},
        message::Content,
    },
    invite::InviteKey,
    kommo::{account::Account, region::PhoneRegion},
    relay::crm::locks::Locks,
    translate::from_telegram,
    words::Language,
};

/// How customers are recorded in the account.
pub struct Crm {
    /// The account's REST API, if there is a token for it.
    pub account: Option<Account>,
    /// Recognises links to contacts.
    pub invites: InviteKey,
    /// By the names in their links.
    pub campaigns: BTreeMap<String, Campaign>,
    /// The contact's field for the public name in Telegram, by its number or name.
    pub username_field: Option<String>,
    /// The tags that contacts get.
    pub contact_tags: Vec<String>,
    /// The texts that ask customers for their phone number, if they are asked.
    pub phone_texts: Option<PhoneTexts>,
    /// The country of phone numbers without a country code.
    pub phone_region: PhoneRegion,
    /// How long a `/start` waits for the phone number.
    pub hold_for: Duration,
    /// The locks for writing to contacts and leads.
    pub writing: Arc<Locks>,
}

impl Crm {
    /// The content without the name of a campaign that a link has added to `/start`.
    pub(in crate::relay) fn without_campaign(&self, content: Content) -> Content {
        match content {
            Content::Text(text) => {
                Content::Text(from_telegram::without_payload(text, |name| self.campaigns.contains_key(name)))
            }
            other => other,
        }
    }

    /// The texts for a customer, if customers are asked for their phone number.
    pub(in crate::relay) fn phone_text(&self, start_context: &StartContext, usual: Language) -> Option<&PhoneText> {
        self.phone_texts.as_ref()?.for_language(start_context.language.as_deref(), usual)
    }
}
