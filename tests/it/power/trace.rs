//! What `shim.c` has written down.

use std::{fs, path::Path};

/// One thing that a process did to its files.
#[derive(Debug)]
pub(super) enum Op {
    Open { fd: i32, path: String, flags: u64 },
    Write { fd: i32, offset: usize, bytes: Vec<u8> },
    Truncate { fd: i32, length: usize },
    Sync { fd: i32 },
    Rename { from: String, to: String },
    Remove { path: String },
    MakeFolder { path: String },
}

/// The record in a file. A process that was killed may have left its last line unfinished.
pub(super) fn read(file: &Path) -> Vec<Op> {
    let bytes = fs::read(file).unwrap();
    let (mut rest, mut ops) = (bytes.as_slice(), Vec::new());
    while let Some(op) = one(&mut rest) {
        ops.push(op);
    }
    ops
}

fn one(rest: &mut &[u8]) -> Option<Op> {
    let [op] = array(rest)?;
    let fd = i32::from_ne_bytes(array(rest)?);
    let number = u64::from_ne_bytes(array(rest)?);
    let lengths = [array(rest)?, array(rest)?].map(|length| u32::from_ne_bytes(length) as usize);
    let (a, b) = (take(rest, lengths[0])?.to_vec(), take(rest, lengths[1])?.to_vec());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let size = || usize::try_from(number).unwrap();
    Some(match op {
        b'O' => Op::Open { fd, path: text(a), flags: number },
        b'W' => Op::Write { fd, offset: size(), bytes: a },
        b'T' => Op::Truncate { fd, length: size() },
        b'S' => Op::Sync { fd },
        b'R' => Op::Rename { from: text(a), to: text(b) },
        b'U' => Op::Remove { path: text(a) },
        b'M' => Op::MakeFolder { path: text(a) },
        other => panic!("{other} is no operation"),
    })
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    take(rest, N)?.try_into().ok()
}
