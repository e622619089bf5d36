//! Small changes of bytes, the same ones at every run.

/// What is often read in another way than its neighbours.
const TOKENS: [&[u8]; 40] = [
    b"null",
    b"true",
    b"false",
    b"0",
    b"-1",
    b"1e999",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551615",
    b"\"\"",
    b"\" \"",
    b"{}",
    b"[]",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\",
    b"\\u0000",
    b"\\ud83d",
    b"\\ud83d\\ude00",
    "\u{200d}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    "👩\u{200d}👧".as_bytes(),
    "é".as_bytes(),
    b"../",
    b"/",
    b"%00",
    b"%2e%2e",
    b"\r\n",
    b"\n",
    b"\0",
    b"\xff",
    b"=",
    b"#",
    b"<b>",
];
/// The longest run of bytes that is moved at once.
const LONGEST_RUN: u64 = 64;

/// Draws changes from its name alone (`SplitMix64`).
pub(super) struct Mutator(u64);

impl Mutator {
    pub(super) fn new(name: &str) -> Self {
        Self(name.bytes().fold(0, |seed, byte| seed.wrapping_mul(257).wrapping_add(byte.into())))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }

    /// One of the seeds with a few changes.
    pub(super) fn changed(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + usize::try_from(self.next() % LONGEST_RUN).unwrap()).min(bytes.len());
        match self.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 => bytes.insert(at, u8::try_from(self.below(256)).unwrap()),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let run = bytes[at..end].to_vec();
                bytes.splice(at..at, run);
            }
            4 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                let to = (from + usize::try_from(self.next() % LONGEST_RUN).unwrap()).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            5 => bytes.truncate(at),
            6 => {
                // The value of a field, or an element of a list.
                let rest = bytes[at..].iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b'\n'));
                let end = rest.map_or(bytes.len(), |length| at + length);
                bytes.splice(at..end, TOKENS[self.below(TOKENS.len())].iter().copied());
            }
            _ => drop(bytes.splice(at..at, TOKENS[self.below(TOKENS.len())].iter().copied())),
        }
    }
}
