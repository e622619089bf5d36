//! The keys of the one tree. The first byte is the table:
//!
//! | Key | Value |
//! |---|---|
//! | `m` name | about the store itself |
//! | `o` bot | where the next poll starts |
//! | `j` lane, sequence, part | a waiting job |
//! | `p` sequence | a parked message |
//! | `~` sequence, key | what was under that key in `j` or `x`, and cannot be read |
//! | `d` dedupe id | until when it is known |
//! | `c` conversation | its chat in Kommo |
//! | `a` conversation | when something was last said in it |
//! | `t` our message id | Kommo's |
//! | `k` Kommo's message id | ours, in order |
//! | `b` conversation | whether the bot is let into its chat |
//! | `h` bot, connection | a connection of Telegram Business |
//! | `w` bot, owner | the newest connection of that person |
//! | `g` conversation | the chat that its group is now |
//! | `f` conversation | the one that its group had before |
//! | `n` conversation | the newest message of its customer |
//! | `z` conversation | the topic that its newest message is in |
//! | `0` conversation | the newest answer of several parts in a chat with topics, and where it is |
//! | `1` conversation | the latest message that Kommo has of it, when that was sent, and which was the latest when the store was last known to be whole |
//! | `2` conversation | the last messages of Kommo's that its customer has got |
//! | `3` conversation | what waits for an answer in it, in a person's own chat |
//! | `4` scope, bot, chat, block | which numbers of this block of messages were imported |
//! | `5` scope, conversation | the chat in Kommo that it was imported into |
//! | `6` bot, number | an update that is kept for programs, by our number of it |
//! | `7` program | how far a program has come, and what it has asked for |
//! | `8` bot | the number of its next update that is kept |
//! | `9` conversation | a manager has written in it; until when that is remembered |
//! | `u` conversation | its answers that nothing shows to be read |
//! | `i` name of an invitation | who used it |
//! | `x` conversation | a `/start` that is held |
//! | `y` conversation | what was told of its customer |
//! | `q` phone number | the customer whose own it is, and since when |
//! | `r` customer | the same by the customer |
//! | `l` conversation | the chat that a manager has begun with its customer, until they answer |
//! | `s` Kommo's chat id | the conversation whose customer it was begun with |
//! | `v` bot, customer | how the customer looks |
//! | `e` instant, key | the key expires then |
//! | `e` instant, 0, digest | keys that expire, each with how much later in milliseconds |
//! | `#` id | the key of a row whose value lies in chunks (`chunks`) |
//! | `#` id, number | one of the chunks |
//!
//! Numbers are big-endian, so that keys sort as numbers do. A lane is its route and its thread, each with its length in
//! front: the jobs of a lane lie together, and no lane's name can reach into another's.

use sha1::{Digest as _, Sha1};

use crate::{domain::job::Lane, store::hex::hex};

mod chunked;
mod expiries;

pub(super) use self::{
    chunked::{chunk, chunks, chunks_id, is_chunk},
    expiries::{expired, expires_at, expiry, packed_expiry},
};

pub(super) const SCHEMA: &[u8] = b"mschema";
pub(super) const SEQUENCE: &[u8] = b"msequence";
/// Progress of a change that is too large for one commit.
pub(super) const JOURNAL: &[u8] = b"mjournal";
pub(super) const BEGUN: &[u8] = b"mbegun";
pub(super) const JOBS: &[u8] = b"j";
pub(super) const PARKED: &[u8] = b"p";
/// Behind all others, since dumps rely on rows that only move forward.
pub(super) const ASIDE: &[u8] = b"~";
pub(super) const EXPIRIES: &[u8] = b"e";
pub(super) const CHUNKS: &[u8] = b"#";
/// Above all chunks, and below every other key.
pub(super) const BEHIND_CHUNKS: &[u8] = b"#\xff\xff\xff\xff\xff\xff\xff\xff\xff";

fn with(table: u8, rest: &[u8]) -> Vec<u8> {
    [&[table], rest].concat()
}

/// The longest id of somebody else's that stands in a key as it is. A page has up to 256 keys, and must not become so
/// large that sled makes a file of it.
const LONGEST_ID: usize = 200;

/// What stands in a key for an id that somebody else has made, and that may have any length: of a long one the
/// beginning and a digest.
pub(super) fn id_bytes(id: &str) -> Vec<u8> {
    if id.len() <= LONGEST_ID {
        return id.as_bytes().to_vec();
    }
    let digest = hex(&Sha1::digest(id));
    let begin = &id[..id.floor_char_boundary(LONGEST_ID - digest.len())];
    format!("{begin}{digest}").into_bytes()
}

