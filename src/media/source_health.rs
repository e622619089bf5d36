//! Whether customers' files can be served at all, source by source.
//!
//! One file that Telegram no longer has is nobody's fault. A server that finds files and serves none, or a disk that
//! cannot be read, breaks every picture of every customer, and only managers would see it. So the first failure of that
//! kind is logged, and several different files that fail one after the other are a note in `/ready` until one is served
//! again.

use std::{fmt::Display, sync::Arc};

use dashmap::DashMap;

use crate::{
    domain::address::SourceId,
    metrics::{Cause, Metrics},
};

/// How many different files have to fail one after the other until it is no accident.
const IN_A_ROW: usize = 3;

/// What a failure tells of the files to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureScope {
    /// It may be about this file alone.
    OneFile,
    /// It is about the way that all files take.
    AllFiles,
}

/// How the files of each source fare.
pub(super) struct SourceHealth {
    metrics: Arc<Metrics>,
    failing: DashMap<SourceId, Failing>,
}

/// The files of one source that failed since the last one that passed.
#[derive(Default)]
struct Failing {
    files: Vec<String>,
    is_told: bool,
}

impl SourceHealth {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, failing: DashMap::new() }
    }

    /// A file of this source has passed.
    pub(super) fn served(&self, source: &SourceId) {
        self.metrics.file(source, true);
        let before = self.failing.remove(source);
        self.metrics.note(Cause::Files(source.clone()), None);
        if before.is_some_and(|(_, failing)| failing.is_told) {
            tracing::info!(%source, "customers' files are served again");
        }
    }

    /// A file of this source could not be given. `why` is for the operator, and holds no address.
    pub(super) fn failed(&self, source: &SourceId, file_id: &str, reach: FailureScope, why: impl Display) {
        self.metrics.file(source, false);
        let mut failing = self.failing.entry(source.clone()).or_default();
        if failing.files.len() < IN_A_ROW && !failing.files.iter().any(|known| known == file_id) {
            failing.files.push(file_id.to_owned());
        }
        let are_all = failing.files.len() >= IN_A_ROW;
        let is_alarm = are_all || reach == FailureScope::AllFiles;
        if is_alarm && !std::mem::replace(&mut failing.is_told, true) {
            tracing::warn!(%source, why = %why, "a customer's file could not be served to Kommo");
        } else {
            tracing::debug!(%source, why = %why, "a file was not served");
        }
        if are_all {
            let text = format!("files of source {source}: none of the last {IN_A_ROW} could be given to Kommo: {why}");
            self.metrics.note(Cause::Files(source.clone()), Some(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Form;

    fn source_health() -> (Arc<Metrics>, SourceHealth, SourceId) {
        let metrics = Arc::new(Metrics::new());
        (Arc::clone(&metrics), SourceHealth::new(metrics), SourceId::parse("sales").unwrap())
    }

    #[test]
    fn one_file_that_fails_again_and_again_is_no_alarm() {
        let (metrics, source_health, source) = source_health();
        for _ in 0..10 {
            source_health.failed(&source, "a", FailureScope::OneFile, "gone");
        }
        assert_eq!(metrics.advice(), Vec::<String>::new());
        assert!(!source_health.failing.get(&source).unwrap().is_told);
    }

    #[test]
    fn files_that_all_fail_are_noted_until_one_passes() {
        let (metrics, source_health, source) = source_health();
        let other = SourceId::parse("support").unwrap();
        for file in ["a", "b", "a", "c"] {
            assert_eq!(metrics.advice(), Vec::<String>::new(), "before {file}");
            source_health.failed(&source, file, FailureScope::OneFile, "gone");
        }
        source_health.served(&other);
        assert_eq!(metrics.advice(), ["files of source sales: none of the last 3 could be given to Kommo: gone"]);
        assert!(source_health.failing.get(&source).unwrap().is_told);
        source_health.served(&source);
        assert_eq!(metrics.advice(), Vec::<String>::new());
        source_health.failed(&source, "a", FailureScope::OneFile, "gone");
        assert_eq!(metrics.advice(), Vec::<String>::new(), "it is counted anew");
    }

    #[test]
    fn the_first_file_tells_of_a_way_that_none_can_take() {
        let (metrics, source_health, source) = source_health();
        source_health.failed(&source, "a", FailureScope::AllFiles, "HTTP 404");
        assert!(source_health.failing.get(&source).unwrap().is_told);
        let text = metrics.text(Form::Prometheus);
        assert!(text.contains("telekommo_files_total{source=\"sales\",outcome=\"failed\"} 1"), "{text}");
    }
}
