//! Customers as the account's REST API knows them: whose chat it is, and what is written down about them.
//!
//! Before a first message makes a lead there is one chance, of a few seconds, to give its chat to a contact that is there
//! already. What does not come about by then, and everything else, is a job of a route of its own: no message waits for it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    clock,
    domain::{
        address::{BotId, Conversation, SourceId},
        delivery::Refusal,
        guest::{Campaign, Card, Introduction, Note, PhoneText, PhoneTexts, Told, Whose},
        message::Content,
        retry::{Failure, Tries},
        time::UnixMillis,
        work::{Lane, Work},
    },
    invite::{BadInvitation, Invitation, InviteKey},
    kommo::{account::Account, region::PhoneRegion},
    pace::within,
    relay::{
        courier::{Courier, Step, done},
        inbound,
    },
    store::{Chat, Fact, NewJob, OwnNumber, StoreError},
    translate::from_telegram,
    words::Language,
};

mod door;
mod link;
mod locks;
mod notes;

use link::{TakenFrom, Tied};
pub use locks::Locks;

pub(super) use door::{hold, release};
pub(super) use link::step as link;
pub(super) use notes::step as enrich;

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
    fn phone_text(&self, introduction: &Introduction, usual: Language) -> Option<&PhoneText> {
        self.phone_texts.as_ref()?.for_language(introduction.language.as_deref(), usual)
    }
}

/// One update of somebody who may be new.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    work: &'a Work,
    source: &'a SourceId,
    bot: BotId,
    raw: &'a str,
    tries: Tries,
    enqueued_at: UnixMillis,
}

/// Relays an update, and sees to what follows from whose it is.
pub(super) async fn step(
    courier: &Courier,
    work: &Work,
    (source, bot, raw): (&SourceId, BotId, &str),
    tries: Tries,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let arrival = Arrival { work, source, bot, raw, tries, enqueued_at };
    // Before anything that tells Kommo of the customer. A second time, however late, it changes nothing.
    if let Some((customer, phone, shared_at)) = from_telegram::own_number(raw) {
        courier.store.remember_number(OwnNumber { customer, phone, shared_at }).await?;
    }
    let Some(introduction) = from_telegram::introduction(raw, source) else {
        if let Some(step) = door::let_in_first(courier, work, (source, raw))? {
            return Ok(step);
        }
        return inbound::step(courier, work, (source, bot, raw), tries, enqueued_at).await;
    };
    if let Some(step) = door::meet(courier, &introduction, arrival).await? {
        return Ok(step);
    }
    door::thank(courier, &introduction, (bot, tries.failed)).await;
    relay(courier, &introduction, arrival).await
}

/// Relays the update of somebody who is let in.
async fn relay(courier: &Courier, introduction: &Introduction, arrival: Arrival<'_>) -> Result<Step, StoreError> {
    let Arrival { work, source, bot, raw, tries, enqueued_at } = arrival;
    let conversation = &introduction.conversation;
    let (mut jobs, mut facts) = (Vec::new(), Vec::new());
    if let (Some(account), Some(whose)) = (&courier.crm.account, whose(courier, introduction, arrival).await?) {
        let tied = if courier.store.chat(conversation)?.is_some() {
            // It may be given away at leisure.
            Tied::NotYet
        } else {
            let from = TakenFrom::message(enqueued_at, tries.failed == 0);
            tie_in_time(courier, account, introduction, &whose, from).await
        };
        match tied {
            Tied::Chat(chat) => {
                facts.push(Fact::Chat { conversation: conversation.clone(), chat: Chat { chat, user: None } });
            }
            Tied::ToNobody => {}
            Tied::NotYet => {
                let guest = introduction.guest.clone();
                let work = Work::Link { conversation: conversation.clone(), guest, whose };
                jobs.push(NewJob { id: None, lane: Lane::links(conversation), work });
            }
        }
    }
    if courier.crm.account.is_some() {
        notes(courier, introduction, &mut jobs, &mut facts)?;
    }
    let step = inbound::step(courier, work, (source, bot, raw), tries, enqueued_at).await?;
    Ok(step.followed_by(jobs, facts))
}

async fn tie_in_time(
    courier: &Courier,
    account: &Account,
    introduction: &Introduction,
    whose: &Whose,
    from: TakenFrom,
) -> Tied {
    let conversation = &introduction.conversation;
    let tie = link::tie(courier, account, (conversation, &introduction.guest), whose, from);
    // What the calls wait for each other is no slowness of Kommo's: whoever shares their number in a crowd has a contact too.
    let tied = within(LINK_WITHIN, tie).await.unwrap_or_else(|late| Err(Failure::transient(late.to_string())));
    tied.unwrap_or_else(|failure| {
        tracing::warn!(%conversation, failure = %failure.why(), "the message goes first, its chat is given to the contact later");
        Tied::NotYet
    })
}

/// Whose chat this is to be, if it is known: an invitation says it; else, in a new conversation, the person's chat with
/// another bot, or their phone number.
async fn whose(
    courier: &Courier,
    introduction: &Introduction,
    arrival: Arrival<'_>,
) -> Result<Option<Whose>, StoreError> {
    if let Some(invitation) = invitation(courier, introduction, arrival).await? {
        return Ok(Some(Whose::Contact(invitation.contact)));
    }
    let conversation = &introduction.conversation;
    if courier.store.chat(conversation)?.is_some() {
        return Ok(None);
    }
    for other in courier.bots.keys().filter(|other| **other != conversation.source) {
        if let Some(twin) = courier.store.chat(&Conversation::new(other.clone(), conversation.chat))? {
            return Ok(Some(match introduction.phone.clone() {
                Some(phone) => Whose::TwinOrPhone(twin.chat, phone),
                None => Whose::Twin(twin.chat),
            }));
        }
    }
    Ok(introduction.phone.clone().map(Whose::Phone))
}

