//! Chats in Kommo, apart from their messages.

use crate::{
    domain::{address::Conversation, crm::CustomerProfile},
    kommo::wire::{NewChat, Profile, Sender, Source},
};

/// The request that finds or creates the chat of a conversation. `phone` is the customer's own number, digits only.
#[must_use]
pub fn chat(conversation: &Conversation, customer: &CustomerProfile, phone: Option<&str>) -> NewChat {
    let profile = phone.map(Profile::of);
    let profile_link = customer.username.as_ref().map(|username| format!("https://t.me/{username}"));
    NewChat {
        conversation_id: conversation.to_string(),
        source: Source { external_id: conversation.source.to_string() },
        user: Sender {
            id: customer.id.to_string(),
            ref_id: None,
            name: customer.name.clone(),
            avatar: None,
            profile,
            profile_link,
        },
    }
}
