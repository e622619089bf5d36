//! The keys of values in chunks.

use crate::store::keys::{CHUNKS, with};

/// The key of the row with the owner of the chunks with this id, which is also the prefix of the chunks' keys.
pub(in crate::store) fn chunks(id: u64) -> Vec<u8> {
    with(b'#', &id.to_be_bytes())
}

/// The key of a chunk.
pub(in crate::store) fn chunk(id: u64, number: u32) -> Vec<u8> {
    [&chunks(id)[..], &number.to_be_bytes()].concat()
}

/// Whether a key belongs to a chunk.
pub(in crate::store) fn is_chunk(key: &[u8]) -> bool {
    key.starts_with(CHUNKS)
}

/// The id in the key of a chunk.
pub(in crate::store) fn chunks_id(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.strip_prefix(CHUNKS)?.first_chunk()?))
}
