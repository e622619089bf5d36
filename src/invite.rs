//! Links that make a customer a certain contact: `https://t.me/{bot}?start={payload}`.
//!
//! Telegram takes up to 64 characters of `A-Za-z0-9_-` there. The payload is a version, the contact, an end, a nonce by
//! which a link works once, and an HMAC-SHA1 over that and the source, cut to 128 bits, with a key that is derived from
//! the channel secret. It has 36 bytes, so that Base64 writes it in one way, in 48 characters. No campaign has so long
//! a name.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::domain::{address::SourceId, time::UnixMillis};

/// What the key is derived for; another version makes all older links invalid.
const PURPOSE: &str = "telekommo invite v1";
/// The first byte of every payload.
const VERSION: u8 = 1;
/// Where the parts end.
const CONTACT_END: usize = 8;
const EXPIRY_END: usize = 12;
const NONCE_END: usize = 20;
const BYTES: usize = 36;
/// The length of a payload in characters.
pub const CHARS: usize = 48;
/// The largest number that a contact may have: seven bytes are kept for it.
pub const LARGEST_CONTACT: u64 = (1 << 56) - 1;

/// A link to one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The contact's number, up to [`LARGEST_CONTACT`].
    pub contact: u64,
    /// When the link ends, in seconds since the epoch.
    pub expires_at_seconds: u32,
    /// Tells it from any other.
    pub nonce: [u8; 8],
}

impl Invitation {
    /// When the link ends.
    #[must_use]
    pub fn expires_at(&self) -> UnixMillis {
        UnixMillis::from_seconds(self.expires_at_seconds.into())
    }

    /// The name under which its use is remembered.
    #[must_use]
    pub fn name(&self) -> String {
        BASE64.encode(self.nonce)
    }
}

/// Why a payload links nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadInvitation {
    /// Not made here, or not for this bot, or changed.
    #[error("the link was not made by this bridge for this bot")]
    Forged,
    /// Its time is over.
    #[error("the link has ended: make a new one")]
    Expired,
}

/// Signs invitations and recognises them. Shown to nobody.
#[derive(Clone)]
pub struct InviteKey(Hmac<Sha1>);

impl InviteKey {
    /// The key of a channel.
    #[must_use]
    pub fn derive(channel_secret: &str) -> Self {
        let derived = keyed(channel_secret.as_bytes()).chain_update(PURPOSE).finalize().into_bytes();
        Self(keyed(&derived))
    }

    /// The payload of a link to the bot of `source`.
    #[must_use]
    pub fn seal(&self, invitation: &Invitation, source: &SourceId) -> String {
        let mut bytes = [0; BYTES];
        bytes[..CONTACT_END].copy_from_slice(&invitation.contact.to_be_bytes());
        bytes[0] = VERSION;
        bytes[CONTACT_END..EXPIRY_END].copy_from_slice(&invitation.expires_at_seconds.to_be_bytes());
        bytes[EXPIRY_END..NONCE_END].copy_from_slice(&invitation.nonce);
        let signature = self.over(&bytes[..NONCE_END], source).finalize().into_bytes();
        bytes[NONCE_END..].copy_from_slice(&signature[..BYTES - NONCE_END]);
        BASE64.encode(bytes)
    }

    /// Reads what stands behind a `/start` that the bot of `source` got; `None` if it has not even the shape.
    #[must_use]
    pub fn open(&self, payload: &str, source: &SourceId, now: UnixMillis) -> Option<Result<Invitation, BadInvitation>> {
        let bytes: [u8; BYTES] = BASE64.decode(payload).ok()?.try_into().ok()?;
        let (signed, signature) = bytes.split_at(NONCE_END);
        if self.over(signed, source).verify_truncated_left(signature).is_err() || signed[0] != VERSION {
            return Some(Err(BadInvitation::Forged));
        }
        let invitation = Invitation {
            contact: number(&signed[1..CONTACT_END]),
            expires_at_seconds: u32::try_from(number(&signed[CONTACT_END..EXPIRY_END])).unwrap_or(u32::MAX),
            nonce: number(&signed[EXPIRY_END..]).to_be_bytes(),
        };
        Some(if now < invitation.expires_at() { Ok(invitation) } else { Err(BadInvitation::Expired) })
    }

    fn over(&self, signed: &[u8], source: &SourceId) -> Hmac<Sha1> {
        self.0.clone().chain_update(signed).chain_update(source.as_str())
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn keyed(key: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
#[path = "invite_tests.rs"]
mod tests;
