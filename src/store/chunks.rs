//! Large rows in chunks.
//!
//! sled writes a page that exceeds 128 KiB into a file of its own, which it never syncs. A page has up to 17
//! neighbours, so no value may be large: a larger one becomes several chunks, in a table of their own, and the row
//! points to them.
//!
//! Chunks are written before the row that points to them, and removed after it: a crash in between leaves chunks that
//! belong to no row, and the next opening removes them.

use crate::store::keys;

/// The longest value in the tree, in bytes. A page of such values stays below 80 KiB.
pub(super) const MOST_BYTES: usize = 4096;

/// The value of a row whose content is in chunks: `#ID:BYTES`. The JSON of other rows never starts like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    /// The number in the keys of the chunks.
    pub(super) id: u64,
    /// The length of the whole value.
    pub(super) bytes: usize,
}

impl Pointer {
    /// Reads the pointer of a row; `None` for a row that has its content itself.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let (id, bytes) = std::str::from_utf8(value.strip_prefix(b"#")?).ok()?.split_once(':')?;
        Some(Self { id: id.parse().ok()?, bytes: bytes.parse().ok()? })
    }

    /// The value of the row.
    pub(super) fn write(self) -> Vec<u8> {
        format!("#{}:{}", self.id, self.bytes).into_bytes()
    }
}

/// The chunks of a value with their keys, in order.
pub(super) fn split(id: u64, value: &[u8]) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
    (0..).zip(value.chunks(MOST_BYTES)).map(move |(number, chunk)| (keys::chunk(id, number), chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_reads_back_and_json_is_none() {
        let pointer = Pointer { id: 7, bytes: 2 * MOST_BYTES + 1 };
        assert_eq!(Pointer::parse(&pointer.write()), Some(pointer));
        for json in [&b"{}"[..], b"\"#1:2\"", b"12", b"null", b"", b"#", b"#1", b"#:", b"#1:x", b"#-1:2", b"\xff"] {
            assert_eq!(Pointer::parse(json), None, "{json:?}");
        }
    }

    #[test]
    fn chunks_make_up_the_value_in_the_order_of_their_keys() {
        for (bytes, count) in [(MOST_BYTES + 1, 2), (2 * MOST_BYTES, 2), (300 * MOST_BYTES - 1, 300)] {
            let value: Vec<u8> = (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (keys, chunks): (Vec<_>, Vec<_>) = split(7, &value).unzip();
            assert_eq!(keys.len(), count);
            assert!(keys.is_sorted() && keys.iter().all(|key| keys::chunks_id(key) == Some(7)));
            assert_eq!(chunks.concat(), value);
        }
    }
}
