//! Sends Kommo the delivery statuses of answers, and our ids of them.

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

/// How often assigning our id to a message is tried.
const MAX_ATTEMPTS: u32 = 5;

/// The job that sends Kommo a delivery status.
pub(super) fn report(lane: &Lane, message: KommoMessageId, delivery: Delivery) -> NewJob {
    NewJob { id: None, lane: lane.reports(), job: DeliveryReport { message, delivery }.into() }
}

/// Takes the step of a status job.
pub(super) async fn step(context: &Context, job: &StatusJob, attempt: AttemptInfo) -> StepResult {
    match job {
        StatusJob::Delivery(report) => send_status(context, report).await,
        StatusJob::AssignClientId(job) => assign_client_id(context, job, attempt).await,
    }
}

/// Sends Kommo a delivery status.
async fn send_status(context: &Context, report: &DeliveryReport) -> StepResult {
    let answer = context.chats.delivery_status(&report.message.0, &to_kommo::delivery_status(report)).await;
    let answer = answer.map_err(failure::of_status);
    context.observe(answer.as_ref().err());
    answer.map_err(StepError::remote)?;
    tracing::debug!(message_id = %report.message, "delivery status sent");
    Ok(Step::remote(done()))
}

/// Assigns our id to a manager's first message. It is best effort: a refusal delays nothing, and is not worth a
/// person's time.
async fn assign_client_id(context: &Context, job: &AssignClientId, attempt: AttemptInfo) -> StepResult {
    let AssignClientId { message, ours, opening } = job;
    let Some(event) = to_kommo::named(message, *ours, opening, clock::now()) else {
        return Ok(Step::done());
    };
    match context.chats.edit(&event).await.map_err(failure::of_status) {
        Ok(()) => Ok(Step::remote(done())),
        Err(later) if later.may_pass() && attempt.failed_before + 1 < MAX_ATTEMPTS => Err(StepError::local(later)),
        Err(failure) => {
            tracing::info!(%message, failure = %failure.why(), "Kommo refused our id for a manager's message");
            Ok(Step::done())
        }
    }
}
