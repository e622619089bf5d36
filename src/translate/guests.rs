//! Customers as Kommo is told of them beside their messages.

use crate::{
    domain::{address::Conversation, guest::Guest},
    kommo::wire::{NewChat, Profile, Sender, Source},
};

/// The chat of a conversation, to be found or made, with the customer's own phone number: digits alone.
#[must_use]
pub fn chat(conversation: &Conversation, guest: &Guest, phone: Option<&str>) -> NewChat {
    let profile = phone.map(Profile::of);
    let profile_link = guest.username.as_ref().map(|username| format!("https://t.me/{username}"));
    NewChat {
        conversation_id: conversation.to_string(),
        source: Source { external_id: conversation.source.to_string() },
        user: Sender {
            id: guest.id.to_string(),
            ref_id: None,
            name: guest.name.clone(),
            avatar: None,
            profile,
            profile_link,
        },
    }
}
