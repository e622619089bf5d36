//! Chats and the customers in them. `POST {scope}/chats`: a chat without a message.

use std::iter;

use serde::Deserialize;
use serde_json::json;

use crate::sandbox::kommo::{
    Core, Doubtful, TwoChats, UserShape,
    api::{Answer, Refusal},
    media::Wanted,
    messages::read,
    reading::{Filled, NewMessage, Participant, Source},
    world::{Avatar, Chat, Contact, World, uuid},
};

/// What a request says about a chat.
pub(super) struct Named<'n> {
    conversation: &'n Filled,
    reference: Option<&'n Filled>,
    source: Option<&'n Source>,
    customer: &'n Participant,
}

impl<'n> From<&'n NewMessage> for Named<'n> {
    fn from(new: &'n NewMessage) -> Self {
        Self {
            conversation: &new.conversation_id,
            reference: new.conversation_ref_id.as_ref(),
            source: new.source.as_ref(),
            customer: new.receiver.as_ref().unwrap_or(&new.sender),
        }
    }
}

/// Where the chat is, which is made if need be. One that a manager began is bound to the conversation when both are
/// named.
pub(super) fn thread(world: &mut World, named: &Named) -> Result<usize, Refusal> {
    let known = world.place(Some(named.conversation), None);
    let mut heeds_user = true;
    let referred = named.reference.map(|id| world.place(None, Some(id)).ok_or_else(|| bad_reference("no such chat")));
    let place = match (known, referred.transpose()?) {
        (Some(known), Some(referred)) if is_begun_beside(world, known, referred) => match world.quirks.two_chats {
            TwoChats::Refused => return Err(bad_reference("another conversation's")),
            TwoChats::Stayed => {
                heeds_user = false;
                known
            }
            TwoChats::Moved => {
                world.chats[known].conversation_id.clear();
                referred
            }
        },
        (Some(known), Some(referred)) if known != referred => return Err(bad_reference("another conversation's")),
        (None, Some(referred)) if !world.chats[referred].conversation_id.is_empty() => {
            return Err(bad_reference("bound to another conversation"));
        }
        (Some(place), _) | (None, Some(place)) => place,
        (None, None) => world.chats.len(),
    };
    // Where a message stays in its own chat, the other chat's user is nobody.
    let user = named.customer.ref_id.as_ref().filter(|_| heeds_user);
    let contact = contact(world, place, named.customer, user)?;
    if place == world.chats.len() {
        world.chats.push(Chat {
            chat_id: uuid(),
            conversation_id: String::new(),
            source: None,
            contact: unknown_contact(),
            others: Vec::new(),
            is_lead: false,
            messages: Vec::new(),
        });
    }
    let chat = &mut world.chats[place];
    named.conversation.0.clone_into(&mut chat.conversation_id);
    if let Some(source) = named.source {
        chat.source = Some(source.external_id.0.clone());
    }
    if chat.contact.client_id.is_empty() || chat.contact.id == contact.id {
        chat.contact = contact.clone();
    } else if chat.others.iter().all(|other| other.id != contact.id) {
        chat.others.push(contact.clone());
    }
    for chat in world.chats.iter_mut().filter(|chat| chat.contact.id == contact.id) {
        chat.contact = contact.clone();
    }
    Ok(place)
}

/// Whether a manager has begun `referred` although the customer has the chat `known` already.
fn is_begun_beside(world: &World, known: usize, referred: usize) -> bool {
    known != referred && world.chats[referred].conversation_id.is_empty()
}

/// Where a message is going to be, if its chat is there.
pub(super) fn landing(world: &World, conversation: &Filled, reference: Option<&Filled>) -> Option<usize> {
    let known = world.place(Some(conversation), None);
    let referred = world.place(None, reference);
    let moves =
        |(known, referred)| is_begun_beside(world, known, referred) && world.quirks.two_chats == TwoChats::Moved;
    if known.zip(referred).is_some_and(moves) { referred } else { known.or(referred) }
}

fn bad_reference(why: &str) -> Refusal {
    Refusal::bad(format!("conversation_ref_id: {why}"))
}

