//! The question for a phone number, before a first `/start` makes a lead.
//!
//! The `/start` is held, in the store, until the customer shares their number or writes anything else, or its time is
//! over. Then it goes to Kommo in the lane of its conversation, before whatever made it go.

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

/// How long a best-effort call may hold up the lane.
const WITHIN: Duration = Duration::from_secs(5);

/// Keeps the number that a customer shares as their own. A second time, however late, it changes nothing.
pub(super) async fn remember_number(context: &Context, incoming: Incoming<'_>) -> Result<(), StoreError> {
    if let Some((customer, phone, shared_at)) = incoming.update.own_number() {
        context.store.remember_number(OwnNumber { customer, phone, shared_at }).await?;
    }
    Ok(())
}

/// Decides whether an update is relayed now: `None` if it is, else a step that releases a held `/start` before it, or
/// holds this one. An update without `start_context` introduces no customer, such as a press or an edit; it releases a
/// held `/start`, too.
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

/// A `/start` that is held goes before what comes after it.
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

/// Holds a first `/start` once its customer was asked for the number.
async fn hold_start(
    context: &Context,
    incoming: Incoming<'_>,
    start_context: &StartContext,
) -> Result<Option<Step>, StoreError> {
    let conversation = &start_context.conversation;
    let told = context.store.told(conversation)?;
    let is_new = !told.asked_phone && context.store.chat(conversation)?.is_none();
    let is_to_be_asked = start_context.start.is_some() && is_new && !crm::is_invited(context, start_context, incoming)?;
    if !is_to_be_asked || !ask(context, start_context, incoming.bot).await {
        return Ok(None);
    }
    let held = HeldStart { bot: incoming.bot, raw: incoming.update.raw.to_owned(), since: clock::now() };
    let told = SyncedProfile { asked_phone: true, ..told };
    let changes = vec![
        StateChange::Held { conversation: conversation.clone(), held: Some(held) },
        StateChange::SyncedProfile { conversation: conversation.clone(), told },
    ];
    let job = ReleaseStartAt { conversation: conversation.clone() };
    let then = vec![NewJob { id: None, lane: Lane::hold(conversation), job: job.into() }];
    Ok(Some(Step::local(Outcome::Done { then, changes })))
}

/// Whether the customer was asked.
async fn ask(context: &Context, start_context: &StartContext, received_by: BotId) -> bool {
    let conversation = &start_context.conversation;
    let Some(text) = context.crm.phone_text(start_context, context.spoken.now()) else { return false };
    // The source may have got another bot since, which has never met this customer.
    let bot = context.bots.get(&conversation.source).filter(|bot| bot.id() == received_by);
    let Some(bot) = bot else { return false };
    let asked = timeout(WITHIN, bot.ask_phone(conversation.chat.id, &text.ask, &text.button)).await;
    if !matches!(asked, Ok(Ok(()))) {
        tracing::warn!(%conversation, ?asked, "the customer could not be asked for their phone number");
    }
    matches!(asked, Ok(Ok(())))
}

/// Thanks a customer who has shared their number, and takes the button for it away.
async fn acknowledge(context: &Context, incoming: Incoming<'_>, start_context: &StartContext) {
    let conversation = &start_context.conversation;
    let text = start_context.phone.as_ref().and_then(|_| context.crm.phone_text(start_context, context.spoken.now()));
    let bot = context.bots.get(&conversation.source).filter(|bot| bot.id() == incoming.bot);
    let (Some(text), Some(bot), 0) = (text, bot, incoming.attempt.failed_before) else { return };
    let thanked = timeout(WITHIN, bot.thank(conversation.chat.id, &text.thanks)).await;
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
    // One that was queued by a clock that was ahead has waited, nobody knows for how long.
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
