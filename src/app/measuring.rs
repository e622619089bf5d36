//! The metrics that exist from the start.

use crate::{config::Config, intake::hook, metrics::Expected, relay::retry_policy};

/// The labels of this configuration.
pub(super) fn expected(config: &Config) -> Expected {
    Expected {
        sources: config.sources.keys().cloned().collect(),
        programs: config.programs.keys().cloned().collect(),
        targets: config.alerts.targets.keys().cloned().collect(),
        hooks: hook::NAMES.into_iter().chain(["irregular"]).collect(),
        jobs: retry_policy::NAMES.to_vec(),
    }
}
