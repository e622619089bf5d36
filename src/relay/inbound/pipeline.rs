//! The stages of relaying an update to Kommo.

use crate::{
    domain::{
        crm::StartContext,
        delivery::Refusal,
        job::{InboundJob, Job, Lane, ReleaseStart, Update},
        message::Skip,
        retry::Failure,
    },
    relay::{
        callback_ack,
        context::Context,
        crm,
        effects::Effects,
        inbound::{chats, membership, message, phone_gate, questions, timestamps},
        incoming::{AttemptInfo, Incoming},
        read_receipts,
        step::{Step, StepError, StepResult},
    },
    store::{NewJob, Outcome, StateChange},
    telegram::updates::ALLOWED_UPDATES,
    translate::from_telegram::{Arrival, DecodeContext, Received},
};

/// Relays one update.
pub(in crate::relay) async fn step(context: &Context, incoming: Incoming<'_>) -> StepResult {
    if incoming.program.is_some() {
        // It says nothing about the customer.
        return relay(context, incoming, None, Effects::default()).await;
    }
    // Before anything about the customer is sent to Kommo.
    phone_gate::remember_number(context, incoming).await?;
    let start_context = incoming.update.start_context(incoming.source);
    if let Some(step) = phone_gate::stop(context, incoming, start_context.as_ref()).await? {
        return Ok(step);
    }
    relay(context, incoming, start_context.as_ref(), Effects::default()).await
}

/// Takes the step of a message of the bridge itself.
pub(in crate::relay) async fn own(context: &Context, job: &InboundJob, attempt: AttemptInfo) -> StepResult {
    match job {
        InboundJob::Remind(job) => questions::remind(context, job, attempt).await,
        InboundJob::ReleaseStartAt(job) => phone_gate::hold(context, job, attempt),
        InboundJob::ReleaseStart(job) => release(context, job, attempt).await,
        InboundJob::MarkDeleted(job) => chats::mark_deleted(context, job).await,
    }
}

/// Relays a held `/start`, with the phone number if the customer has shared it.
async fn release(context: &Context, job: &ReleaseStart, attempt: AttemptInfo) -> StepResult {
    let ReleaseStart { conversation, phone } = job;
    let Some(held) = context.store.held(conversation)? else { return Ok(Step::done()) };
    let source = &conversation.source;
    let job = Job::from(Update { source: source.clone(), bot: held.bot, raw: held.raw.clone(), program: None });
    let received = Received::read(&held.raw);
    let incoming = Incoming { job: &job, source, bot: held.bot, program: None, update: &received, attempt };
    let nothing_held = StateChange::Held { conversation: conversation.clone(), held: None };
    let Some(known) = received.start_context(source) else {
        return Ok(Step::done().with_changes(vec![nothing_held]));
    };
    let start_context = StartContext { phone: phone.clone(), ..known };
    let effects = Effects { jobs: Vec::new(), changes: vec![nothing_held.clone()] };
    match relay(context, incoming, Some(&start_context), effects).await {
        Err(StepError::Failed { failure: Failure::Permanent(_), reached_remote, .. }) => {
            // If it stayed held, all later messages of the customer would be parked with it. As a job of its own, it is
            // parked alone.
            let alone = NewJob { id: None, lane: Lane::inbound(conversation), job };
            Ok(Step { outcome: Outcome::Done { then: vec![alone], changes: vec![nothing_held] }, reached_remote })
        }
        step => step,
    }
}

/// Relays an update that is not held.
async fn relay(
    context: &Context,
    incoming: Incoming<'_>,
    start_context: Option<&StartContext>,
    mut effects: Effects,
) -> StepResult {
    // The chat of a first message is linked to its contact before the message creates a lead.
    if let Some(start_context) = start_context {
        crm::introduce(context, start_context, incoming, &mut effects).await?;
    }
    let connection = chats::connection(context, incoming, &mut effects).await?;
    let place = DecodeContext {
        source: incoming.source,
        bot: incoming.bot,
        connection: connection.as_ref(),
        program: incoming.program,
        groups: context.groups,
        largest_file_bytes: context.largest_file_bytes,
        language: context.spoken.now(),
        now: incoming.attempt.enqueued_at,
    };
    let arrival = incoming.update.decode(&place);
    let activity = arrival.as_ref().ok().and_then(read_receipts::activity);
    let step = match arrival {
        Ok(arrival) => arrived(context, incoming, arrival, &mut effects).await?,
        Err(skip) => {
            if let Some(query) = incoming.update.query() {
                let is_ours = incoming.update.is_answer_to_us(|_| false);
                callback_ack::dismiss(context, (incoming.source, incoming.bot), (query, is_ours)).await;
            }
            skipped(context, incoming, &skip)?;
            Step::done()
        }
    };
    if !step.reached_remote && !incoming.attempt.is_first {
        effects.changes.extend(timestamps::passed(context, incoming)?);
    }
    read_receipts::infer(context, activity, &mut effects)?;
    Ok(effects.with(step))
}

async fn arrived(context: &Context, incoming: Incoming<'_>, arrival: Arrival, effects: &mut Effects) -> StepResult {
    match arrival {
        Arrival::Message(inbound) => message::relay(context, *inbound, incoming, effects).await,
        Arrival::ButtonPress(press) => message::press(context, *press, incoming, effects).await,
        Arrival::Reaction(reaction) => message::react(context, reaction).await,
        Arrival::Membership(change) => membership::step(context, *change, incoming).await,
        Arrival::Connection(connection) => Ok(Step::local(chats::connected(incoming, connection))),
        Arrival::Deletion(deletion) => chats::deleted(context, deletion).await,
        Arrival::Move(moved) => Ok(Step::local(chats::moved(moved))),
    }
}

fn skipped(context: &Context, incoming: Incoming<'_>, skip: &Skip) -> Result<(), StepError> {
    let source = incoming.source;
    match skip {
        Skip::Unreadable => {
            let why = incoming.update.why_unreadable(source);
            return Err(StepError::local(Failure::Permanent(Refusal::internal(why))));
        }
        Skip::Group { chat, title } if context.logs_first(&format!("group {source} {chat}")) => {
            tracing::info!(%source, chat, "a group or channel is not relayed, as `telegram.groups` says");
            tracing::debug!(%source, chat, title, "its title");
        }
        Skip::DirectMessages { chat } if context.logs_first(&format!("direct {source} {chat}")) => {
            tracing::warn!(
                %source, chat,
                "the direct messages of a channel are not relayed: answer them in Telegram"
            );
        }
        Skip::NotAMessage(kind) if may_have_message(kind) && context.logs_first(&format!("kind {kind}")) => {
            tracing::info!(%source, kind, "updates of this kind are not relayed: no manager sees messages in them");
        }
        Skip::NotAMessage(_) | Skip::NoNews | Skip::Own | Skip::OneOfMany => {
            tracing::debug!(%source, reason = %skip, "update skipped");
        }
        Skip::Group { .. } | Skip::DirectMessages { .. } => {}
    }
    Ok(())
}

/// Whether an update of an unknown kind may have a message: one to a bot that is a guest in a chat, or a kind that is
/// newer than this program.
fn may_have_message(kind: &str) -> bool {
    kind == "guest_message" || !ALLOWED_UPDATES.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_updates_without_messages_are_skipped_silently() {
        for (kind, expected) in [("guest_message", true), ("from_the_future", true), ("poll_answer", false)] {
            assert_eq!(may_have_message(kind), expected, "{kind}");
        }
    }
}
