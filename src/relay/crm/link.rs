//! Links the chat of a conversation to a contact.

use std::time::Duration;

use crate::{
    domain::{
        address::{Conversation, KommoChatId},
        crm::{CustomerProfile, LinkTarget},
        job::{CrmJob, Job, Link},
        phone::{self, Country},
        retry::Failure,
        time::UnixMillis,
    },
    kommo::{
        account::Account,
        wire::account::{Contact, NewChatLink},
    },
    relay::{
        context::Context,
        crm::account::{self, age, hopeless},
        step::{Step, StepError, StepResult, done},
    },
    store::{Lease, StoreError},
    translate,
    words::{Language, note},
};

/// How long to wait for the contact of a person's other chat. After that it counts as deleted.
const MAX_TWIN_WAIT: Duration = Duration::from_hours(1);

/// A contact that was created less than this before the link job may have been created by Kommo itself for the chat's
/// first message, which may have been in flight for so long. Such a contact loses the chat.
const MAX_AGE_OF_OWN_CONTACT: Duration = Duration::from_hours(1);

/// The contacts from which a chat may be taken, if nobody has named its contact.
#[derive(Clone, Copy, Debug)]
pub(super) enum TakenFrom {
    /// None: no message of this conversation was sent, so a person has chosen the contact.
    Nobody,
    /// Those that may have been created for a message that was sent then. An older contact was chosen by a person.
    MadeSince(UnixMillis),
}

impl TakenFrom {
    /// The contacts for a message that arrived at `enqueued_at`, and that is sent for the first time or again.
    pub(super) fn message(enqueued_at: UnixMillis, is_first_try: bool) -> Self {
        if is_first_try { Self::Nobody } else { Self::MadeSince(enqueued_at.minus(MAX_AGE_OF_OWN_CONTACT)) }
    }

    fn takes(self, contact: &Contact) -> bool {
        let made_at = contact.created_at.map(UnixMillis::from_seconds);
        match self {
            Self::Nobody => false,
            Self::MadeSince(since) => made_at.is_some_and(|made_at| made_at >= since),
        }
    }
}

/// The result of linking a chat.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LinkOutcome {
    /// The chat is linked to a contact.
    Chat(KommoChatId),
    /// There is no contact for it.
    ToNobody,
    /// Kommo has not created its contact yet.
    NotYet,
}

/// Takes the step of a link job.
pub(in crate::relay) async fn step(context: &Context, lease: &Lease, job: &Link) -> StepResult {
    let Link { conversation, customer, whose } = job;
    let account = account::of(context)?;
    let from = TakenFrom::message(lease.enqueued_at(), false);
    match link_chat(context, &account, (conversation, customer), whose, from).await {
        Ok(LinkOutcome::NotYet) if age(lease.enqueued_at()) < MAX_TWIN_WAIT && !is_outdated(lease)? => {
            let later = Failure::not_yet("Kommo has not created the contact of this customer's other chat yet");
            Err(StepError::remote(later))
        }
        Ok(LinkOutcome::Chat(_) | LinkOutcome::ToNobody | LinkOutcome::NotYet) => Ok(Step::remote(done())),
        Err(failure) => Err(StepError::remote(failure)),
    }
}

/// Whether a later job links the chat to another contact.
fn is_outdated(lease: &Lease) -> Result<bool, StoreError> {
    let is_link = |(job, _): &(Job, UnixMillis)| matches!(job, Job::Crm(CrmJob::Link(_)));
    Ok(lease.behind(1)?.iter().any(is_link))
}

/// Links the conversation's chat to the contact of `whose`, and creates the chat if there is none. If a person has
/// named that contact, the chat is taken from any other; else only from those that `from` allows. This can be repeated.
pub(super) async fn link_chat(
    context: &Context,
    account: &Account,
    (conversation, customer): (&Conversation, &CustomerProfile),
    whose: &LinkTarget,
    from: TakenFrom,
) -> Result<LinkOutcome, Failure> {
    let (twin, phone) = match whose {
        LinkTarget::Contact(contact) => {
            check_contact(account, conversation, *contact).await?;
            return assign(context, account, (conversation, customer), *contact, None).await;
        }
        LinkTarget::SameContactAs(twin) => (Some(twin), None),
        LinkTarget::Phone(phone) => (None, Some(phone)),
        LinkTarget::SameContactAsOrPhone(twin, phone) => (Some(twin), Some(phone)),
    };
    // The contact need not be checked by its id: Kommo does not show it as long as its lead is an incoming one.
    if let Some(twin) = twin
        && let Some(contact) = account.contact_of_chat(&twin.0).await?
    {
        return assign(context, account, (conversation, customer), contact, Some(from)).await;
    }
    if let Some(phone) = phone
        && let Some(contact) =
            by_phone(account, phone, known_chat(context, conversation)?.as_ref(), context.crm.phone_region.country())
                .await?
    {
        return assign(context, account, (conversation, customer), contact, Some(from)).await;
    }
    Ok(if twin.is_some() { LinkOutcome::NotYet } else { LinkOutcome::ToNobody })
}

