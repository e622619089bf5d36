//! What follows from a step besides its outcome, collected by its stages.

use crate::{
    relay::step::Step,
    store::{NewJob, Outcome, StateChange},
};

/// Jobs and state changes that are stored when a job is settled, if the step has done it.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) jobs: Vec<NewJob>,
    /// In order.
    pub(super) changes: Vec<StateChange>,
}

impl Effects {
    /// The step with the collected effects.
    pub(super) fn with(self, mut step: Step) -> Step {
        if let Outcome::Done { then, changes } = &mut step.outcome {
            then.extend(self.jobs);
            // The changes of the step itself are newer.
            changes.splice(0..0, self.changes);
        }
        step
    }
}
