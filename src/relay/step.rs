//! The results of steps.

use crate::{
    domain::retry::Failure,
    store::{Outcome, StateChange, StoreError},
};

/// A step that succeeded.
pub(super) struct Step {
    pub(super) outcome: Outcome,
    /// Whether the remote itself has decided this. If not, it says nothing about the connection.
    pub(super) reached_remote: bool,
}

/// A step that failed.
pub(super) enum StepError {
    /// The store failed: that ends the process, not the job.
    Store(StoreError),
    /// The job failed, for now or for good.
    Failed {
        failure: Failure,
        /// Whether the remote itself has decided this.
        reached_remote: bool,
        /// Whether a final failure is dropped instead of parked.
        is_best_effort: bool,
    },
}

/// The result of a step.
pub(super) type StepResult = Result<Step, StepError>;

impl Step {
    pub(super) const fn remote(outcome: Outcome) -> Self {
        Self { outcome, reached_remote: true }
    }

    pub(super) const fn local(outcome: Outcome) -> Self {
        Self { outcome, reached_remote: false }
    }

    /// The job is done, and nothing follows.
    pub(super) const fn done() -> Self {
        Self::local(done())
    }

    /// The step with further state changes, if it has done the job.
    pub(super) fn with_changes(mut self, learned: Vec<StateChange>) -> Self {
        if let Outcome::Done { changes, .. } = &mut self.outcome {
            changes.extend(learned);
        }
        self
    }
}

impl StepError {
    /// A failure that the remote has not decided.
    pub(super) const fn local(failure: Failure) -> Self {
        Self::Failed { failure, reached_remote: false, is_best_effort: false }
    }

    /// A failure that the remote has decided.
    pub(super) const fn remote(failure: Failure) -> Self {
        Self::Failed { failure, reached_remote: true, is_best_effort: false }
    }

    /// The same for something that is not worth a person's time.
    pub(super) fn best_effort(self) -> Self {
        match self {
            Self::Failed { failure, reached_remote, .. } => {
                Self::Failed { failure, reached_remote, is_best_effort: true }
            }
            store @ Self::Store(_) => store,
        }
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A step as the breaker and the retry policy judge it.
pub(super) struct Attempted {
    pub(super) outcome: Result<Outcome, Failure>,
    pub(super) reached_remote: bool,
    pub(super) is_best_effort: bool,
}

impl Attempted {
    /// A job that failed without a step, or whose step was aborted.
    pub(super) const fn failed(failure: Failure, reached_remote: bool) -> Self {
        Self { outcome: Err(failure), reached_remote, is_best_effort: false }
    }

    pub(super) fn of(result: StepResult) -> Result<Self, StoreError> {
        match result {
            Ok(Step { outcome, reached_remote }) => {
                Ok(Self { outcome: Ok(outcome), reached_remote, is_best_effort: false })
            }
            Err(StepError::Failed { failure, reached_remote, is_best_effort }) => {
                Ok(Self { outcome: Err(failure), reached_remote, is_best_effort })
            }
            Err(StepError::Store(error)) => Err(error),
        }
    }
}

/// Nothing follows.
pub(super) const fn done() -> Outcome {
    Outcome::Done { then: Vec::new(), changes: Vec::new() }
}
