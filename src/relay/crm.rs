//! Customers as the account's REST API knows them: whose chat it is, and what is written down about them.
//!
//! Before a first message makes a lead there is one chance, of a few seconds, to give its chat to a contact that is there
//! already. What does not come about by then, and everything else, is a job of a route of its own: no message waits for it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    clock,
    domain::{
        address::{BotId, Conversation, SourceId},
        crm::{Campaign, ContactPatch, CrmUpdate, LinkTarget, PhoneText, PhoneTexts, StartContext, SyncedProfile},
        delivery::Refusal,
        job::{Job, Lane},
        message::Content,
        retry::{Failure, Tries},
        time::UnixMillis,
    },
    invite::{BadInvitation, Invitation, InviteKey},
    kommo::{account::Account, region::PhoneRegion},
    rate_limit::within,
    relay::{
        context::{Context, Step, done},
        inbound,
    },
    store::{Chat, NewJob, OwnNumber, StateChange, StoreError},
    translate::from_telegram,
    words::Language,
};

mod link;
mod locks;
mod notes;
mod phone_gate;

use link::{LinkOutcome, TakenFrom};
pub use locks::Locks;

pub(super) use link::step as link;
pub(super) use notes::step as enrich;
pub(super) use phone_gate::{hold, release};

/// How long Kommo may take to give the chat of a first message to a contact, which waits for that.
const LINK_WITHIN: Duration = Duration::from_secs(3);
/// How long Kommo may take to make a contact and a lead of a chat. It does so after it has answered.
const MADE_WITHIN: Duration = Duration::from_hours(24);
/// How much longer than a link itself its use is remembered: for so long Telegram keeps what was written in time.
const REMEMBERED_AFTER: Duration = Duration::from_hours(24);

/// What is done for customers beside their messages.
pub struct Crm {
    /// The account's REST API, if there is a token for it.
    pub account: Option<Account>,
    /// Recognises links to contacts.
    pub invites: InviteKey,
    /// By the names that their links carry.
    pub campaigns: BTreeMap<String, Campaign>,
    /// The contact's field for the public name in Telegram, by its number or name.
    pub username_field: Option<String>,
    /// The tags that contacts get.
    pub contact_tags: Vec<String>,
    /// What customers are asked for their phone number with, if they are.
    pub phone_texts: Option<PhoneTexts>,
    /// Where phone numbers without a country code are at home.
    pub phone_region: PhoneRegion,
    /// How long a `/start` waits for the phone number.
    pub hold_for: Duration,
    /// Who of the jobs writes into which contact and lead.
    pub writing: Locks,
}

impl Crm {
    /// What was said, without the name of a campaign that a link has put behind `/start`.
    pub(super) fn without_campaign(&self, content: Content) -> Content {
        match content {
            Content::Text(text) => {
                Content::Text(from_telegram::without_payload(text, |name| self.campaigns.contains_key(name)))
            }
            other => other,
        }
    }

    /// The question for somebody, if questions are asked.
    fn phone_text(&self, start_context: &StartContext, usual: Language) -> Option<&PhoneText> {
        self.phone_texts.as_ref()?.for_language(start_context.language.as_deref(), usual)
    }
}

/// One update of somebody who may be new.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    job: &'a Job,
    source: &'a SourceId,
    bot: BotId,
    raw: &'a str,
    tries: Tries,
    enqueued_at: UnixMillis,
}

/// Relays an update, and sees to what follows from whose it is.
pub(super) async fn step(
    context: &Context,
    job: &Job,
    (source, bot, raw): (&SourceId, BotId, &str),
    tries: Tries,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let arrival = Arrival { job, source, bot, raw, tries, enqueued_at };
    // Before anything that tells Kommo of the customer. A second time, however late, it changes nothing.
    if let Some((customer, phone, shared_at)) = from_telegram::own_number(raw) {
        context.store.remember_number(OwnNumber { customer, phone, shared_at }).await?;
    }
    let Some(start_context) = from_telegram::start_context(raw, source) else {
        if let Some(step) = phone_gate::release_first(context, job, (source, raw))? {
            return Ok(step);
        }
        return inbound::step(context, job, (source, bot, raw), tries, enqueued_at).await;
    };
    if let Some(step) = phone_gate::hold_start(context, &start_context, arrival).await? {
        return Ok(step);
    }
    phone_gate::acknowledge(context, &start_context, (bot, tries.failed)).await;
    relay(context, &start_context, arrival).await
}

