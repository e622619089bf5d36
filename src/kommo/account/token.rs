//! The claims of a long-lived token, which is a JWT: its account and its expiry. The signature is not checked, because
//! nothing here decides about access.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{domain::time::UnixMillis, lenient::lenient};

lenient! {
    /// The claims that are read.
    pub struct Claims {
        /// When it expires, in seconds since the epoch.
        pub exp: i64,
        /// The account's id in the REST API.
        pub account_id: u64,
    }
}

/// How long a token is still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// For this many whole days.
    Days(i64),
    Expired,
}

/// How many days before the expiry warnings are due.
const WARN_DAYS: [i64; 3] = [30, 7, 1];

impl Claims {
    /// Reads the claims of a token; `None` if it is no JWT.
    #[must_use]
    pub fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_head, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let json = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// When the token expires, if it says so.
    #[must_use]
    pub fn ends_at(&self) -> Option<UnixMillis> {
        self.exp.map(UnixMillis::from_seconds)
    }

    /// How long it is still valid at `now`; `None` if it does not say.
    #[must_use]
    pub fn lifetime(&self, now: UnixMillis) -> Option<Lifetime> {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
        let left_millis = self.ends_at()?.0.saturating_sub(now.0);
        Some(if left_millis <= 0 { Lifetime::Expired } else { Lifetime::Days(left_millis / DAY_MILLIS) })
    }
}

impl Lifetime {
    /// The warning that is due: 30, 7 or 1 day before the expiry, 0 after it. Each is due until the next.
    #[must_use]
    pub fn warning(self) -> Option<i64> {
        match self {
            Self::Expired => Some(0),
            Self::Days(days) => WARN_DAYS.into_iter().filter(|warn| days <= *warn).min(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("eyJ0eXAiOiJKV1QifQ.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn the_claims_of_a_token_are_read_without_its_key() {
        let claims = Claims::read(&token(
            r#"{"aud":"5f0c3a5c","jti":"x","iat":1700000000,"exp":1900000000,"sub":"6106525","grant_type":"",
               "account_id":28805383,"base_domain":"kommo.com","scopes":["crm"],"api_domain":"api-c.kommo.com"}"#,
        ));
        let claims = claims.unwrap();
        assert_eq!((claims.exp, claims.account_id), (Some(1_900_000_000), Some(28_805_383)));
    }

    #[test]
    fn another_text_has_no_claims() {
        for bad in ["", "a-long-lived-token", "a.b", "a.!!.c", "a.e30.c.d", &token("[]")] {
            assert!(Claims::read(bad).is_none(), "{bad}");
        }
        let claims = Claims::read(&token("{}")).unwrap();
        assert_eq!(claims.lifetime(UnixMillis(0)), None);
    }

    #[test]
    fn a_warning_is_due_from_thirty_seven_and_one_day_before_the_expiry() {
        const DAY: i64 = 86_400;
        let claims = Claims { exp: Some(100 * DAY), account_id: None };
        let due = |day: i64| claims.lifetime(UnixMillis::from_seconds(day * DAY)).unwrap().warning();
        let cases =
            [(0, None), (69, None), (70, Some(30)), (92, Some(30)), (93, Some(7)), (98, Some(7)), (99, Some(1))];
        for (day, want) in cases {
            assert_eq!(due(day), want, "day {day}");
        }
        assert_eq!(due(100), Some(0));
        assert_eq!(due(200), Some(0));
    }
}