/// The invitation that a `/start` carries, if it is good and this is its first use.
async fn invitation(
    courier: &Courier,
    introduction: &Introduction,
    arrival: Arrival<'_>,
) -> Result<Option<Invitation>, StoreError> {
    let conversation = &introduction.conversation;
    let Some(opened) = opened(courier, introduction, arrival) else { return Ok(None) };
    let invitation = match opened {
        Ok(invitation) => invitation,
        Err(why) => {
            tracing::warn!(%conversation, %why, "not linked to a contact");
            return Ok(None);
        }
    };
    if courier.crm.account.is_none() {
        tracing::warn!(%conversation, "not linked to a contact: that needs kommo.account_url and kommo.access_token");
        return Ok(None);
    }
    let until = invitation.expires_at().plus(REMEMBERED_AFTER);
    if courier.store.redeem(&invitation.name(), user(introduction, arrival), until, clock::now()).await? {
        return Ok(Some(invitation));
    }
    tracing::warn!(%conversation, "not linked to a contact: the link was used before, or long ago; make a new one");
    Ok(None)
}

/// What stands behind a `/start`, if it has the shape of an invitation. What counts is when the customer opened it.
fn opened(
    courier: &Courier,
    introduction: &Introduction,
    arrival: Arrival<'_>,
) -> Option<Result<Invitation, BadInvitation>> {
    let opened_at = introduction.written_at.unwrap_or(arrival.enqueued_at);
    courier.crm.invites.open(introduction.start.as_deref()?, arrival.source, opened_at)
}

/// Who uses an invitation. The same update may come here again, after a failure; any other is another use.
fn user(introduction: &Introduction, arrival: Arrival<'_>) -> String {
    format!("{} {}:{}", introduction.conversation, arrival.bot, introduction.update)
}

/// What is to be written down about this customer that was not before.
fn notes(
    courier: &Courier,
    introduction: &Introduction,
    jobs: &mut Vec<NewJob>,
    facts: &mut Vec<Fact>,
) -> Result<(), StoreError> {
    let conversation = &introduction.conversation;
    let mut note = |lane, note| {
        let work = Work::Enrich { conversation: conversation.clone(), guest: introduction.guest.clone(), note };
        jobs.push(NewJob { id: None, lane, work });
    };
    let told = courier.store.told(conversation)?;
    if let Some((card, told)) = card(&courier.crm, introduction, told) {
        note(Lane::contact(conversation), Note::Card(card));
        facts.push(Fact::Told { conversation: conversation.clone(), told });
    }
    let name = introduction.start.as_deref().unwrap_or_default();
    if let Some(campaign) = courier.crm.campaigns.get(name) {
        if campaign.counts_at(&conversation.source) {
            note(Lane::lead(conversation), Note::Campaign(name.to_owned()));
        } else {
            tracing::info!(%conversation, campaign = name, "this campaign is another bot's: nothing is noted");
        }
    }
    Ok(())
}

/// What is new about a customer, and what was told once that is.
fn card(crm: &Crm, introduction: &Introduction, told: Told) -> Option<(Card, Told)> {
    let username = introduction.guest.username.clone().filter(|_| crm.username_field.is_some());
    // One that was noted nowhere, for the field was named wrongly, is told anew when it is named otherwise.
    let is_elsewhere = told.username_field.is_some() && told.username_field != crm.username_field;
    let is_new = username.is_some() && (username != told.username || is_elsewhere);
    let tags: Vec<_> = crm.contact_tags.iter().filter(|tag| !told.tags.contains(tag)).cloned().collect();
    if introduction.phone.is_none() && !is_new && tags.is_empty() {
        return None;
    }
    let card = Card {
        phone: introduction.phone.clone(),
        username: username.clone().filter(|_| is_new),
        former_username: told.username.clone().filter(|_| is_new),
        tags: tags.clone(),
    };
    let tags = told.tags.into_iter().chain(tags).collect();
    let username_field = if is_new { crm.username_field.clone() } else { told.username_field };
    Some((card, Told { username: username.or(told.username), username_field, tags, ..told }))
}

/// A job that cannot come about, in a sentence for the operator.
fn hopeless(sentence: impl Into<String>) -> Failure {
    Failure::Permanent(Refusal::internal(sentence))
}

/// The account of a job; it was there when the job was made. Jobs let first messages go before them, which have seconds.
fn account(courier: &Courier) -> Result<Account, Failure> {
    let missing = "kommo.account_url or kommo.access_token is not written any more: write both, and retry this";
    courier.crm.account.as_ref().map(Account::patient).ok_or_else(|| hopeless(missing))
}

/// Nothing more is to be done.
fn finished() -> Step {
    Step::without_call(Ok(done()))
}

/// How long ago something was.
fn age(since: UnixMillis) -> Duration {
    since.until(clock::now())
}

#[cfg(test)]
#[path = "crm_tests.rs"]
mod tests;
