//! The figures, as a table.

use std::collections::BTreeMap;

use crate::{
    checks::Verdict,
    proxy::{Fault, Proxy},
    run::Run,
};

/// Prints the figures of a run.
pub(crate) fn print(run: &Run, verdict: &Verdict, phases: u64) {
    let mut rows = vec![
        ("phases".to_owned(), phases.to_string()),
        ("messages of customers".to_owned(), verdict.written.to_string()),
        ("new wordings told as messages".to_owned(), verdict.told_anew.to_string()),
        ("answers taken".to_owned(), verdict.accepted.to_string()),
        ("answers delivered".to_owned(), verdict.delivered.to_string()),
        ("answers that may not have arrived".to_owned(), verdict.uncertain.to_string()),
        ("answers that failed".to_owned(), verdict.failed.to_string()),
        ("answers doubled by a kill".to_owned(), verdict.doubled.to_string()),
        ("ended by itself".to_owned(), run.bridge.own_ends.len().to_string()),
        ("slowest recovery".to_owned(), format!("{:.1?}", run.slowest)),
    ];
    rows.extend(run.happened.iter().map(|(what, count)| (what.clone(), count.to_string())));
    let mut faults: BTreeMap<Fault, u64> = BTreeMap::new();
    for (fault, count) in run.ways.iter().flat_map(Proxy::happened) {
        *faults.entry(fault).or_default() += count;
    }
    rows.extend(faults.iter().map(|(fault, count)| (format!("{fault:?}"), count.to_string())));
    for (what, figure) in rows {
        println!("| {what:<34} | {figure:>8} |");
    }
}