/// The customer's card with what is new about them: the card of the chat, or one that has their id already.
///
/// Whom a manager wrote to first is recognised by `ref_id`; without it, whoever answers is somebody new, and so is
/// everybody else who writes in a chat under an id of their own.
fn contact(
    world: &mut World,
    place: usize,
    customer: &Participant,
    reference: Option<&Filled>,
) -> Result<Contact, Refusal> {
    let of_chat = world.chats.get(place).map(|chat| &chat.contact);
    let of_chat = match (of_chat, reference) {
        (Some(contact), Some(id)) if id.0 != contact.id => return Err(Refusal::bad("ref_id: not this chat's user")),
        (Some(contact), None) if contact.client_id != customer.id.0 => None,
        (of_chat, _) => of_chat,
    };
    let contacts = world.chats.iter().flat_map(|chat| iter::once(&chat.contact).chain(&chat.others));
    let known = contacts.into_iter().find(|contact| contact.client_id == customer.id.0);
    let mut contact = of_chat.or(known).cloned().unwrap_or_else(unknown_contact);
    if reference.is_some_and(|id| id.0 != contact.id) {
        return Err(Refusal::bad("ref_id: no such user"));
    }
    let wanted = introduce(&mut contact, customer).map(|url| (Wanted::Avatar(contact.id.clone()), url));
    world.wanted.extend(wanted);
    Ok(contact)
}

pub(super) fn unknown_contact() -> Contact {
    let nothing = String::new;
    Contact {
        id: uuid(),
        client_id: nothing(),
        name: nothing(),
        profile_link: None,
        phone: nothing(),
        email: nothing(),
        avatar: None,
    }
}

/// Takes over what is new about a customer. Returns the address of a picture that is new.
fn introduce(contact: &mut Contact, customer: &Participant) -> Option<String> {
    customer.id.0.clone_into(&mut contact.client_id);
    customer.name.0.clone_into(&mut contact.name);
    if customer.profile_link.is_some() {
        contact.profile_link.clone_from(&customer.profile_link);
    }
    if let Some(profile) = &customer.profile {
        for (field, value) in [(&mut contact.phone, &profile.phone), (&mut contact.email, &profile.email)] {
            value.iter().filter(|value| !value.is_empty()).for_each(|value| value.clone_into(field));
        }
    }
    let url = customer.avatar.as_ref().map(|avatar| avatar.0.clone()).filter(|url| !url.is_empty())?;
    let is_known = contact.avatar.as_ref().is_some_and(|avatar| avatar.url == url);
    (!is_known).then(|| {
        contact.avatar = Some(Avatar { url: url.clone(), fetched: None });
        url
    })
}

#[derive(Deserialize)]
struct NewChat {
    conversation_id: Filled,
    source: Option<Source>,
    user: Participant,
}

/// Makes a chat, or names the one that is there. It is no lead.
pub(super) fn create_chat(core: &Core, body: &[u8]) -> Answer {
    let NewChat { conversation_id, source, user } = read(body)?;
    core.world.change(|world| {
        if world.quirks.user_refs == Doubtful::Refused && user.ref_id.is_some() {
            return Err(Refusal::bad("user.ref_id: no such field"));
        }
        let named = Named { conversation: &conversation_id, reference: None, source: source.as_ref(), customer: &user };
        let place = thread(world, &named)?;
        let Chat { chat_id, contact, .. } = &world.chats[place];
        let avatar = contact.avatar.as_ref().map_or("", |avatar| &avatar.url);
        let mut user =
            json!({ "id": contact.id, "client_id": contact.client_id, "name": contact.name, "avatar": avatar });
        let profile = [("phone", json!(contact.phone)), ("email", json!(contact.email))];
        match world.quirks.users {
            UserShape::Flat => profile.into_iter().for_each(|(name, value)| user[name] = value),
            UserShape::Nested => {
                user["profile"] = profile.into_iter().map(|(name, it)| (name.to_owned(), it)).collect();
            }
        }
        Ok((200, json!({ "id": chat_id, "user": user })))
    })
}
