//! Detects for each source whether its files cannot be served at all.
//!
//! A single file that Telegram no longer has is normal. A server that finds files and does not serve them, or a disk
//! that cannot be read, breaks every picture of every customer, and only managers would see it. So the first failure of
//! that kind is logged, and several different files that fail in a row are a note in `/ready` until one is served
//! again.

use std::{fmt::Display, sync::Arc};

use dashmap::DashMap;

use crate::{
    domain::address::SourceId,
    metrics::{Cause, Metrics},
};

/// How many different files have to fail in a row until it counts as a problem.
const MAX_FAILURES: usize = 3;

/// Which files a failure affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureScope {
    /// Perhaps this file only.
    OneFile,
    /// All files.
    AllFiles,
}

/// The failures of each source.
pub(super) struct SourceHealth {
    metrics: Arc<Metrics>,
    failing: DashMap<SourceId, Failing>,
}

/// The files of one source that have failed since the last success.
#[derive(Default)]
struct Failing {
    files: Vec<String>,
    is_reported: bool,
}

impl SourceHealth {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, failing: DashMap::new() }
    }

    /// A file of this source was served.
    pub(super) fn served(&self, source: &SourceId) {
        self.metrics.file(source, true);
        let before = self.failing.remove(source);
        self.metrics.note(Cause::Files(source.clone()), None);
        if before.is_some_and(|(_, failing)| failing.is_reported) {
            tracing::info!(%source, "customers' files are served again");
        }
    }

    /// A file of this source could not be served. `why` is for the operator, and contains no address.
    pub(super) fn failed(&self, source: &SourceId, file_id: &str, scope: FailureScope, why: impl Display) {
        self.metrics.file(source, false);
        let mut failing = self.failing.entry(source.clone()).or_default();
        if failing.files.len() < MAX_FAILURES && !failing.files.iter().any(|known| known == file_id) {
            failing.files.push(file_id.to_owned());
        }
        let all_fail = failing.files.len() >= MAX_FAILURES;
        let should_warn = all_fail || scope == FailureScope::AllFiles;
        if should_warn && !std::mem::replace(&mut failing.is_reported, true) {
            tracing::warn!(%source, why = %why, "a customer's file could not be served to Kommo");
        } else {
            tracing::debug!(%source, why = %why, "a file was not served");
        }
        if all_fail {
            let text =
                format!("files of source {source}: none of the last {MAX_FAILURES} could be given to Kommo: {why}");
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
    fn one_file_that_fails_repeatedly_is_no_problem() {
        let (metrics, source_health, source) = source_health();
        for _ in 0..10 {
            source_health.failed(&source, "a", FailureScope::OneFile, "gone");
        }
        assert_eq!(metrics.advice(), Vec::<String>::new());
        assert!(!source_health.failing.get(&source).unwrap().is_reported);
    }

    #[test]
    fn files_that_all_fail_are_noted_until_one_is_served() {
        let (metrics, source_health, source) = source_health();
        let other = SourceId::parse("support").unwrap();
        for file in ["a", "b", "a", "c"] {
            assert_eq!(metrics.advice(), Vec::<String>::new(), "before {file}");
            source_health.failed(&source, file, FailureScope::OneFile, "gone");
        }
        source_health.served(&other);
        assert_eq!(metrics.advice(), ["files of source sales: none of the last 3 could be given to Kommo: gone"]);
        assert!(source_health.failing.get(&source).unwrap().is_reported);
        source_health.served(&source);
        assert_eq!(metrics.advice(), Vec::<String>::new());
        source_health.failed(&source, "a", FailureScope::OneFile, "gone");
        assert_eq!(metrics.advice(), Vec::<String>::new(), "it is counted anew");
    }

    #[test]
    fn a_failure_of_all_files_is_reported_at_once() {
        let (metrics, source_health, source) = source_health();
        source_health.failed(&source, "a", FailureScope::AllFiles, "HTTP 404");
        assert!(source_health.failing.get(&source).unwrap().is_reported);
        let text = metrics.text(Form::Prometheus);
        assert!(text.contains("telekommo_files_total{source=\"sales\",outcome=\"failed\"} 1"), "{text}");
    }
}
