//! The figures, as a table for people and as JSON for programs.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{checks::Verdict, proxy::Proxy, run::Run};

pub(crate) const MESSAGES: &str = "messages";
const RECOVERY: &str = "recovery";
pub(crate) const MACHINE: &str = "machine and remotes";
const WAYS: &str = "requests that went wrong";
const SLOWEST: &str = "slowest, in ms";

/// What a run has counted, by what it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figures(BTreeMap<String, BTreeMap<String, u64>>);

impl Figures {
    /// Those of a run so far.
    pub(crate) fn of(run: &Run, verdict: &Verdict, phases: usize) -> Self {
        let mut this = Self::default();
        verdict.figures().for_each(|(what, count)| this.add(MESSAGES, what, count));
        this.add(MESSAGES, "problems", verdict.problems.len());
        this.add(RECOVERY, "phases", phases);
        this.add(RECOVERY, "bridges that ended by themselves", run.bridge.own_ends.len());
        this.add(RECOVERY, SLOWEST, usize::try_from(run.slowest.as_millis()).unwrap());
        run.happened.iter().for_each(|(what, count)| this.add(MACHINE, what, *count));
        for (fault, count) in run.ways.iter().flat_map(Proxy::happened) {
            this.add(WAYS, &fault.name(), usize::try_from(count).unwrap());
        }
        this
    }

    fn add(&mut self, about: &str, what: &str, count: usize) {
        *self.0.entry(about.to_owned()).or_default().entry(what.to_owned()).or_default() +=
            u64::try_from(count).unwrap();
    }

    /// The same for several runs together.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        for (about, rows) in &other.0 {
            for (what, count) in rows {
                let sum = self.0.entry(about.clone()).or_default().entry(what.clone()).or_default();
                *sum = if what == SLOWEST { (*sum).max(*count) } else { *sum + count };
            }
        }
        self
    }

    /// How many of something there were.
    pub(crate) fn count(&self, about: &str, what: &str) -> u64 {
        self.0.get(about).and_then(|rows| rows.get(what)).copied().unwrap_or_default()
    }

    /// How long the slowest recovery took, in milliseconds.
    pub(crate) fn slowest_ms(&self) -> u64 {
        self.count(RECOVERY, SLOWEST)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {:<24} | {:<46} | {:>8} |", "About", "What", "Figure")?;
        writeln!(f, "|:{:-<24}-|:{:-<46}-|-{:->8}:|", "", "", "")?;
        for (about, rows) in &self.0 {
            for (what, count) in rows {
                writeln!(f, "| {about:<24} | {what:<46} | {count:>8} |")?;
            }
        }
        Ok(())
    }
}

#[test]
fn the_figures_of_several_runs_are_added_and_the_slowest_of_them_stays() {
    let figures = |count, slowest| {
        let mut it = Figures::default();
        it.add(MESSAGES, "of customers", count);
        it.add(RECOVERY, SLOWEST, slowest);
        it
    };
    let both = figures(3, 700).and(&figures(4, 200));
    assert_eq!((both.count(MESSAGES, "of customers"), both.slowest_ms()), (7, 700));
    let again: Figures = serde_json::from_str(&serde_json::to_string(&both).unwrap()).unwrap();
    assert_eq!(again, both);
    assert!(both.to_string().contains("| messages                 | of customers "), "{both}");
}