/// A key for people, without a phone number.
pub(super) fn shown(key: &[u8]) -> String {
    let shown = if key.first() == Some(&b'q') { b"q\xe2\x80\xa6" } else { key };
    String::from_utf8_lossy(shown).escape_debug().to_string()
}

pub(super) fn parked(sequence: u64) -> Vec<u8> {
    with(b'p', &sequence.to_be_bytes())
}

/// No store gives a sequence as high as this. One that is comes from a damaged disk, and nothing is counted on from it.
pub(super) const SEQUENCES_END: u64 = 1 << 63;

/// What is set aside with a key that tells no sequence has this one. No arrival is given it, or the two would be one.
pub(super) const NO_SEQUENCE: u64 = 0;

/// The number behind that of a key, if the key has one that a store gives.
pub(super) fn next_sequence(key: &[u8]) -> Option<u64> {
    sequence_of(key).filter(|sequence| (NO_SEQUENCE + 1..SEQUENCES_END).contains(sequence)).map(|sequence| sequence + 1)
}

/// The sequence of a parked message's key.
pub(super) fn parked_sequence(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(PARKED)?.try_into().ok()?))
}

/// Where a row is set aside that was under `former`.
pub(super) fn aside(sequence: u64, former: &[u8]) -> Vec<u8> {
    [ASIDE, &sequence.to_be_bytes(), former].concat()
}

/// What [`aside`] has put together.
pub(super) fn aside_parts(key: &[u8]) -> Option<(u64, &[u8])> {
    let (sequence, former) = key.strip_prefix(ASIDE)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*sequence), former))
}

/// The sequence that a key of any table holds, if it holds one.
pub(super) fn sequence_of(key: &[u8]) -> Option<u64> {
    let of_aside = || aside_parts(key).map(|(sequence, _)| sequence);
    RawJobKey::parse(key).map(|place| place.sequence).or_else(|| parked_sequence(key)).or_else(of_aside)
}

/// What all jobs of a lane begin with.
pub(super) fn lane(lane: &Lane) -> Vec<u8> {
    let mut key = JOBS.to_vec();
    for part in [lane.route.to_string().as_bytes(), lane.thread.as_bytes()] {
        // Routes and threads are short by construction; a longer one would only share a lane.
        let part = &part[..part.len().min(usize::from(u16::MAX))];
        key.extend(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        key.extend(part);
    }
    key
}

/// A job's place: its lane, the sequence of its arrival, and its part of that; 0 is the arrival itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobKey {
    pub(super) lane: Lane,
    pub(super) sequence: u64,
    pub(super) part: u16,
}

/// A job's key as it is written. The route may be one that only a newer version knows.
pub(super) struct RawJobKey<'a> {
    pub(super) route: &'a str,
    pub(super) thread: &'a str,
    pub(super) sequence: u64,
    pub(super) part: u16,
}

impl<'a> RawJobKey<'a> {
    /// How long the part is, at the end of the key.
    pub(super) const PART_BYTES: usize = size_of::<u16>();

    pub(super) fn parse(key: &'a [u8]) -> Option<Self> {
        let (route, rest) = prefixed(key.strip_prefix(JOBS)?)?;
        let (thread, rest) = prefixed(rest)?;
        let (sequence, part) = rest.split_first_chunk::<8>()?;
        let (sequence, part) = (u64::from_be_bytes(*sequence), u16::from_be_bytes(part.try_into().ok()?));
        Some(Self { route, thread, sequence, part })
    }
}

impl JobKey {
    /// How long a key is behind its lane.
    pub(super) const BYTES: usize = size_of::<u64>() + RawJobKey::PART_BYTES;

    pub(super) fn key(&self) -> Vec<u8> {
        [&lane(&self.lane)[..], &self.sequence.to_be_bytes(), &self.part.to_be_bytes()].concat()
    }

    /// What all parts of the same arrival begin with.
    pub(super) fn siblings(&self) -> Vec<u8> {
        [&lane(&self.lane)[..], &self.sequence.to_be_bytes()].concat()
    }

    /// Reads a job's key; `None` if it is not one.
    pub(super) fn parse(key: &[u8]) -> Option<Self> {
        let RawJobKey { route, thread, sequence, part } = RawJobKey::parse(key)?;
        Some(Self { lane: Lane { route: route.parse().ok()?, thread: thread.to_owned() }, sequence, part })
    }
}

fn prefixed(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
