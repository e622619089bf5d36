//! Contacts, and the chats that belong to them.

use reqwest::Method;

use crate::kommo::{
    account::{Account, RestError, encode},
    wire::account::{ChatLink, Contact, EntityPatch, KnownField, NewChatLink, NewNote, NoteText},
};

impl Account {
    /// Searches contacts for `text`, the digits of a phone number for instance. Kommo searches all fields, so callers
    /// have to compare the results. It does not search contacts of incoming leads.
    pub async fn search_contacts(&self, text: &str) -> Result<Vec<Contact>, RestError> {
        self.list("contacts", "contacts", &[("query", text), ("with", "leads"), ("limit", "250")]).await
    }

    /// A contact with its leads; `None` if there is none.
    pub async fn contact(&self, id: u64) -> Result<Option<Contact>, RestError> {
        missing_is_none(self.get(&format!("contacts/{id}"), &[("with", "leads")]).await)
    }

    /// Changes a contact. Idempotent.
    pub async fn patch_contact(&self, id: u64, patch: &EntityPatch) -> Result<(), RestError> {
        self.patch_entity("contacts", id, patch).await
    }

    /// Adds a note to a contact. This is not idempotent.
    pub async fn note_on_contact(&self, id: u64, text: String) -> Result<(), RestError> {
        let note = NewNote { note_type: "common", params: NoteText { text } };
        self.call(Method::POST, &format!("contacts/{id}/notes"), &[], Some(encode(&[note]))).await.map(drop)
    }

    /// The custom fields that contacts can have.
    pub async fn contact_fields(&self) -> Result<Vec<KnownField>, RestError> {
        self.list("contacts/custom_fields", "custom_fields", &[("limit", "250")]).await
    }

    /// Links a chat to a contact, and unlinks it from another one. Idempotent: Kommo may accept an existing link or
    /// respond with `AlreadyExists`, which is not documented. After a foreign response, this checks the link.
    ///
    /// # Errors
    /// [`RestError`]; 403 if the channel was registered without this integration.
    pub async fn link_chat(&self, link: &NewChatLink) -> Result<(), RestError> {
        let linked: Result<ChatLink, _> = self.post("contacts/chats", "chats", link).await;
        match linked {
            Ok(_) => Ok(()),
            Err(error) if error.already_exists() || matches!(error, RestError::ForeignAnswer(_)) => {
                let is_linked = self.contact_of_chat(&link.chat_id).await? == Some(link.contact_id);
                if is_linked { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// The contact of a chat, also of an incoming lead.
    pub async fn contact_of_chat(&self, chat_id: &str) -> Result<Option<u64>, RestError> {
        let links: Vec<ChatLink> = self.list("contacts/chats", "chats", &[("chat_id", chat_id)]).await?;
        let link = links.into_iter().find(|link| link.chat_id.as_deref() == Some(chat_id));
        Ok(link.and_then(|link| link.contact_id))
    }

    /// A contact's chats of our channel, by their ids in the Chats API.
    pub async fn chats_of_contact(&self, contact_id: u64) -> Result<Vec<String>, RestError> {
        let id = contact_id.to_string();
        let links: Vec<ChatLink> = self.list("contacts/chats", "chats", &[("contact_id", &id)]).await?;
        let ours = links.into_iter().filter(|link| link.contact_id == Some(contact_id));
        Ok(ours.filter_map(|link| link.chat_id).collect())
    }
}

/// Turns a 404 into `None`: Kommo responds with 204 or 404 if an entity is missing.
pub(super) fn missing_is_none<T>(answer: Result<Option<T>, RestError>) -> Result<Option<T>, RestError> {
    match answer {
        Err(error) if error.is_not_found() => Ok(None),
        Ok(_) | Err(_) => answer,
    }
}
