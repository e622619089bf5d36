//! The keys of the one tree. The first byte is the table:
//!
//! | Key | Value |
//! |---|---|
//! | `m` name | about the store itself |
//! | `o` bot | where the next poll starts |
//! | `j` lane, sequence, part | a waiting job |
//! | `p` sequence | a parked message |
//! | `~` sequence, key | the row from under that key in `j` or `x`, which cannot be read |
//! | `d` idempotency key | when it expires |
//! | `c` conversation | its chat in Kommo |
//! | `a` conversation | when its last message was |
//! | `t` our message id | Kommo's |
//! | `k` Kommo's message id | ours, in order |
//! | `b` conversation | whether the bot has access to its chat |
//! | `h` bot, connection | a connection of Telegram Business |
//! | `w` bot, owner | the newest connection of that person |
//! | `g` conversation | the chat that its group is now |
//! | `f` conversation | the one that its group had before |
//! | `n` conversation | the newest message of its customer |
//! | `z` conversation | the topic that its newest message is in |
//! | `0` conversation | the newest answer of several parts in a chat with topics, and its topic |
//! | `1` conversation | the latest message that Kommo has of it, the date of that, and which was the latest when the store was last known to be complete |
//! | `2` conversation | the last messages from Kommo that have reached its customer |
//! | `3` conversation | the unanswered message in it, in a person's own chat |
//! | `4` scope, bot, chat, block | which numbers of this block of messages were imported |
//! | `5` scope, conversation | the chat in Kommo that it was imported into |
//! | `6` bot, number | an update that is kept for programs, by our number of it |
//! | `7` program | the progress and the settings of a program |
//! | `8` bot | the number of its next kept update |
//! | `9` conversation | a manager has written in it; when that expires |
//! | `u` conversation | its answers that are not known to be read |
//! | `i` name of an invitation | who used it |
//! | `x` conversation | a held `/start` |
//! | `y` conversation | what has been recorded in Kommo of its customer |
//! | `q` phone number | the customer who shared it as their own, and when |
//! | `r` customer | the same by the customer |
//! | `l` conversation | the chat that a manager has started with its customer, until they answer |
//! | `s` Kommo's chat id | the conversation with whose customer a manager has started that chat |
//! | `v` bot, customer | the customer's avatar |
//! | `e` instant, key | the key expires then |
//! | `e` instant, 0, digest | several keys that expire then or later, each with the milliseconds after the instant |
//! | `#` id | the key of a row whose value is in chunks (`chunks`) |
//! | `#` id, number | one of the chunks |
//!
//! Numbers are big-endian, so that keys sort as numbers do. A lane is its route and its thread, each prefixed with its
//! length: the jobs of a lane are adjacent, and no lane's key is a prefix of another's.

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
/// Behind all other tables, since dumps rely on rows that only move forward.
pub(super) const ASIDE: &[u8] = b"~";
pub(super) const EXPIRIES: &[u8] = b"e";
pub(super) const CHUNKS: &[u8] = b"#";
/// Above all chunks, and below every other key.
pub(super) const BEHIND_CHUNKS: &[u8] = b"#\xff\xff\xff\xff\xff\xff\xff\xff\xff";

fn with(table: u8, rest: &[u8]) -> Vec<u8> {
    [&[table], rest].concat()
}

/// The longest foreign id that is stored unchanged in a key. A page has up to 256 keys, and must not become so large
/// that sled puts it into a file of its own.
const LONGEST_ID: usize = 200;

/// The bytes in a key for a foreign id of any length: a long id is shortened, and a digest added.
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

/// The end of all sequences. A higher one comes from a damaged disk, and is never incremented.
pub(super) const SEQUENCES_END: u64 = 1 << 63;

/// The sequence of a row that was set aside and whose key has none. No arrival gets it, or the two would be one.
pub(super) const NO_SEQUENCE: u64 = 0;

/// The sequence after that of a key, if the key has a valid one.
pub(super) fn next_sequence(key: &[u8]) -> Option<u64> {
    sequence_of(key).filter(|sequence| (NO_SEQUENCE + 1..SEQUENCES_END).contains(sequence)).map(|sequence| sequence + 1)
}

/// The sequence of a parked message's key.
pub(super) fn parked_sequence(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(PARKED)?.try_into().ok()?))
}

/// The key of a row that was set aside, from its former key.
pub(super) fn aside(sequence: u64, former: &[u8]) -> Vec<u8> {
    [ASIDE, &sequence.to_be_bytes(), former].concat()
}

/// The sequence and the former key in a key of [`aside`].
pub(super) fn aside_parts(key: &[u8]) -> Option<(u64, &[u8])> {
    let (sequence, former) = key.strip_prefix(ASIDE)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*sequence), former))
}

/// The sequence in a key of any table, if it has one.
pub(super) fn sequence_of(key: &[u8]) -> Option<u64> {
    let of_aside = || aside_parts(key).map(|(sequence, _)| sequence);
    RawJobKey::parse(key).map(|place| place.sequence).or_else(|| parked_sequence(key)).or_else(of_aside)
}

/// The prefix of the keys of a lane's jobs.
pub(super) fn lane(lane: &Lane) -> Vec<u8> {
    let mut key = JOBS.to_vec();
    for part in [lane.route.to_string().as_bytes(), lane.thread.as_bytes()] {
        // Routes and threads are short by construction; longer ones would only share a lane.
        let part = &part[..part.len().min(usize::from(u16::MAX))];
        key.extend(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        key.extend(part);
    }
    key
}

/// The key of a job: its lane, the sequence of its arrival, and its part of that; 0 is the arrival itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobKey {
    pub(super) lane: Lane,
    pub(super) sequence: u64,
    pub(super) part: u16,
}

/// A job's key as it is stored. Its route may be one that only a newer version knows.
pub(super) struct RawJobKey<'a> {
    pub(super) route: &'a str,
    pub(super) thread: &'a str,
    pub(super) sequence: u64,
    pub(super) part: u16,
}

impl<'a> RawJobKey<'a> {
    /// The length of the part at the end of the key.
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
    /// The length of a key behind its lane.
    pub(super) const BYTES: usize = size_of::<u64>() + RawJobKey::PART_BYTES;

    pub(super) fn key(&self) -> Vec<u8> {
        [&lane(&self.lane)[..], &self.sequence.to_be_bytes(), &self.part.to_be_bytes()].concat()
    }

    /// The prefix of the keys of the same arrival's parts.
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
