//! `POST {scope}` with `edit_message`: new wordings, ids for managers' messages, and what became of them.

use serde_json::json;

use crate::sandbox::kommo::{
    Core, Doubtful, Media,
    api::{Answer, Refusal},
    media::Wanted,
    reading::{Content, EditMessage, Filled},
    statuses::ReportedStatus,
    world::{Author, Message, World},
};

/// Changes the message that `id` or `msgid` names. If both do, `msgid` becomes the channel's id of it.
pub(super) fn edit(core: &Core, edit: &EditMessage) -> Answer {
    let (id, msgid) = (edit.id.as_ref(), edit.msgid.as_ref());
    if msgid.is_none() && id.is_none() {
        return Err(Refusal::bad("msgid or id is required"));
    }
    if edit.conversation_id.is_none() && edit.conversation_ref_id.is_none() {
        return Err(Refusal::bad("conversation_id or conversation_ref_id is required"));
    }
    let status = edit.message.delivery_status.as_ref().map(ReportedStatus::status).transpose()?;
    core.world.change(|world| {
        let place = world.place(edit.conversation_id.as_ref(), edit.conversation_ref_id.as_ref());
        let place = place.ok_or_else(Refusal::unknown)?;
        let is_meant = |it: &Message| it.is_meant(id, if id.is_some() { None } else { msgid });
        let at = world.chats[place].messages.iter().position(is_meant).ok_or_else(Refusal::unknown)?;
        check(world, &world.chats[place].messages[at], edit)?;
        let message = &mut world.chats[place].messages[at];
        let wanted = change(message, &edit.message).map(|url| (Wanted::File(message.id.clone()), url));
        if let Some(Filled(msgid)) = msgid {
            message.client_msgid = Some(msgid.clone());
        }
        if let Some(status) = status {
            message.set_status(status);
        }
        let names = json!({ "msgid": message.id, "ref_id": message.client_msgid });
        world.wanted.extend(wanted);
        let mut answer = json!({ "new_message": names });
        answer["new_message"]["conversation_id"] = json!(world.chats[place].chat_id);
        Ok((200, answer))
    })
}

fn check(world: &World, message: &Message, edit: &EditMessage) -> Result<(), Refusal> {
    let content = &edit.message;
    let is_same_type = content.kind.name() == message.kind;
    content.check(is_same_type && message.media.is_some()).map_err(Refusal::bad)?;
    let is_taken = |it: &Message| it.id != message.id && it.is_meant(None, edit.msgid.as_ref());
    if world.chats.iter().flat_map(|chat| &chat.messages).any(is_taken) {
        return Err(Refusal::bad("msgid: another message has it"));
    }
    if world.quirks.type_edits == Doubtful::Refused && !is_same_type {
        return Err(Refusal::bad("message.type: the message has another one"));
    }
    if world.quirks.outgoing_edits == Doubtful::Refused && message.from != Author::Customer {
        return Err(Refusal::bad("the message is not the customer's"));
    }
    if world.quirks.customer_edits == Doubtful::Refused && message.from == Author::Customer {
        return Err(Refusal::bad("edit_message: only outgoing messages can be edited"));
    }
    if content.delivery_status.is_some() && message.from == Author::Customer {
        return Err(Refusal::bad("message.delivery_status: customers' messages have none"));
    }
    Ok(())
}

/// Gives the address of a new file. One that is not named stays, unless the type has none; and so does a caption of
/// which nothing is said: whether it is taken away is not documented.
fn change(message: &mut Message, content: &Content) -> Option<String> {
    let has_file = content.kind.has_file();
    content.kind.name().clone_into(&mut message.kind);
    message.text = content.text.clone().unwrap_or_else(|| std::mem::take(&mut message.text));
    if let Some(card) = content.card() {
        message.card = Some(card);
        message.more = content.more();
    }
    message.edited = true;
    if !has_file {
        message.media = None;
    }
    let media = Media::of(content)?;
    let url = media.url.clone();
    message.media = Some(media);
    Some(url)
}
