//! What Kommo is told of answers: how their delivery ended, and our ids of them.

use crate::{
    clock,
    domain::{
        address::KommoMessageId,
        delivery::{Delivery, DeliveryReport},
        job::{AssignClientId, Lane, StatusJob},
    },
    kommo::failure,
    relay::{
        context::Context,
        incoming::AttemptInfo,
        step::{Step, StepError, StepResult, done},
    },
    store::NewJob,
    translate::to_kommo,
};

/// How often a message is given its id of ours, before it goes without one.
const NAMED_TRIES: u32 = 5;

/// The job that tells Kommo how a delivery ended.
pub(super) fn report(lane: &Lane, message: KommoMessageId, delivery: Delivery) -> NewJob {
    NewJob { id: None, lane: lane.reports(), job: DeliveryReport { message, delivery }.into() }
}

/// Tells Kommo of an answer.
pub(super) async fn step(context: &Context, job: &StatusJob, attempt: AttemptInfo) -> StepResult {
    match job {
        StatusJob::Delivery(report) => tell(context, report).await,
        StatusJob::AssignClientId(job) => assign_client_id(context, job, attempt).await,
    }
}

/// Tells Kommo how a delivery ended.
async fn tell(context: &Context, report: &DeliveryReport) -> StepResult {
    let answer = context.chats.delivery_status(&report.message.0, &to_kommo::delivery_status(report)).await;
    let answer = answer.map_err(failure::of_status);
    context.observe(answer.as_ref().err());
    answer.map_err(StepError::remote)?;
    tracing::debug!(message_id = %report.message, "delivery status told");
    Ok(Step::remote(done()))
}

/// Gives a manager's first message its id of ours. It is best effort: what Kommo has against it holds up nothing, and
/// is not worth a person's time.
async fn assign_client_id(context: &Context, job: &AssignClientId, attempt: AttemptInfo) -> StepResult {
    let AssignClientId { message, ours, opening } = job;
    let Some(event) = to_kommo::named(message, *ours, opening, clock::now()) else {
        return Ok(Step::done());
    };
    match context.chats.edit(&event).await.map_err(failure::of_status) {
        Ok(()) => Ok(Step::remote(done())),
        Err(later) if later.may_pass() && attempt.failed_before + 1 < NAMED_TRIES => Err(StepError::local(later)),
        Err(failure) => {
            tracing::info!(%message, failure = %failure.why(), "Kommo refused our id for a manager's message");
            Ok(Step::done())
        }
    }
}
