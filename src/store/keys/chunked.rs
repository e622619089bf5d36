//! The keys of values that lie in chunks.

use crate::store::keys::{CHUNKS, with};

/// Whose the chunks with this id are; the keys of the chunks begin with it.
pub(in crate::store) fn chunks(id: u64) -> Vec<u8> {
    with(b'#', &id.to_be_bytes())
}

/// A chunk of a row.
pub(in crate::store) fn chunk(id: u64, number: u32) -> Vec<u8> {
    [&chunks(id)[..], &number.to_be_bytes()].concat()
}

/// Whether a key is a chunk's.
pub(in crate::store) fn is_chunk(key: &[u8]) -> bool {
    key.starts_with(CHUNKS)
}

/// The id that a chunk's key names.
pub(in crate::store) fn chunks_id(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.strip_prefix(CHUNKS)?.first_chunk()?))
}
