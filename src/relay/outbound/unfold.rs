//! Replaces an answer by the calls that send it.

use crate::{
    domain::{job::Job, message::Outbound, retry::Failure},
    relay::{
        context::Context,
        outbound::{
            encode::encode,
            manager_initiated::{self, LaneChoice},
            media_group::{self, Answer},
        },
        step::{Step, StepError, StepResult},
    },
    store::{Lease, NewJob, Outcome},
};

/// Replaces an answer by its calls in its place in the lane, so that a retry of one repeats no other. Files that were
/// sent at once wait for each other.
pub(in crate::relay) async fn unfold(context: &Context, lease: &Lease, outbound: Outbound) -> StepResult {
    match manager_initiated::place(context, &outbound, lease.lane()).await? {
        LaneChoice::Here => {}
        LaneChoice::Elsewhere(lane) => {
            let then = vec![NewJob { id: None, lane, job: lease.job().clone() }];
            return Ok(Step::local(Outcome::Done { then, changes: Vec::new() }));
        }
        LaneChoice::Nowhere(refusal) => return Err(StepError::local(Failure::Permanent(refusal))),
    }
    let (group, written_at) = (outbound.group.clone(), outbound.written_at);
    let calls = encode(context, outbound)?;
    let outcome = match group {
        Some(group) => media_group::collect(context, lease, &group, Answer { written_at, calls })?,
        None => Outcome::Replace(calls.into_iter().map(Job::from).collect()),
    };
    Ok(Step::local(outcome))
}
