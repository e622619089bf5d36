//! Giving the chat of a conversation to a contact.

use crate::{
    domain::{
        address::{Conversation, KommoChatId},
        guest::{Guest, Whose, digits},
        retry::Failure,
    },
    kommo::{
        account::Account,
        wire::account::{Contact, NewChatLink},
    },
    relay::{
        courier::{Courier, Step, done},
        crm,
    },
    store::StoreError,
    translate,
};

/// Gives the chat away.
pub(in crate::relay) async fn step(
    courier: &Courier,
    conversation: &Conversation,
    guest: &Guest,
    whose: &Whose,
) -> Result<Step, StoreError> {
    let account = match crm::account(courier) {
        Ok(account) => account,
        Err(failure) => return Ok(Step::without_call(Err(failure))),
    };
    let tied = tie(courier, &account, conversation, guest, whose).await;
    Ok(Step::called(tied.map(|_chat| done())))
}

/// Gives the chat of a conversation, which is made if there is none, to whom it is to belong, and tells Kommo's id of it;
/// `None` if that is nobody. This can be repeated.
pub(super) async fn tie(
    courier: &Courier,
    account: &Account,
    conversation: &Conversation,
    guest: &Guest,
    whose: &Whose,
) -> Result<Option<KommoChatId>, Failure> {
    let contact = match whose {
        Whose::Contact(contact) => Some(*contact),
        Whose::Twin(twin) => account.contact_of_chat(&twin.0).await?,
        Whose::Phone(phone) => {
            let known = known_chat(courier, conversation)?;
            by_phone(account, phone, known.as_ref()).await?
        }
    };
    let Some(contact) = contact else { return Ok(None) };
    if account.contact(contact).await?.is_none() {
        return Err(crm::hopeless(format!(
            "Kommo has no contact {contact}: it was deleted, or merged into another one. Find the contact that is meant, and \
             run `telekommo chats link {conversation} CONTACT`; then drop this."
        )));
    }
    let chat = chat(courier, conversation, guest).await?;
    account.link_chat(&NewChatLink { contact_id: contact, chat_id: chat.0.clone() }).await?;
    tracing::info!(%conversation, contact, "the chat belongs to the contact");
    Ok(Some(chat))
}

fn known_chat(courier: &Courier, conversation: &Conversation) -> Result<Option<KommoChatId>, Failure> {
    let known = courier.store.chat(conversation).map_err(|error| Failure::transient(error.to_string()))?;
    Ok(known.map(|chat| chat.chat))
}

/// Kommo's id of a conversation's chat. Asking for it makes the chat if there is none; one without messages is shown to
/// nobody.
pub(super) async fn chat(
    courier: &Courier,
    conversation: &Conversation,
    guest: &Guest,
) -> Result<KommoChatId, Failure> {
    if let Some(known) = known_chat(courier, conversation)? {
        return Ok(known);
    }
    Ok(KommoChatId(courier.chats.chat(&translate::guests::chat(conversation, guest)).await?))
}

/// The one contact that has a phone number, the chat's own not counted. Of several nobody knows which is meant.
async fn by_phone(account: &Account, phone: &str, own: Option<&KommoChatId>) -> Result<Option<u64>, Failure> {
    let own = match own {
        Some(chat) => account.contact_of_chat(&chat.0).await?,
        None => None,
    };
    let found = account.search_contacts(phone).await?;
    let has = |contact: &&Contact| contact.texts("PHONE").any(|text| digits(text) == phone);
    let mut ids: Vec<_> = found.iter().filter(has).filter_map(|it| it.id).filter(|id| Some(*id) != own).collect();
    ids.sort_unstable();
    ids.dedup();
    match ids[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [..] => {
            tracing::warn!(contacts = ?ids, "several contacts have this customer's number, so the chat is given to none");
            Ok(None)
        }
    }
}
