//! The country of phone numbers without a country code.

use crate::{domain::phone::Country, kommo::account::Account};

/// Where the operator says nothing, it is the account's country. That is known once the account has said who it is.
#[derive(Clone)]
pub struct PhoneRegion {
    /// What the operator has written.
    pub configured: Option<Country>,
    /// The account, if there is a token for it.
    pub account: Option<Account>,
}

impl PhoneRegion {
    /// The country, if anybody has told it.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        self.configured.or_else(|| Country::parse(self.account.as_ref()?.country()?))
    }
}
