//! `POST {scope}`: messages into the account, new and edited. `POST {scope}/chats`: a chat without any.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        Core, DuplicateAnswer, Media,
        api::{Answer, Refusal},
        reading::{Content, EditMessage, Event, Filled, Known, NewMessage, Participant, Source},
        world::{Author, Chat, Contact, Message, World, uuid},
    },
};

/// Takes a message, or the edit of one.
pub(super) fn post(core: &Core, body: &[u8]) -> Answer {
    let event: Event = read(body)?;
    let payload = event.payload.to_string();
    match event.event_type.as_str() {
        "new_message" => accept(core, &read(payload.as_bytes())?),
        "edit_message" => edit(core, read(payload.as_bytes())?),
        other => Err(Refusal::bad(format!("event_type: {other} is not known"))),
    }
}

pub(super) fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))
}

fn accept(core: &Core, new: &NewMessage) -> Answer {
    new.message.check().map_err(Refusal::bad)?;
    core.world.change(|world| {
        let author = author(core, world, new)?;
        let duplicates = world.habits.duplicates;
        if let Some((known, chat_id, contact_id)) = world.find(|it| it.client_msgid.as_ref() == Some(&new.msgid.0)) {
            return match duplicates {
                DuplicateAnswer::SameIds200 => Ok(accepted(&chat_id, &contact_id, new, known)),
                DuplicateAnswer::Blank200 => Ok((200, Value::Null)),
                DuplicateAnswer::BadRequest400 => Err(Refusal::bad(format!("msgid {} is known", new.msgid.0))),
            };
        }
        let customer = new.receiver.as_ref().unwrap_or(&new.sender);
        let chat = thread(world, &new.conversation_id, new.conversation_ref_id.as_ref(), new.source.as_ref(), customer);
        let reply_to = new.reply_to.as_ref().map(|reply| answered(chat, &reply.message)).transpose()?;
        let message = Message { reply_to, ..message(new, author, &chat.contact.id) };
        // Whether silence is the default is not documented: a lead is made only when the message asks for it.
        chat.is_lead |= author == Author::Customer && new.silent == Some(false);
        let answer = accepted(&chat.chat_id, &chat.contact.id, new, &message);
        let wanted = message.media.as_ref().map(|media| (message.id.clone(), media.url.clone()));
        chat.messages.push(message);
        world.wanted.extend(wanted);
        Ok(answer)
    })
}

/// The message of the chat that another one answers. What Kommo does to an unknown one is not documented.
fn answered(chat: &Chat, known: &Known) -> Result<String, Refusal> {
    let is_meant = |message: &&Message| {
        known.id.as_ref().is_some_and(|id| id.0 == message.id)
            || known.msgid.as_ref().is_some_and(|msgid| message.client_msgid.as_ref() == Some(&msgid.0))
    };
    let found = chat.messages.iter().find(is_meant).map(|message| message.id.clone());
    found.ok_or_else(|| Refusal::bad("reply_to: no such message in this chat"))
}

/// Who wrote it: an answer that is imported needs a sender whom Kommo knows.
fn author(core: &Core, world: &World, new: &NewMessage) -> Result<Author, Refusal> {
    match (&new.receiver, &new.sender.ref_id) {
        (None, _) => Ok(Author::Customer),
        (Some(_), Some(Filled(id))) if *id == core.settings.bot_id => Ok(Author::Bot),
        (Some(_), Some(Filled(id))) if world.is_manager(id) => Ok(Author::Manager),
        (Some(_), _) => {
            Err(Refusal { status: 400, code: 453, kind: "", description: "sender: user not found".to_owned() })
        }
    }
}

