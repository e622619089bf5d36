//! Dispatches a job to its step.

use crate::{
    domain::job::{CrmJob, Job, SendJob},
    relay::{
        context::Context,
        crm, inbound,
        incoming::{AttemptInfo, Incoming},
        outbound, reactions, status,
        step::{Step, StepResult},
        task::{Task, Text},
    },
    store::Lease,
    telegram::upload::BodySent,
};

/// Takes the step of a job. `body_sent` says, also while this runs, whether Telegram may have received the whole
/// request.
pub(super) async fn step(context: &Context, lease: &Lease, task: Task<'_>, body_sent: &BodySent) -> StepResult {
    let attempt = AttemptInfo::of(lease);
    match task.text {
        Text::Update { source, bot, program, received } => {
            let incoming = Incoming { job: lease.job(), source, bot, program, update: &received, attempt };
            inbound::step(context, incoming).await
        }
        Text::Answer(outbound) => outbound::unfold(context, lease, *outbound).await,
        Text::Reaction(reaction) => reactions::step(context, lease, &reaction).await,
        Text::Nothing => own(context, lease, attempt, body_sent).await,
    }
}

/// The same for a job without a message from outside.
async fn own(context: &Context, lease: &Lease, attempt: AttemptInfo, body_sent: &BodySent) -> StepResult {
    match lease.job() {
        // Only messages and reactions are stored. Other raw jobs have nothing to send.
        Job::Raw(_) | Job::Send(SendJob::Answer(_)) => Ok(Step::done()),
        Job::Inbound(job) => inbound::own(context, job, attempt).await,
        Job::Send(SendJob::Call(_) | SendJob::Album(_)) => outbound::step(context, lease, body_sent).await,
        Job::Send(SendJob::MarkRead(job)) => outbound::mark_read(context, job).await,
        Job::Status(job) => status::step(context, job, attempt).await,
        Job::Crm(CrmJob::Link(job)) => crm::link(context, lease, job).await,
        Job::Crm(CrmJob::Update(job)) => crm::update(context, job, attempt).await,
    }
}
