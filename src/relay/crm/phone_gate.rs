//! The question for a phone number, before a first `/start` makes a lead.
//!
//! The `/start` is held, in the store, until the customer shares their number or writes anything else, or its time is over.
//! Then it goes to Kommo in the lane of its conversation, before whatever made it go.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    clock,
    domain::{
        address::{BotId, Conversation, SourceId},
        crm::{StartContext, SyncedProfile},
        job::{Job, Lane},
        retry::{Failure, Tries},
        time::UnixMillis,
    },
    relay::{
        context::{Context, Step},
        crm::{self, Arrival, age, finished},
    },
    store::{Held, NewJob, Outcome, StateChange, StoreError},
    translate::from_telegram,
};

/// How long a courtesy may hold up the lane.
const WITHIN: Duration = Duration::from_secs(5);

/// What happens to an update before it is relayed; `None` if nothing does.
pub(super) async fn hold_start(
    context: &Context,
    start_context: &StartContext,
    arrival: Arrival<'_>,
) -> Result<Option<Step>, StoreError> {
    let conversation = &start_context.conversation;
    if context.store.held(conversation)?.is_some() {
        let release = Job::ReleaseStart { conversation: conversation.clone(), phone: start_context.phone.clone() };
        return Ok(Some(Step::local(Ok(Outcome::Replace(vec![release, arrival.job.clone()])))));
    }
    let told = context.store.told(conversation)?;
    let is_new = !told.asked_phone && context.store.chat(conversation)?.is_none();
    let is_to_be_asked = start_context.start.is_some() && is_new && !is_invited(context, start_context, arrival)?;
    if !is_to_be_asked || !ask(context, start_context, arrival.bot).await {
        return Ok(None);
    }
    let held = Held { bot: arrival.bot, raw: arrival.raw.to_owned(), since: clock::now() };
    let changes = vec![
        StateChange::Held { conversation: conversation.clone(), held: Some(held) },
        StateChange::SyncedProfile {
            conversation: conversation.clone(),
            told: SyncedProfile { asked_phone: true, ..told },
        },
    ];
    let job = Job::ReleaseStartAt { conversation: conversation.clone() };
    let then = vec![NewJob { id: None, lane: Lane::hold(conversation), job }];
    Ok(Some(Step::local(Ok(Outcome::Done { then, changes }))))
}

/// The same for what introduces nobody, such as a press or an edit: a `/start` that is held goes before it, too.
pub(super) fn release_first(
    context: &Context,
    job: &Job,
    (source, raw): (&SourceId, &str),
) -> Result<Option<Step>, StoreError> {
    let Ok(conversation) = from_telegram::lane(raw, source).thread.parse::<Conversation>() else { return Ok(None) };
    if context.store.held(&conversation)?.is_none() {
        return Ok(None);
    }
    let release = Job::ReleaseStart { conversation, phone: None };
    Ok(Some(Step::local(Ok(Outcome::Replace(vec![release, job.clone()])))))
}

/// Whether the customer comes by an invitation that is still good, and is known by that.
fn is_invited(context: &Context, start_context: &StartContext, arrival: Arrival<'_>) -> Result<bool, StoreError> {
    let Some(Ok(invitation)) = crm::opened(context, start_context, arrival) else { return Ok(false) };
    let used_by = context.store.used_by(&invitation.name())?;
    let is_unused = used_by.is_none_or(|used_by| used_by == crm::user(start_context, arrival));
    Ok(is_unused && context.crm.account.is_some())
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
pub(super) async fn acknowledge(
    context: &Context,
    start_context: &StartContext,
    (received_by, failed_before): (BotId, u32),
) {
    let conversation = &start_context.conversation;
    let text = start_context.phone.as_ref().and_then(|_| context.crm.phone_text(start_context, context.spoken.now()));
    let bot = context.bots.get(&conversation.source).filter(|bot| bot.id() == received_by);
    let (Some(text), Some(bot), 0) = (text, bot, failed_before) else { return };
    let thanked = timeout(WITHIN, bot.thank(conversation.chat.id, &text.thanks)).await;
    if !matches!(thanked, Ok(Ok(()))) {
        tracing::debug!(%conversation, ?thanked, "the customer was not thanked for their phone number");
    }
}

/// Waits for the time of a held `/start`.
pub(in crate::relay) fn hold(
    context: &Context,
    conversation: &Conversation,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    if context.store.held(conversation)?.is_none() {
        return Ok(finished());
    }
    let left = context.crm.hold_for.saturating_sub(age(enqueued_at));
    // One that was queued by a clock that was ahead has waited, nobody knows for how long.
    let is_sane = enqueued_at <= clock::now();
    Ok(Step::local(Ok(if is_sane && !left.is_zero() {
        Outcome::Retry {
            at: clock::steady().plus(left),
            counts: false,
            why: "the customer may still share their phone number".to_owned(),
        }
    } else {
        let job = Job::ReleaseStart { conversation: conversation.clone(), phone: None };
        let then = vec![NewJob { id: None, lane: Lane::inbound(conversation), job }];
        Outcome::Done { then, changes: Vec::new() }
    })))
}

/// Sends a held `/start` to Kommo, with what is known of the customer by now.
pub(in crate::relay) async fn release(
    context: &Context,
    conversation: &Conversation,
    phone: Option<&str>,
    tries: Tries,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let Some(held) = context.store.held(conversation)? else { return Ok(finished()) };
    let source = &conversation.source;
    let job = Job::Update { source: source.clone(), bot: held.bot, raw: held.raw.clone() };
    let arrival = Arrival { job: &job, source, bot: held.bot, raw: &held.raw, tries, enqueued_at };
    let nothing_held = vec![StateChange::Held { conversation: conversation.clone(), held: None }];
    let Some(known) = from_telegram::start_context(&held.raw, source) else {
        return Ok(finished().followed_by(Vec::new(), nothing_held));
    };
    let start_context = StartContext { phone: phone.map(str::to_owned), ..known };
    let step = crm::relay(context, &start_context, arrival).await?;
    if matches!(step.outcome, Err(Failure::Permanent(_))) {
        // Were it held on, all that the customer writes would be set aside with it. By itself, it ends alone.
        let alone = NewJob { id: None, lane: Lane::inbound(conversation), job };
        let outcome = Outcome::Done { then: vec![alone], changes: nothing_held };
        return Ok(Step { outcome: Ok(outcome), ..step });
    }
    Ok(step.followed_by(Vec::new(), nothing_held))
}