/// Relays the update of somebody who is let in.
async fn relay(context: &Context, start_context: &StartContext, arrival: Arrival<'_>) -> Result<Step, StoreError> {
    let Arrival { job, source, bot, raw, tries, enqueued_at } = arrival;
    let conversation = &start_context.conversation;
    let (mut jobs, mut changes) = (Vec::new(), Vec::new());
    if let (Some(account), Some(whose)) = (&context.crm.account, whose(context, start_context, arrival).await?) {
        let tied = if context.store.chat(conversation)?.is_some() {
            // It may be given away at leisure.
            LinkOutcome::NotYet
        } else {
            let from = TakenFrom::message(enqueued_at, tries.is_first);
            tie_in_time(context, account, start_context, &whose, from).await
        };
        match tied {
            LinkOutcome::Chat(chat) => {
                changes.push(StateChange::Chat { conversation: conversation.clone(), chat: Chat { chat, user: None } });
            }
            LinkOutcome::ToNobody => {}
            LinkOutcome::NotYet => {
                let customer = start_context.customer.clone();
                let job = Job::Link { conversation: conversation.clone(), customer, whose };
                jobs.push(NewJob { id: None, lane: Lane::links(conversation), job });
            }
        }
    }
    if context.crm.account.is_some() {
        notes(context, start_context, &mut jobs, &mut changes)?;
    }
    let step = inbound::step(context, job, (source, bot, raw), tries, enqueued_at).await?;
    Ok(step.followed_by(jobs, changes))
}

async fn tie_in_time(
    context: &Context,
    account: &Account,
    start_context: &StartContext,
    whose: &LinkTarget,
    from: TakenFrom,
) -> LinkOutcome {
    let conversation = &start_context.conversation;
    let link_chat = link::link_chat(context, account, (conversation, &start_context.customer), whose, from);
    // What the calls wait for each other is no slowness of Kommo's: whoever shares their number in a crowd has a contact too.
    let tied = within(LINK_WITHIN, link_chat).await.unwrap_or_else(|late| Err(Failure::transient(late.to_string())));
    tied.unwrap_or_else(|failure| {
        tracing::warn!(%conversation, failure = %failure.why(), "the message goes first; linking its chat to the \
                                                                 contact is postponed");
        LinkOutcome::NotYet
    })
}

/// Whose chat this is to be, if it is known: an invitation says it; else, in a new conversation, the person's chat with
/// another bot, or their phone number.
async fn whose(
    context: &Context,
    start_context: &StartContext,
    arrival: Arrival<'_>,
) -> Result<Option<LinkTarget>, StoreError> {
    if let Some(invitation) = invitation(context, start_context, arrival).await? {
        return Ok(Some(LinkTarget::Contact(invitation.contact)));
    }
    let conversation = &start_context.conversation;
    if context.store.chat(conversation)?.is_some() {
        return Ok(None);
    }
    for other in context.bots.keys().filter(|other| **other != conversation.source) {
        if let Some(twin) = context.store.chat(&Conversation::new(other.clone(), conversation.chat))? {
            return Ok(Some(match start_context.phone.clone() {
                Some(phone) => LinkTarget::SameContactAsOrPhone(twin.chat, phone),
                None => LinkTarget::SameContactAs(twin.chat),
            }));
        }
    }
    Ok(start_context.phone.clone().map(LinkTarget::Phone))
}

/// The invitation that a `/start` carries, if it is good and this is its first use.
async fn invitation(
    context: &Context,
    start_context: &StartContext,
    arrival: Arrival<'_>,
) -> Result<Option<Invitation>, StoreError> {
    let conversation = &start_context.conversation;
    let Some(opened) = opened(context, start_context, arrival) else { return Ok(None) };
    let invitation = match opened {
        Ok(invitation) => invitation,
        Err(why) => {
            tracing::warn!(%conversation, %why, "not linked to a contact");
            return Ok(None);
        }
    };
    if context.crm.account.is_none() {
        tracing::warn!(%conversation, "not linked to a contact: that needs kommo.account_url and kommo.access_token");
        return Ok(None);
    }
    let until = invitation.expires_at().plus(REMEMBERED_AFTER);
    if context.store.redeem(&invitation.name(), user(start_context, arrival), until, clock::now()).await? {
        return Ok(Some(invitation));
    }
    tracing::warn!(%conversation, "not linked to a contact: the link was used before, or long ago; make a new one");
    Ok(None)
}

