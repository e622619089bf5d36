//! Giving the chat of a conversation to a contact.

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

/// How long a person's other chat may be without a contact, until nobody is waited for: it was deleted then.
const TWIN_WITHIN: Duration = Duration::from_hours(1);

/// A contact that was made less than this before the link job came may have been made by Kommo itself, for the chat's
/// first message, which may have been under way for so long. Such a contact loses the chat.
const MADE_FOR_IT_WITHIN: Duration = Duration::from_hours(1);

/// Which contacts a chat is taken from, where nobody has said whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum TakenFrom {
    /// From none that is shown: no message of this conversation was sent, so somebody has chosen the contact.
    Nobody,
    /// From those that may have been made for a message that was to be sent then. Of an older one somebody has chosen
    /// it.
    MadeSince(UnixMillis),
}

impl TakenFrom {
    /// Those that may be there for a message that came at `enqueued_at` and is sent now for the first time, or not.
    pub(super) fn message(enqueued_at: UnixMillis, is_first_try: bool) -> Self {
        if is_first_try { Self::Nobody } else { Self::MadeSince(enqueued_at.minus(MADE_FOR_IT_WITHIN)) }
    }

    fn takes(self, contact: &Contact) -> bool {
        let made_at = contact.created_at.map(UnixMillis::from_seconds);
        match self {
            Self::Nobody => false,
            Self::MadeSince(since) => made_at.is_some_and(|made_at| made_at >= since),
        }
    }
}

/// What became of a chat.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LinkOutcome {
    /// This one belongs to a contact.
    Chat(KommoChatId),
    /// There is nobody whom it could belong to.
    ToNobody,
    /// Kommo is still about to make whom it is to belong to.
    NotYet,
}

/// Gives the chat away.
pub(in crate::relay) async fn step(context: &Context, lease: &Lease, job: &Link) -> StepResult {
    let Link { conversation, customer, whose } = job;
    let account = account::of(context)?;
    let from = TakenFrom::message(lease.enqueued_at(), false);
    match link_chat(context, &account, (conversation, customer), whose, from).await {
        Ok(LinkOutcome::NotYet) if age(lease.enqueued_at()) < TWIN_WITHIN && !is_outdated(lease)? => {
            let later = Failure::not_yet("Kommo has not made the contact of this customer's other chat yet");
            Err(StepError::remote(later))
        }
        Ok(LinkOutcome::Chat(_) | LinkOutcome::ToNobody | LinkOutcome::NotYet) => Ok(Step::remote(done())),
        Err(failure) => Err(StepError::remote(failure)),
    }
}

/// Whether somebody else was wanted later, who then is to have the chat.
fn is_outdated(lease: &Lease) -> Result<bool, StoreError> {
    let is_link = |(job, _): &(Job, UnixMillis)| matches!(job, Job::Crm(CrmJob::Link(_)));
    Ok(lease.behind(1)?.iter().any(is_link))
}

/// Links the conversation's chat to the contact that `whose` leads to, and makes the chat if there is none. If somebody
/// has named that contact, it gets the chat from any other; else only from those that `from` allows. This can be
/// repeated.
pub(super) async fn link_chat(
    context: &Context,
    account: &Account,
    (conversation, customer): (&Conversation, &CustomerProfile),
    whose: &LinkTarget,
    from: TakenFrom,
) -> Result<LinkOutcome, Failure> {
    let (twin, phone) = match whose {
        LinkTarget::Contact(contact) => {
            must_be_there(account, conversation, *contact).await?;
            return assign(context, account, (conversation, customer), *contact, None).await;
        }
        LinkTarget::SameContactAs(twin) => (Some(twin), None),
        LinkTarget::Phone(phone) => (None, Some(phone)),
        LinkTarget::SameContactAsOrPhone(twin, phone) => (Some(twin), Some(phone)),
    };
    // A contact that was just found need not be shown by its number as long as its lead is an incoming one.
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

async fn must_be_there(account: &Account, conversation: &Conversation, contact: u64) -> Result<(), Failure> {
    if account.contact(contact).await?.is_some() {
        return Ok(());
    }
    Err(hopeless(format!(
        "Kommo shows no contact {contact}: it was deleted, or merged into another one, or nobody has accepted its \
         lead. Find the contact that is meant, and run `telekommo chats link {conversation} CONTACT`; then drop this."
    )))
}

/// Gives it to a contact; `from` anybody if that is not told.
async fn assign(
    context: &Context,
    account: &Account,
    (conversation, customer): (&Conversation, &CustomerProfile),
    contact: u64,
    from: Option<TakenFrom>,
) -> Result<LinkOutcome, Failure> {
    let chat = chat(context, conversation, customer).await?;
    // The store may be new and the chat old: only Kommo knows whose it is.
    let before = account.contact_of_chat(&chat.0).await?;
    if before == Some(contact) {
        return Ok(LinkOutcome::Chat(chat));
    }
    if let (Some(before), Some(from)) = (before, from)
        && let Some(shown) = account.contact(before).await?
        && !from.takes(&shown)
    {
        tracing::info!(%conversation, before, contact, "the chat has a contact that was there before, and stays with \
            it: `telekommo chats link` gives it to another");
        return Ok(LinkOutcome::Chat(chat));
    }
    account.link_chat(&NewChatLink { contact_id: contact, chat_id: chat.0.clone() }).await?;
    tracing::info!(%conversation, contact, "the chat belongs to the contact");
    if let Some(before) = before {
        leave_word(account, conversation, (before, contact), context.spoken.now()).await;
    }
    Ok(LinkOutcome::Chat(chat))
}

/// Tells managers, where they look for it, that a chat is not a contact's any more. Kommo made that contact for it, if
/// nobody else did, and its API can neither merge nor delete contacts. The chat has moved whether or not this works.
async fn leave_word(account: &Account, conversation: &Conversation, (before, contact): (u64, u64), language: Language) {
    let text = note::chat_moved(contact).say(language);
    let noted = account.note_on_contact(before, text).await;
    let why = noted.err().map(|error| error.to_string());
    tracing::info!(%conversation, before, contact, why, "the contact that had the chat stays: merge it in Kommo if it \
        was made for it");
}

fn known_chat(context: &Context, conversation: &Conversation) -> Result<Option<KommoChatId>, Failure> {
    let known = context.store.chat(conversation).map_err(|error| Failure::transient(error.to_string()))?;
    Ok(known.map(|chat| chat.chat))
}

/// Kommo's id of a conversation's chat. Asking for it makes the chat if there is none; one without messages is shown to
/// nobody.
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
    // That is another remote than the one that this job is for.
    let made = context.chats.chat(&translate::contacts::chat(conversation, customer, phone)).await;
    made.map(KommoChatId).map_err(|error| match Failure::from(error) {
        failure if failure.is_final() => failure,
        later => Failure::not_yet(later.why()),
    })
}

/// The one contact that has a phone number, the chat's own not counted. Of several nobody knows which is meant.
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
            tracing::warn!(contacts = ?ids, "several contacts have this customer's number, so the chat is given to \
                none");
            Ok(None)
        }
    }
}
