//! The keys of the notes about expiry.

use sha1::{Digest as _, Sha1};

use crate::{
    domain::time::UnixMillis,
    store::keys::{EXPIRIES, with},
};

/// Replaces the key in a note about several keys. No table has this number.
const PACKED: u8 = 0;

/// The note that `key` expires at `at`. Instants before the epoch count as the epoch.
pub(in crate::store) fn expiry(at: UnixMillis, key: &[u8]) -> Vec<u8> {
    with(b'e', &[&u64::try_from(at.0).unwrap_or(0).to_be_bytes()[..], key].concat())
}

/// The note that several keys, which are in `value`, expire from `at` on.
pub(in crate::store) fn packed_expiry(at: UnixMillis, value: &[u8]) -> Vec<u8> {
    expiry(at, &[&[PACKED], &Sha1::digest(value)[..size_of::<u64>()]].concat())
}

/// When the first key of a note expires.
pub(in crate::store) fn expires_at(expiry: &[u8]) -> Option<UnixMillis> {
    let at = u64::from_be_bytes(*expiry.strip_prefix(EXPIRIES)?.first_chunk()?);
    Some(UnixMillis(i64::try_from(at).unwrap_or(i64::MAX)))
}

/// The key that a note is about; `None` if its value has several.
pub(in crate::store) fn expired(expiry: &[u8]) -> Option<&[u8]> {
    expiry.get(1 + size_of::<u64>()..).filter(|key| key.first() != Some(&PACKED))
}
