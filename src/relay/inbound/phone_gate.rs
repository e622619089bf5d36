//! Asks for the phone number before a first `/start` creates a lead.
//!
//! The `/start` is held in the store until the customer shares their number or writes anything else, or its time is
//! over. Then it is sent to Kommo in the lane of its conversation, before the update that has released it.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    clock,
    domain::{
        address::{BotId, Conversation},
        crm::{StartContext, SyncedProfile},
        job::{Lane, ReleaseStart, ReleaseStartAt},
    },
    relay::{
        context::Context,
        crm,
        incoming::{AttemptInfo, Incoming},
        step::{Step, StepResult},
    },
    store::{HeldStart, NewJob, Outcome, OwnNumber, StateChange, StoreError},
};

/// How long a best-effort call may delay the lane.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Stores the number that a customer shares as their own. A repetition, however late, changes nothing.
pub(super) async fn remember_number(context: &Context, incoming: Incoming<'_>) -> Result<(), StoreError> {
    if let Some((customer, phone, shared_at)) = incoming.update.own_number() {
        context.store.remember_number(OwnNumber { customer, phone, shared_at }).await?;
    }
    Ok(())
}

/// Decides whether an update is relayed now: `None` if it is, else a step that releases a held `/start` before it, or
/// holds this one. An update without `start_context`, such as a press or an edit, introduces no customer, but releases
/// a held `/start` as well.
pub(super) async fn stop(
    context: &Context,
    incoming: Incoming<'_>,
    start_context: Option<&StartContext>,
) -> Result<Option<Step>, StoreError> {
    let Some(start_context) = start_context else {
        let conversation = incoming.update.conversation(incoming.source);
        return conversation.map_or(Ok(None), |conversation| release_first(context, incoming, conversation, None));
    };
    let (conversation, phone) = (&start_context.conversation, start_context.phone.clone());
    if let Some(step) = release_first(context, incoming, conversation.clone(), phone)? {
        return Ok(Some(step));
    }
    let step = hold_start(context, incoming, start_context).await?;
    if step.is_none() {
        acknowledge(context, incoming, start_context).await;
    }
    Ok(step)
}

/// The step that releases a held `/start` before an update.
fn release_first(
    context: &Context,
    incoming: Incoming<'_>,
    conversation: Conversation,
    phone: Option<String>,
) -> Result<Option<Step>, StoreError> {
    if context.store.held(&conversation)?.is_none() {
        return Ok(None);
    }
    let release = ReleaseStart { conversation, phone }.into();
    Ok(Some(Step::local(Outcome::Replace(vec![release, incoming.job.clone()]))))
}

/// Holds a first `/start` once the customer has been asked for the number.
async fn hold_start(
    context: &Context,
    incoming: Incoming<'_>,
    start_context: &StartContext,
) -> Result<Option<Step>, StoreError> {
    let conversation = &start_context.conversation;
    let profile = context.store.synced_profile(conversation)?;
    let is_new = !profile.asked_phone && context.store.chat(conversation)?.is_none();
    let should_ask = start_context.start.is_some() && is_new && !crm::is_invited(context, start_context, incoming)?;
    if !should_ask || !ask(context, start_context, incoming.bot).await {
        return Ok(None);
    }
    let held = HeldStart { bot: incoming.bot, raw: incoming.update.raw.to_owned(), since: clock::now() };
    let profile = SyncedProfile { asked_phone: true, ..profile };
    let changes = vec![
        StateChange::Held { conversation: conversation.clone(), held: Some(held) },
        StateChange::SyncedProfile { conversation: conversation.clone(), profile },
    ];
    let job = ReleaseStartAt { conversation: conversation.clone() };
    let then = vec![NewJob { id: None, lane: Lane::hold(conversation), job: job.into() }];
    Ok(Some(Step::local(Outcome::Done { then, changes })))
}

/// Asks the customer, and returns whether that succeeded.
async fn ask(context: &Context, start_context: &StartContext, received_by: BotId) -> bool {
    let conversation = &start_context.conversation;
    let Some(text) = context.crm.phone_text(start_context, context.spoken.now()) else { return false };
    // The source may have got another bot since, with which this customer has no chat.
    let bot = context.bots.get(&conversation.source).filter(|bot| bot.id() == received_by);
    let Some(bot) = bot else { return false };
    let outcome = timeout(TIMEOUT, bot.ask_phone(conversation.chat.id, &text.ask, &text.button)).await;
    if !matches!(outcome, Ok(Ok(()))) {
        tracing::warn!(%conversation, asked = ?outcome, "the customer could not be asked for their phone number");
    }
    matches!(outcome, Ok(Ok(())))
}

/// Thanks a customer who has shared their number, and removes the button for it.
async fn acknowledge(context: &Context, incoming: Incoming<'_>, start_context: &StartContext) {
    let conversation = &start_context.conversation;
    let text = start_context.phone.as_ref().and_then(|_| context.crm.phone_text(start_context, context.spoken.now()));
    let bot = context.bots.get(&conversation.source).filter(|bot| bot.id() == incoming.bot);
    let (Some(text), Some(bot), 0) = (text, bot, incoming.attempt.failed_before) else { return };
    let thanked = timeout(TIMEOUT, bot.thank(conversation.chat.id, &text.thanks)).await;
    if !matches!(thanked, Ok(Ok(()))) {
        tracing::debug!(%conversation, ?thanked, "the customer was not thanked for their phone number");
    }
}

/// Waits for the time of a held `/start`.
pub(super) fn hold(context: &Context, job: &ReleaseStartAt, attempt: AttemptInfo) -> StepResult {
    let conversation = &job.conversation;
    if context.store.held(conversation)?.is_none() {
        return Ok(Step::done());
    }
    let (enqueued_at, now) = (attempt.enqueued_at, clock::now());
    let left = context.crm.hold_for.saturating_sub(enqueued_at.until(now));
    // If it was queued by a clock that was ahead, its wait is unknown and counts as over.
    let is_sane = enqueued_at <= now;
    Ok(Step::local(if is_sane && !left.is_zero() {
        Outcome::Retry {
            at: clock::steady().plus(left),
            counts: false,
            why: "the customer may still share their phone number".to_owned(),
        }
    } else {
        let job = ReleaseStart { conversation: conversation.clone(), phone: None };
        let then = vec![NewJob { id: None, lane: Lane::inbound(conversation), job: job.into() }];
        Outcome::Done { then, changes: Vec::new() }
    }))
}
