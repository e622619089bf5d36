//! Long-lived tokens: JWTs that only their maker can check.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{domain::time::UnixMillis, sandbox::kommo::world::uuid};

/// A token that was given out.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) ends_at: UnixMillis,
}

impl Token {
    /// A token of the account, good from `now` until `ends_at`.
    pub(super) fn new(account: u64, now: UnixMillis, ends_at: UnixMillis) -> Self {
        let seconds = |at: UnixMillis| at.0.div_euclid(1000);
        let claims = json!({
            "aud": uuid(), "jti": uuid(), "iat": seconds(now), "nbf": seconds(now), "exp": seconds(ends_at),
            "sub": "6106525", "grant_type": "", "account_id": account, "base_domain": "kommo.com", "version": 2,
            "scopes": ["crm", "notifications"], "api_domain": "api-c.kommo.com",
        });
        let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let head = part(&json!({ "typ": "JWT", "alg": "RS256" }));
        let text = format!("{head}.{}.{}", part(&claims), BASE64_URL_SAFE_NO_PAD.encode(uuid()));
        Self { text, ends_at }
    }
}
