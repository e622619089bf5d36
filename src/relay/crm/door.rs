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
        guest::{Introduction, Told},
        retry::{Failure, Tries},
        time::UnixMillis,
        work::{Lane, Work},
    },
    relay::{
        courier::{Courier, Step},
        crm::{self, Arrival, age, finished},
    },
    store::{Ending, Fact, Held, NewJob, StoreError},
    translate::from_telegram,
};

/// How long a courtesy may hold up the lane.
const WITHIN: Duration = Duration::from_secs(5);

/// What happens to an update before it is relayed; `None` if nothing does.
pub(super) async fn meet(
    courier: &Courier,
    introduction: &Introduction,
    arrival: Arrival<'_>,
) -> Result<Option<Step>, StoreError> {
    let conversation = &introduction.conversation;
    if courier.store.held(conversation)?.is_some() {
        let release = Work::Release { conversation: conversation.clone(), phone: introduction.phone.clone() };
        return Ok(Some(Step::without_call(Ok(Ending::Become(vec![release, arrival.work.clone()])))));
    }
    let told = courier.store.told(conversation)?;
    let is_new = !told.asked_phone && courier.store.chat(conversation)?.is_none();
    let is_to_be_asked = introduction.start.is_some() && is_new && !is_invited(courier, introduction, arrival)?;
    if !is_to_be_asked || !ask(courier, introduction, arrival.bot).await {
        return Ok(None);
    }
    let held = Held { bot: arrival.bot, raw: arrival.raw.to_owned(), since: clock::now() };
    let facts = vec![
        Fact::Held { conversation: conversation.clone(), held: Some(held) },
        Fact::Told { conversation: conversation.clone(), told: Told { asked_phone: true, ..told } },
    ];
    let work = Work::Hold { conversation: conversation.clone() };
    let then = vec![NewJob { id: None, lane: Lane::hold(conversation), work }];
    Ok(Some(Step::without_call(Ok(Ending::Done { then, facts }))))
}

/// The same for what introduces nobody, such as a press or an edit: a `/start` that is held goes before it, too.
pub(super) fn let_in_first(
    courier: &Courier,
    work: &Work,
    (source, raw): (&SourceId, &str),
) -> Result<Option<Step>, StoreError> {
    let Ok(conversation) = from_telegram::lane(raw, source).thread.parse::<Conversation>() else { return Ok(None) };
    if courier.store.held(&conversation)?.is_none() {
        return Ok(None);
    }
    let release = Work::Release { conversation, phone: None };
    Ok(Some(Step::without_call(Ok(Ending::Become(vec![release, work.clone()])))))
}

/// Whether the customer comes by an invitation that is still good, and is known by that.
fn is_invited(courier: &Courier, introduction: &Introduction, arrival: Arrival<'_>) -> Result<bool, StoreError> {
    let Some(Ok(invitation)) = crm::opened(courier, introduction, arrival) else { return Ok(false) };
    let used_by = courier.store.used_by(&invitation.name())?;
    let is_unused = used_by.is_none_or(|used_by| used_by == crm::user(introduction, arrival));
    Ok(is_unused && courier.crm.account.is_some())
}

/// Whether the customer was asked.
async fn ask(courier: &Courier, introduction: &Introduction, received_by: BotId) -> bool {
    let conversation = &introduction.conversation;
    let Some(text) = courier.crm.phone_text(introduction, courier.spoken.now()) else { return false };
    // The source may have got another bot since, which has never met this customer.
    let bot = courier.bots.get(&conversation.source).filter(|bot| bot.id() == received_by);
    let Some(bot) = bot else { return false };
    let asked = timeout(WITHIN, bot.ask_phone(conversation.chat.id, &text.ask, &text.button)).await;
    if !matches!(asked, Ok(Ok(()))) {
        tracing::warn!(%conversation, ?asked, "the customer could not be asked for their phone number");
    }
    matches!(asked, Ok(Ok(())))
}

/// Thanks a customer who has shared their number, and takes the button for it away.
pub(super) async fn thank(courier: &Courier, introduction: &Introduction, (received_by, failed_before): (BotId, u32)) {
    let conversation = &introduction.conversation;
    let text = introduction.phone.as_ref().and_then(|_| courier.crm.phone_text(introduction, courier.spoken.now()));
    let bot = courier.bots.get(&conversation.source).filter(|bot| bot.id() == received_by);
    let (Some(text), Some(bot), 0) = (text, bot, failed_before) else { return };
    let thanked = timeout(WITHIN, bot.thank(conversation.chat.id, &text.thanks)).await;
    if !matches!(thanked, Ok(Ok(()))) {
        tracing::debug!(%conversation, ?thanked, "the customer was not thanked for their phone number");
    }
}

/// Waits for the time of a held `/start`.
pub(in crate::relay) fn hold(
    courier: &Courier,
    conversation: &Conversation,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    if courier.store.held(conversation)?.is_none() {
        return Ok(finished());
    }
    let left = courier.crm.hold_for.saturating_sub(age(enqueued_at));
    // One that was queued by a clock that was ahead has waited, nobody knows for how long.
    let is_sane = enqueued_at <= clock::now();
    Ok(Step::without_call(Ok(if is_sane && !left.is_zero() {
        Ending::Retry {
            at: clock::steady().plus(left),
            counts: false,
            why: "the customer may still share their phone number".to_owned(),
        }
    } else {
        let work = Work::Release { conversation: conversation.clone(), phone: None };
        let then = vec![NewJob { id: None, lane: Lane::inbound(conversation), work }];
        Ending::Done { then, facts: Vec::new() }
    })))
}

/// Sends a held `/start` to Kommo, with what is known of the customer by now.
pub(in crate::relay) async fn release(
    courier: &Courier,
    conversation: &Conversation,
    phone: Option<&str>,
    tries: Tries,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let Some(held) = courier.store.held(conversation)? else { return Ok(finished()) };
    let source = &conversation.source;
    let work = Work::Update { source: source.clone(), bot: held.bot, raw: held.raw.clone() };
    let arrival = Arrival { work: &work, source, bot: held.bot, raw: &held.raw, tries, enqueued_at };
    let nothing_held = vec![Fact::Held { conversation: conversation.clone(), held: None }];
    let Some(known) = from_telegram::introduction(&held.raw, source) else {
        return Ok(finished().followed_by(Vec::new(), nothing_held));
    };
    let introduction = Introduction { phone: phone.map(str::to_owned), ..known };
    let step = crm::relay(courier, &introduction, arrival).await?;
    if matches!(step.outcome, Err(Failure::Permanent(_))) {
        // Were it held on, all that the customer writes would be set aside with it. By itself, it ends alone.
        let alone = NewJob { id: None, lane: Lane::inbound(conversation), work };
        let ending = Ending::Done { then: vec![alone], facts: nothing_held };
        return Ok(Step { outcome: Ok(ending), ..step });
    }
    Ok(step.followed_by(Vec::new(), nothing_held))
}
