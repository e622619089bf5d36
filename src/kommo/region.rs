//! The country of phone numbers without a country code.

use crate::{domain::phone::Country, kommo::account::Account};

/// The configured country, or else that of the account, which is known after the first call.
#[derive(Clone)]
pub struct PhoneRegion {
    pub configured: Option<Country>,
    /// The account, if there is an access token.
    pub account: Option<Account>,
}

impl PhoneRegion {
    /// The country, if it is known.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        self.configured.or_else(|| Country::parse(self.account.as_ref()?.country()?))
    }
}
