//! `telekommo restore`: back to the last dump.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;

use crate::{
    cli::backup,
    clock,
    domain::{amount::duration_in_words, time::UnixMillis},
    store::{RestoreSummary, Store, dumps},
};

/// What a dump cannot bring back.
const LOST: &str = "what came after the dump is not in it: customers' messages that had not reached Kommo yet are \
    lost, and replies, edits and reactions do not find newer messages";

/// What was restored, for the operator to read.
#[derive(Debug)]
pub struct Restored {
    from: PathBuf,
    summary: RestoreSummary,
    at: UnixMillis,
    /// What else came out of a backup.
    beside: Option<String>,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "restored from {}", self.from.display())?;
        if let Some(dumped_at) = self.summary.dumped_at {
            write!(f, ", which is {} old", age(dumped_at.until(self.at)))?;
        }
        write!(f, ": {}\n{LOST}", self.summary)?;
        self.beside.as_ref().map_or(Ok(()), |beside| write!(f, "\n{beside}"))
    }
}

/// Restores the store in `data_dir` from `dump`, which may be a backup, or from the newest dump there is. It wants no
/// configuration, so that it works without the secrets that only the service can read.
///
/// # Errors
/// If there is no dump, it is not whole, or the store is in use.
pub fn run(data_dir: &Path, dump: Option<PathBuf>) -> anyhow::Result<Restored> {
    let from = dump.map_or_else(|| newest(&dumps::dir(data_dir)), Ok)?;
    let at = clock::now();
    if backup::is_one(&from) {
        let unpacked = backup::unpack(data_dir, &from)?;
        let beside = Some(unpacked.to_string());
        return Ok(Restored { from, summary: unpacked.summary, at, beside });
    }
    let summary = Store::restore(data_dir, &from)?;
    Ok(Restored { from, summary, at, beside: None })
}

/// An age in words, to the minute.
fn age(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    if minutes == 0 {
        return "less than a minute".to_owned();
    }
    duration_in_words(Duration::from_mins(minutes))
}

fn newest(dumps: &Path) -> anyhow::Result<PathBuf> {
    let all = dumps::all(dumps).with_context(|| format!("looking for dumps in {}", dumps.display()))?;
    let newest = all.into_iter().next_back().map(|(_, path)| path);
    newest.with_context(|| {
        format!(
            "there is no dump in {}: name the data directory, or a dump. Without a dump, the store can only begin \
             empty: move `store` and `store.marker` out of the data directory and start",
            dumps.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_old_a_dump_is_and_what_is_lost() {
        let at = UnixMillis(1_786_017_600_000);
        let dumped_at = Some(at.minus(Duration::from_mins(61)));
        let summary =
            RestoreSummary { dumped_at, rows: 1, chats: 1, waiting: 2, parked_before: 1, ..RestoreSummary::default() };
        let text = Restored { from: "data/dumps/1".into(), summary, at, beside: None }.to_string();
        assert!(
            text.starts_with(
                "restored from data/dumps/1, which is 1 hour 1 minute old: 1 row, among them 1 conversation, 2 jobs \
                 that wait and 1 parked message\n"
            ),
            "{text}"
        );
        assert!(text.contains("customers' messages that had not reached Kommo yet are lost"), "{text}");
        assert_eq!(age(Duration::from_secs(59)), "less than a minute");
    }
}
