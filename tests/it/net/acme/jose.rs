//! Signed requests, as RFC 8555 wants them (section 6): whatever is not exactly so is refused.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::{
    digest,
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use serde::Deserialize;
use serde_json::Value;

/// What is wrong with a request: the kind of the problem, and words.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) &'static str, pub(super) String);

pub(super) fn malformed(why: impl Into<String>) -> Wrong {
    Wrong("malformed", why.into())
}

/// The flattened form, and nothing beside it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flattened {
    protected: String,
    payload: String,
    signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Protected {
    alg: String,
    nonce: String,
    url: String,
    jwk: Option<Jwk>,
    kid: Option<String>,
}

/// A public key, in the order of RFC 7638.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Jwk {
    crv: String,
    kty: String,
    x: String,
    y: String,
    // What some clients say of its use.
    #[serde(default, rename = "alg")]
    _alg: Option<String>,
    #[serde(default, rename = "use")]
    _use: Option<String>,
}

impl Jwk {
    pub(super) fn thumbprint(&self) -> String {
        let Self { crv, kty, x, y, .. } = self;
        let text = format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}"#);
        BASE64.encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Wrong> {
        if (self.kty.as_str(), self.crv.as_str()) != ("EC", "P-256") {
            return Err(Wrong("badPublicKey", format!("{} {}", self.kty, self.crv)));
        }
        let point = [vec![4], bytes(&self.x)?, bytes(&self.y)?].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(message, signature).map_err(|_| malformed("the signature is wrong"))
    }
}

/// Who has signed a request.
#[derive(Debug)]
pub(super) enum Signer {
    /// A key, which may have an account.
    Key(Jwk),
    /// The account at this address.
    Account(String),
}

/// A request that is signed well.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) signer: Signer,
    payload: Vec<u8>,
}

impl Signed {
    /// The payload of a request that says something.
    pub(super) fn json<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Wrong> {
        serde_json::from_slice(&self.payload).map_err(|error| malformed(error.to_string()))
    }

    /// That it only asks (POST-as-GET): its payload is nothing at all.
    pub(super) fn only_asks(&self) -> Result<(), Wrong> {
        if self.payload.is_empty() { Ok(()) } else { Err(malformed("POST-as-GET has a payload")) }
    }

    /// That it says `{}`.
    pub(super) fn says_nothing(&self) -> Result<(), Wrong> {
        let value: Value = self.json()?;
        if value == serde_json::json!({}) { Ok(()) } else { Err(malformed(format!("{value} is not {{}}"))) }
    }
}

/// Verifies a request to `url`. Each nonce is good once.
pub(super) fn verify(
    url: &str,
    (headers, body): (&HeaderMap, &[u8]),
    nonces: &mut BTreeSet<String>,
    accounts: &BTreeMap<String, Jwk>,
) -> Result<Signed, Wrong> {
    let has = |name, value: &str| headers.get(name).is_some_and(|it| it.as_bytes() == value.as_bytes());
    if !has(header::CONTENT_TYPE, "application/jose+json") {
        return Err(malformed("the content type is another one"));
    }
    if !headers.contains_key(header::USER_AGENT) {
        return Err(malformed("there is no user agent"));
    }
    let jws: Flattened = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    let protected: Protected =
        serde_json::from_slice(&bytes(&jws.protected)?).map_err(|error| malformed(error.to_string()))?;
    if protected.alg != "ES256" {
        return Err(Wrong("badSignatureAlgorithm", protected.alg));
    }
    if protected.url != url {
        return Err(Wrong("unauthorized", format!("signed for {} and sent to {url}", protected.url)));
    }
    let signer = match (protected.jwk, protected.kid) {
        (Some(jwk), None) => Signer::Key(jwk),
        (None, Some(kid)) => Signer::Account(kid),
        _ => return Err(malformed("one of jwk and kid has to be there")),
    };
    let key = match &signer {
        Signer::Key(jwk) => jwk,
        Signer::Account(kid) => accounts.get(kid).ok_or_else(|| Wrong("accountDoesNotExist", kid.clone()))?,
    };
    let message = format!("{}.{}", jws.protected, jws.payload);
    key.verify(message.as_bytes(), &bytes(&jws.signature)?)?;
    // After the signature, so that no stranger uses it up.
    if !nonces.remove(&protected.nonce) {
        return Err(Wrong("badNonce", protected.nonce));
    }
    Ok(Signed { signer, payload: bytes(&jws.payload)? })
}

pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Wrong> {
    BASE64.decode(text).map_err(|error| malformed(format!("{text:?}: {error}")))
}
