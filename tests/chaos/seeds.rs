//! Many seeds, one after the other. What has passed is not played again, so that they need not run at one stretch.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::report::Figures;

/// What came of a seed: a line of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Result {
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    /// None if what was played is no commit.
    pub(crate) commit: Option<String>,
    pub(crate) is_optimised: bool,
    /// What alone was allowed to go wrong, and what was played in place of the seed, if anything was.
    pub(crate) troubles: Option<String>,
    pub(crate) schedule: Option<String>,
    /// Why it has failed, if it has.
    pub(crate) failure: Option<String>,
    pub(crate) figures: Figures,
}

/// The results that are kept in a file. A last line that was cut short is left out.
pub(crate) fn read(file: &Path) -> Vec<Result> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Adds a result to the file.
pub(crate) fn add(file: &Path, result: &Result) {
    let text = fs::read_to_string(file).unwrap_or_default();
    let begins = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let mut file = File::options().create(true).append(true).open(file).unwrap();
    writeln!(file, "{begins}{}", serde_json::to_string(result).unwrap()).unwrap();
}

/// The result of a seed that has passed already, with the same commit, for as long and built alike.
pub(crate) fn passed<'r>(results: &'r [Result], wanted: &Result) -> Option<&'r Result> {
    let is_same = |it: &&Result| {
        let built = |it: &Result| (it.commit.clone(), it.is_optimised);
        let played = |it: &Result| (it.seed, it.seconds, it.troubles.clone(), it.schedule.clone());
        it.failure.is_none() && it.commit.is_some() && built(it) == built(wanted) && played(it) == played(wanted)
    };
    results.iter().find(is_same)
}

/// A table with a row for each seed, and the figures of all of them.
pub(crate) fn table(results: &[Result]) -> String {
    let row = |it: &Result| {
        let verdict = if it.failure.is_none() { "passed" } else { "FAILED" };
        let figure = |what| it.figures.count("messages", what);
        let (written, taken) = (figure("of customers"), figure("answers taken"));
        format!("| {:>6} | {verdict} | {written:>8} | {taken:>8} | {:>12} |\n", it.seed, it.figures.slowest_ms())
    };
    let head = "| Seed   | Verdict | Messages | Answers | Slowest, ms \
        |\n|-------:|:--------|---------:|--------:|------------:|\n";
    let all = results.iter().fold(Figures::default(), |all, it| all.and(&it.figures));
    let failed = results.iter().filter(|it| it.failure.is_some()).count();
    let rows = results.iter().map(row).collect::<String>();
    format!("{head}{rows}\n{} seeds, {failed} failed\n\n{all}", results.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(seed: u64, commit: Option<&str>, failure: Option<&str>) -> Result {
        let (commit, failure) = (commit.map(str::to_owned), failure.map(str::to_owned));
        let (troubles, schedule, figures) = (None, None, Figures::default());
        Result { seed, seconds: 10, commit, is_optimised: false, troubles, schedule, failure, figures }
    }

    #[test]
    fn only_what_has_passed_with_this_commit_is_left_out() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("record.jsonl");
        assert_eq!(read(&file), []);
        let results = [
            result(1, Some("a"), None),
            result(2, Some("a"), Some("lost")),
            result(3, Some("b"), None),
            result(4, None, None),
            Result { seconds: 600, ..result(5, Some("a"), None) },
            Result { is_optimised: true, ..result(6, Some("a"), None) },
            Result { troubles: Some("killed".to_owned()), ..result(7, Some("a"), None) },
            Result { schedule: Some("[]".to_owned()), ..result(9, Some("a"), None) },
        ];
        for result in &results {
            add(&file, result);
        }
        // The last line is cut short, as by a kill.
        fs::write(&file, fs::read_to_string(&file).unwrap() + "{\"seed\":10,\"sec").unwrap();
        add(&file, &result(8, Some("a"), None));
        let kept = read(&file);
        assert_eq!(kept.len(), results.len() + 1);
        let left_out = |seed| passed(&kept, &result(seed, Some("a"), None)).is_some();
        assert_eq!((1..=10).filter(|seed| left_out(*seed)).collect::<Vec<_>>(), [1, 8]);
        assert!(passed(&kept, &result(4, None, None)).is_none(), "nobody knows what was played");
        let table = table(&kept);
        assert!(table.contains("9 seeds, 1 failed") && table.contains("|      2 | FAILED "), "{table}");
    }
}
