//! `POST {scope}/react`: reactions of customers, and of users who react in the messenger.

use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::kommo::{
    Core,
    api::{Answer, Refusal},
    messages::{read, unknown_sender},
    reading::{Filled, Somebody},
};

#[derive(Deserialize)]
struct Reaction {
    conversation_id: Option<Filled>,
    conversation_ref_id: Option<Filled>,
    msgid: Option<Filled>,
    id: Option<Filled>,
    user: Somebody,
    r#type: String,
    emoji: Option<Filled>,
}

impl Reaction {
    fn emoji(&self) -> Result<Option<String>, Refusal> {
        match (self.r#type.as_str(), &self.emoji) {
            ("react", Some(Filled(emoji))) => Ok(Some(emoji.clone())),
            ("unreact", _) => Ok(None),
            ("react", None) => Err(Refusal::bad("emoji is required")),
            _ => Err(Refusal::bad("type must be react or unreact")),
        }
    }
}

/// Takes a reaction to a message, or the end of it. Who has a `ref_id` is a user of the account, or the customer.
pub(super) fn react(core: &Core, body: &[u8]) -> Answer {
    let reaction: Reaction = read(body)?;
    let emoji = reaction.emoji()?;
    let Reaction { conversation_id, conversation_ref_id, msgid, id, user, .. } = reaction;
    if user.id.is_none() && user.ref_id.is_none() {
        return Err(Refusal::bad("user.id or user.ref_id is required"));
    }
    core.world.change(|world| {
        let manager = user.ref_id.as_ref().and_then(|id| world.manager_named_by(&id.0));
        let refusal = unknown_sender(world.quirks);
        let place = world.place(conversation_id.as_ref(), conversation_ref_id.as_ref()).ok_or_else(Refusal::unknown)?;
        let chat = &mut world.chats[place];
        let is_customer = user.ref_id.as_ref().is_none_or(|id| id.0 == chat.contact.id);
        let message = chat.messages.iter_mut().find(|message| message.is_meant(id.as_ref(), msgid.as_ref()));
        let message = message.ok_or_else(Refusal::unknown)?;
        match (manager, emoji) {
            (Some(name), Some(emoji)) => _ = message.manager_reactions.insert(name, emoji),
            (Some(name), None) => _ = message.manager_reactions.remove(&name),
            (None, emoji) if is_customer => message.reaction = emoji,
            (None, _) => return Err(refusal),
        }
        Ok((200, Value::Null))
    })
}