/// What stands behind a `/start`, if it has the shape of an invitation. What counts is when the customer opened it.
fn opened(
    context: &Context,
    start_context: &StartContext,
    arrival: Arrival<'_>,
) -> Option<Result<Invitation, BadInvitation>> {
    let opened_at = start_context.written_at.unwrap_or(arrival.enqueued_at);
    context.crm.invites.open(start_context.start.as_deref()?, arrival.source, opened_at)
}

/// Who uses an invitation. The same update may come here again, after a failure; any other is another use.
fn user(start_context: &StartContext, arrival: Arrival<'_>) -> String {
    format!("{} {}:{}", start_context.conversation, arrival.bot, start_context.update)
}

/// What is to be written down about this customer that was not before.
fn notes(
    context: &Context,
    start_context: &StartContext,
    jobs: &mut Vec<NewJob>,
    changes: &mut Vec<StateChange>,
) -> Result<(), StoreError> {
    let conversation = &start_context.conversation;
    let mut note = |lane, note| {
        let job = Job::UpdateCrm { conversation: conversation.clone(), customer: start_context.customer.clone(), note };
        jobs.push(NewJob { id: None, lane, job });
    };
    let told = context.store.told(conversation)?;
    if let Some((card, told)) = card(&context.crm, start_context, told) {
        note(Lane::contact(conversation), CrmUpdate::ContactPatch(card));
        changes.push(StateChange::SyncedProfile { conversation: conversation.clone(), told });
    }
    let name = start_context.start.as_deref().unwrap_or_default();
    if let Some(campaign) = context.crm.campaigns.get(name) {
        if campaign.counts_at(&conversation.source) {
            note(Lane::lead(conversation), CrmUpdate::Campaign(name.to_owned()));
        } else {
            tracing::info!(%conversation, campaign = name, "the campaign belongs to another source: ignored");
        }
    }
    Ok(())
}

/// What is new about a customer, and what was told once that is.
fn card(crm: &Crm, start_context: &StartContext, told: SyncedProfile) -> Option<(ContactPatch, SyncedProfile)> {
    let username = start_context.customer.username.clone().filter(|_| crm.username_field.is_some());
    // One that was noted nowhere, for the field was named wrongly, is told anew when it is named otherwise.
    let is_elsewhere = told.username_field.is_some() && told.username_field != crm.username_field;
    let is_new = username.is_some() && (username != told.username || is_elsewhere);
    let tags: Vec<_> = crm.contact_tags.iter().filter(|tag| !told.tags.contains(tag)).cloned().collect();
    if start_context.phone.is_none() && !is_new && tags.is_empty() {
        return None;
    }
    let card = ContactPatch {
        phone: start_context.phone.clone(),
        username: username.clone().filter(|_| is_new),
        former_username: told.username.clone().filter(|_| is_new),
        tags: tags.clone(),
    };
    let tags = told.tags.into_iter().chain(tags).collect();
    let username_field = if is_new { crm.username_field.clone() } else { told.username_field };
    Some((card, SyncedProfile { username: username.or(told.username), username_field, tags, ..told }))
}

/// A job that cannot come about, in a sentence for the operator.
fn hopeless(sentence: impl Into<String>) -> Failure {
    Failure::Permanent(Refusal::internal(sentence))
}

/// The account of a job; it was there when the job was made. Jobs let first messages go before them, which have seconds.
fn account(context: &Context) -> Result<Account, Failure> {
    let missing = "kommo.account_url or kommo.access_token is missing: set both, and retry this";
    context.crm.account.as_ref().map(Account::patient).ok_or_else(|| hopeless(missing))
}

/// Nothing more is to be done.
fn finished() -> Step {
    Step::local(Ok(done()))
}

/// How long ago something was.
fn age(since: UnixMillis) -> Duration {
    since.until(clock::now())
}

#[cfg(test)]
#[path = "crm_tests.rs"]
mod tests;
