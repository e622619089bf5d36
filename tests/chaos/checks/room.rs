//! What the bridge takes: its memory and its disk stay within bounds that do not depend on what went wrong.

use std::{fs, path::Path};

use super::{Scene, Verdict};

/// The most memory, in KiB.
const MEMORY_KIB: u64 = 200 << 10;
/// The most that stands on the disk for the store itself, and for each message that was ever said, in bytes.
const STORE_BYTES: u64 = 48 << 20;
const MESSAGE_BYTES: u64 = 16 << 10;

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    let status = scene.process.and_then(|id| fs::read_to_string(format!("/proc/{id}/status")).ok()).unwrap_or_default();
    let of_status = |line: &str| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok();
    let resident = status.lines().find_map(of_status);
    match resident {
        Some(kib) if kib <= MEMORY_KIB => {}
        other => verdict.problem(format!("the bridge has {other:?} KiB of memory, of {MEMORY_KIB} at most")),
    }
    let said = scene.book.said.values().map(|said| said.written.len() + said.answers.len()).sum::<usize>();
    let most = STORE_BYTES + MESSAGE_BYTES * u64::try_from(said).unwrap_or(u64::MAX);
    let bytes = size(&scene.stage.dir().join("data"));
    if bytes > most || bytes == 0 {
        verdict.problem(format!("{bytes} bytes stand on the disk for {said} messages, of {most} at most"));
    }
}

/// Files come and go meanwhile.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(it) if it.is_dir() => size(&entry.path()),
        Ok(it) => it.len(),
        Err(_) => 0,
    };
    entries.map(one).sum()
}
