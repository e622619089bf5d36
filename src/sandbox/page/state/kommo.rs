//! The managers' side.

use serde_json::{Value, json};

use crate::sandbox::{
    kommo::{Author, Chat, Contact, Lead, Message, Status},
    page::View,
};

pub(super) fn chats(view: &View) -> Vec<Value> {
    let leads = view.kommo.leads();
    let of = |chat: &Chat| leads.iter().rev().find(|lead| lead.chat_id == chat.chat_id);
    view.kommo.chats().iter().map(|it| chat(it, of(it))).collect()
}

/// Where a lead came from, as its tags and its tracking fields say.
fn campaign(lead: &Lead) -> Value {
    let utm: Vec<_> = lead.utm().into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({ "tags": lead.tags, "utm": utm })
}

fn chat(chat: &Chat, lead: Option<&Lead>) -> Value {
    json!({
        "chat_id": chat.chat_id,
        "conversation_id": chat.conversation_id,
        "source": chat.source,
        "contact": contact(&chat.contact),
        "lead": chat.is_lead,
        "campaign": lead.map(campaign),
        "messages": chat.messages.iter().map(message).collect::<Vec<_>>(),
    })
}

fn contact(contact: &Contact) -> Value {
    let avatar = contact.avatar.as_ref().and_then(|avatar| Some((avatar, avatar.fetched.as_ref()?)));
    let avatar = avatar.filter(|(_, fetched)| fetched.status == Some(200));
    // A new picture has a new address, so that browsers show it.
    let avatar = avatar.map(|(avatar, _)| format!("/api/kommo/avatars/{}?{:x}", contact.id, sum(&avatar.url)));
    let phone = Some(&contact.phone).filter(|phone| !phone.is_empty());
    json!({ "name": contact.name, "link": contact.profile_link, "phone": phone, "avatar": avatar })
}

/// A number that tells addresses apart.
fn sum(text: &str) -> u32 {
    text.bytes().fold(5381, |sum: u32, byte| sum.wrapping_mul(33) ^ u32::from(byte))
}

fn message(message: &Message) -> Value {
    let from = match message.from {
        Author::Customer => "customer",
        Author::Manager => "manager",
        Author::Bot => "bot",
    };
    let (status, error) = status(message);
    let card = message.card.as_ref().map(|text| json!({ "kind": message.kind, "text": text }));
    json!({
        "id": message.id,
        "from": from,
        "author": message.author_name,
        "text": message.text,
        "at_ms": message.at_ms,
        "media": media(message),
        "card": card,
        "album": message.group,
        "keys": keys(&message.markup),
        "template": message.more.contains_key("template"),
        "reply_to": message.reply_to.as_ref().or_else(|| message.forwards.first()),
        "cited": message.cited,
        "reactions": reactions(message),
        "edited": message.edited,
        "status": status,
        "error": error,
    })
}

fn status(message: &Message) -> (Option<&'static str>, Value) {
    let status = match (&message.status, message.from) {
        (_, Author::Customer) => None,
        (Status::Sent, _) => Some("sent"),
        (Status::Delivered, _) => Some("delivered"),
        (Status::Read, _) => Some("read"),
        (Status::Failed { .. }, _) => Some("failed"),
    };
    let error = match &message.status {
        Status::Failed { code, text } => json!({ "code": code, "text": text }),
        Status::Sent | Status::Delivered | Status::Read => Value::Null,
    };
    (status, error)
}

fn reactions(message: &Message) -> Vec<Value> {
    let managers = message.manager_reactions.iter().map(|(by, emoji)| (by.as_str(), emoji));
    let all = message.reaction.iter().map(|emoji| ("customer", emoji)).chain(managers);
    all.map(|(by, emoji)| json!({ "by": by, "emoji": emoji })).collect()
}

/// A file in Kommo. It has an address once it was fetched, and has `failed` if that was tried in vain.
fn media(message: &Message) -> Value {
    let Some(media) = &message.media else { return Value::Null };
    let status = media.fetched.as_ref().map(|fetched| fetched.status);
    let url = (status == Some(Some(200))).then(|| format!("/api/kommo/files/{}", message.id));
    json!({ "kind": message.kind, "name": media.name, "size": media.size, "url": url,
        "failed": status.is_some() && url.is_none() })
}

/// The buttons below a message in rows, or the rows of its list.
fn keys(markup: &Value) -> Vec<Vec<Value>> {
    let key = |key: &Value, name: &str| json!({ "text": key[name], "url": key["url"], "answers": false });
    let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let buttons = items(&markup["buttons"]);
    let buttons = buttons.iter().map(|row| items(row).iter().map(|it| key(it, "text")).collect());
    let sections = items(&markup["list_message"]["sections"]);
    let choices = sections.iter().flat_map(|section| items(&section["rows"]));
    buttons.chain(choices.map(|row| vec![key(&row, "title")])).collect()
}