/// The chat of a conversation. One that a manager began is bound to it when `reference` names it.
fn thread<'w>(
    world: &'w mut World,
    conversation: &Filled,
    reference: Option<&Filled>,
    source: Option<&Source>,
    customer: &Participant,
) -> &'w mut Chat {
    let known = world.chats.iter().position(|chat| chat.conversation_id == conversation.0);
    let begun = || {
        let reference = reference?;
        world.chats.iter().position(|chat| chat.chat_id == reference.0 && chat.conversation_id.is_empty())
    };
    let index = known.or_else(begun).unwrap_or(world.chats.len());
    if index == world.chats.len() {
        world.chats.push(Chat {
            chat_id: uuid(),
            conversation_id: String::new(),
            source: None,
            contact: unknown_contact(),
            is_lead: false,
            messages: Vec::new(),
        });
    }
    let chat = &mut world.chats[index];
    conversation.0.clone_into(&mut chat.conversation_id);
    if let Some(source) = source {
        chat.source = Some(source.external_id.0.clone());
    }
    introduce(&mut chat.contact, customer);
    chat
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
    }
}

/// Takes over what is new about a customer.
fn introduce(contact: &mut Contact, customer: &Participant) {
    customer.id.0.clone_into(&mut contact.client_id);
    customer.name.0.clone_into(&mut contact.name);
    if customer.profile_link.is_some() {
        contact.profile_link.clone_from(&customer.profile_link);
    }
    if let Some(profile) = &customer.profile {
        contact.phone = profile.phone.clone().unwrap_or_default();
        contact.email = profile.email.clone().unwrap_or_default();
    }
}

fn message(new: &NewMessage, from: Author, contact_id: &str) -> Message {
    let author_id = match from {
        Author::Customer => contact_id.to_owned(),
        Author::Manager | Author::Bot => new.sender.ref_id.as_ref().map(|id| id.0.clone()).unwrap_or_default(),
    };
    let told =
        Message::outgoing(from, (&author_id, &new.sender.name.0), &new.message.text, UnixMillis(new.msec_timestamp));
    Message {
        client_msgid: Some(new.msgid.0.clone()),
        kind: new.message.kind.name().to_owned(),
        media: Media::of(&new.message),
        card: new.message.card(),
        ..told
    }
}

/// The naming is Kommo's: `msgid` is its own id here, and `ref_id` the channel's.
fn accepted(chat_id: &str, contact_id: &str, new: &NewMessage, message: &Message) -> (u16, Value) {
    let receiver = new.receiver.as_ref().map(|_| contact_id);
    let names = json!({
        "conversation_id": chat_id,
        "sender_id": message.author_id,
        "receiver_id": receiver,
        "msgid": message.id,
        "ref_id": new.msgid.0,
    });
    (200, json!({ "new_message": names }))
}

fn edit(core: &Core, edit: EditMessage) -> Answer {
    edit.message.check().map_err(Refusal::bad)?;
    let EditMessage { msgid, id, message: Content { text, .. }, .. } = edit;
    if msgid.is_none() && id.is_none() {
        return Err(Refusal::bad("msgid or id is required"));
    }
    core.world.change(|world| {
        let is_meant = |message: &Message| match &id {
            Some(Filled(id)) => message.id == *id,
            None => message.client_msgid.is_some() && message.client_msgid.as_ref() == msgid.as_ref().map(|id| &id.0),
        };
        let (message, chat_id, _) = world.find(is_meant).ok_or_else(Refusal::unknown)?;
        message.text = text;
        message.edited = true;
        if let Some(Filled(msgid)) = msgid {
            message.client_msgid = Some(msgid);
        }
        let names = json!({ "conversation_id": chat_id, "msgid": message.id, "ref_id": message.client_msgid });
        Ok((200, json!({ "new_message": names })))
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
        let chat = thread(world, &conversation_id, None, source.as_ref(), &user);
        let contact = &chat.contact;
        let user = json!({ "id": contact.id, "client_id": contact.client_id, "name": contact.name,
            "avatar": "", "phone": contact.phone, "email": contact.email });
        Ok((200, json!({ "id": chat.chat_id, "user": user })))
    })
}
