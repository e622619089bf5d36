//! What follows from a step besides its outcome, gathered on the way.

use crate::{
    relay::step::Step,
    store::{NewJob, Outcome, StateChange},
};

/// Jobs and state changes that are stored with the end of a job, if it is done by the step.
#[derive(Default)]
pub(super) struct Effects {
    /// What follows from it.
    pub(super) jobs: Vec<NewJob>,
    /// What was learned, in order.
    pub(super) changes: Vec<StateChange>,
}

impl Effects {
    /// The step with what was gathered on the way to it.
    pub(super) fn with(self, mut step: Step) -> Step {
        if let Outcome::Done { then, changes } = &mut step.outcome {
            then.extend(self.jobs);
            // What the step itself has learned is newer.
            changes.splice(0..0, self.changes);
        }
        step
    }
}