async fn check_contact(account: &Account, conversation: &Conversation, contact: u64) -> Result<(), Failure> {
    if account.contact(contact).await?.is_some() {
        return Ok(());
    }
    Err(hopeless(format!(
        "Kommo shows no contact {contact}: it was deleted, or merged into another one, or nobody has accepted its \
         lead. Find the contact that is meant, and run `telekommo chats link {conversation} CONTACT`; then drop this."
    )))
}

/// Links the chat to a contact; without `from`, it is taken from any other.
async fn assign(
    context: &Context,
    account: &Account,
    (conversation, customer): (&Conversation, &CustomerProfile),
    contact: u64,
    from: Option<TakenFrom>,
) -> Result<LinkOutcome, Failure> {
    let chat = chat(context, conversation, customer).await?;
    // The store may be newer than the chat: only Kommo knows its contact.
    let before = account.contact_of_chat(&chat.0).await?;
    if before == Some(contact) {
        return Ok(LinkOutcome::Chat(chat));
    }
    if let (Some(before), Some(from)) = (before, from)
        && let Some(shown) = account.contact(before).await?
        && !from.takes(&shown)
    {
        tracing::info!(%conversation, before, contact, "the chat stays with its existing contact: \
            `telekommo chats link` links it to another one");
        return Ok(LinkOutcome::Chat(chat));
    }
    account.link_chat(&NewChatLink { contact_id: contact, chat_id: chat.0.clone() }).await?;
    tracing::info!(%conversation, contact, "chat linked to the contact");
    if let Some(before) = before {
        leave_note(account, conversation, (before, contact), context.spoken.now()).await;
    }
    Ok(LinkOutcome::Chat(chat))
}

/// Leaves a note for managers in the contact that a chat was taken from. Kommo may have created that contact for it,
/// and its API can neither merge nor delete contacts. The chat is linked whether or not this succeeds.
async fn leave_note(account: &Account, conversation: &Conversation, (before, contact): (u64, u64), language: Language) {
    let text = note::chat_moved(contact).say(language);
    let noted = account.note_on_contact(before, text).await;
    let why = noted.err().map(|error| error.to_string());
    tracing::info!(%conversation, before, contact, why, "the former contact of the chat stays: merge it in Kommo if \
        it was created for the chat");
}

fn known_chat(context: &Context, conversation: &Conversation) -> Result<Option<KommoChatId>, Failure> {
    let known = context.store.chat(conversation).map_err(|error| Failure::transient(error.to_string()))?;
    Ok(known.map(|chat| chat.chat))
}

/// Kommo's id of a conversation's chat. The request creates the chat if there is none; Kommo shows a chat without
/// messages to nobody.
pub(super) async fn chat(
    context: &Context,
    conversation: &Conversation,
    customer: &CustomerProfile,
) -> Result<KommoChatId, Failure> {
    if let Some(known) = known_chat(context, conversation)? {
        return Ok(known);
    }
    let number = context.store.number_of(customer.id).map_err(|error| Failure::transient(error.to_string()))?;
    let phone = number.as_ref().map(|number| number.phone.as_str());
    // The Chats API is another remote than that of this job.
    let made = context.chats.chat(&translate::contacts::chat(conversation, customer, phone)).await;
    made.map(KommoChatId).map_err(|error| match Failure::from(error) {
        failure if failure.is_final() => failure,
        later => Failure::not_yet(later.why()),
    })
}

/// The only contact with a phone number, except the chat's own. `None` if there are several, since any may be meant.
async fn by_phone(
    account: &Account,
    phone: &str,
    own: Option<&KommoChatId>,
    home: Option<Country>,
) -> Result<Option<u64>, Failure> {
    let own = match own {
        Some(chat) => account.contact_of_chat(&chat.0).await?,
        None => None,
    };
    let found = account.search_contacts(&phone::common_digits(phone)).await?;
    let has = |contact: &&Contact| contact.texts("PHONE").any(|text| phone::is_same(text, phone, home));
    let mut ids: Vec<_> = found.iter().filter(has).filter_map(|it| it.id).filter(|id| Some(*id) != own).collect();
    ids.sort_unstable();
    ids.dedup();
    match ids[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [..] => {
            tracing::warn!(contacts = ?ids, "several contacts have this customer's number, so the chat is linked to \
                none");
            Ok(None)
        }
    }
}
