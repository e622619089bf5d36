//! The signatures of our requests and of Kommo's hooks.
//!
//! Both are HMAC-SHA1 with the ASCII text of the channel secret as the key, in lowercase hex. Sources: the pages "Chats
//! API: how to start" (requests) and "Chat webhooks" (hooks).

use axum::body::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;

/// The only content type that the Chats API accepts. It is signed as written, without a charset.
pub const CONTENT_TYPE: &str = "application/json";

/// Signs requests and verifies hooks of one channel. It never shows the channel secret.
#[derive(Clone)]
pub struct Signer(Hmac<Sha1>);

/// The headers that authenticate a request, for the signed `Date`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `Content-MD5`: lowercase hex of the body's MD5.
    pub content_md5: String,
    /// `X-Signature`: lowercase hex.
    pub x_signature: String,
}

/// The body of a hook whose signature is valid. Only [`Signer::verify`] creates one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified(Bytes);

impl Verified {
    /// The signed bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A digest of the bytes: lowercase hex of their SHA-1.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(&Sha1::digest(&self.0))
    }
}

/// The signature is missing, or does not match the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is missing or wrong")]
pub struct BadSignature;

impl Signer {
    /// A signer with the channel secret, taken as ASCII text and not hex-decoded.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    pub fn new(channel_secret: &str) -> Self {
        Self(Hmac::new_from_slice(channel_secret.as_bytes()).expect("HMAC takes a key of any length"))
    }

    /// Signs a request: `path` without host and query, `date` exactly as it goes into the `Date` header.
    ///
    /// Kommo accepts the signature for 15 minutes from `date`, so sign when sending.
    #[must_use]
    pub fn sign(&self, method: &str, path: &str, date: &str, body: &[u8]) -> Signature {
        let content_md5 = hex(&Md5::digest(body));
        let x_signature = self.sign_digest(method, path, date, &content_md5);
        Signature { content_md5, x_signature }
    }

    fn sign_digest(&self, method: &str, path: &str, date: &str, content_md5: &str) -> String {
        let signed = format!("{method}\n{content_md5}\n{CONTENT_TYPE}\n{date}\n{path}");
        hex(&self.0.clone().chain_update(signed).finalize().into_bytes())
    }

    /// Checks a hook's `X-Signature` against its body, in constant time.
    ///
    /// Kommo ends a hook's body with a newline that it does not sign. So this tries the bytes as they came, then
    /// without trailing CR and LF.
    ///
    /// # Errors
    /// [`BadSignature`] if there is none, it is no hex, or it matches neither form.
    pub fn verify(&self, body: &Bytes, x_signature: Option<&str>) -> Result<Verified, BadSignature> {
        let signature = x_signature.and_then(|text| unhex(text.trim())).ok_or(BadSignature)?;
        let trimmed = body.slice(..body.len() - trailing_newlines(body));
        let forms = [Some(body.clone()), Some(trimmed).filter(|trimmed| trimmed.len() < body.len())];
        forms.into_iter().flatten().find(|bytes| self.matches(bytes, &signature)).map(Verified).ok_or(BadSignature)
    }

    fn matches(&self, bytes: &[u8], signature: &[u8]) -> bool {
        self.0.clone().chain_update(bytes).verify_slice(signature).is_ok()
    }
}

fn trailing_newlines(body: &[u8]) -> usize {
    body.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| Some(nibble(pair[0])? << 4 | nibble(pair[1])?);
    if digits.len().is_multiple_of(2) { digits.chunks_exact(2).map(byte).collect() } else { None }
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
