//! `contacts` and `contacts/chats`.

use serde_json::{Value, json};

use crate::sandbox::kommo::{
    account::{
        fields::{FieldOf, patch_tags},
        problem::{Answer, Problem, batch, find, list, page},
        records::{Card, Records},
    },
    world::World,
};

const PAGE: usize = 250;

/// Contacts of incoming leads that nobody has accepted are not in lists.
pub(super) fn search(records: &Records, query: &[(String, String)]) -> Answer {
    let wanted = find(query, "query");
    let is_found = |card: &&Card| {
        let name = || wanted.is_some_and(|wanted| card.name.to_lowercase().contains(&wanted.to_lowercase()));
        records.is_listed(card.id) && wanted.is_none_or(|wanted| name() || card.fields.hold(wanted))
    };
    let cards = records.cards.values().filter(is_found);
    let shown: Vec<_> = cards.map(|card| shape(records, card, query)).collect();
    page("contacts", &shown, query, PAGE)
}

/// Whether one whose only leads nobody has accepted is shown is not documented; clients have seen it.
fn shown(records: &Records, id: u64) -> Option<&Card> {
    records.cards.get(&id).filter(|card| records.shows_incoming || records.is_listed(card.id))
}

pub(super) fn one(records: &Records, id: u64, query: &[(String, String)]) -> (u16, Value) {
    shown(records, id).map_or((204, Value::Null), |card| (200, shape(records, card, query)))
}

fn shape(records: &Records, card: &Card, query: &[(String, String)]) -> Value {
    let tags: Vec<_> = card.tags.iter().map(|name| json!({ "id": 1, "name": name, "color": null })).collect();
    let mut embedded = json!({ "tags": tags, "companies": [] });
    if find(query, "with").is_some_and(|with| with.split(',').any(|word| word == "leads")) {
        let leads = records.leads.values().filter(|lead| lead.contact == card.id);
        embedded["leads"] = leads.map(|lead| json!({ "id": lead.id })).collect();
    }
    json!({ "id": card.id, "name": card.name, "first_name": "", "last_name": "", "responsible_user_id": 6_106_525,
        "created_at": card.made_at.seconds(), "updated_at": 1_590_943_929, "is_deleted": false,
        "custom_fields_values": card.fields.json(FieldOf::Contacts), "_embedded": embedded })
}

/// Notes something among the events of a contact ("Events and notes").
pub(super) fn note(records: &mut Records, id: Option<&String>, body: &Value) -> Answer {
    let id = id.and_then(|id| id.parse().ok()).filter(|id| shown(records, *id).is_some()).ok_or(Problem::Plain(404))?;
    let mut made = Vec::new();
    for (number, note) in batch(body, PAGE)?.iter().enumerate() {
        if note["note_type"] != "common" {
            return Err(Problem::invalid("NotSupportedChoice", "note_type", "").of(number));
        }
        let text = note["params"]["text"].as_str().filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| Problem::invalid("FieldMissing", "params.text", "").of(number))?;
        records.cards.entry(id).and_modify(|card| card.notes.push(text.to_owned()));
        made.push(json!({ "id": records.number(), "entity_id": id }));
    }
    Ok(list("notes", &made))
}

pub(super) fn patch(records: &mut Records, id: u64, body: &Value) -> Answer {
    let mut card = shown(records, id).cloned().ok_or(Problem::Plain(404))?;
    match &body["name"] {
        Value::Null => {}
        Value::String(name) => card.name.clone_from(name),
        _ => return Err(Problem::invalid("InvalidType", "name", "a text is expected")),
    }
    card.fields.patch(&body["custom_fields_values"], FieldOf::Contacts)?;
    patch_tags(&mut card.tags, body)?;
    records.cards.insert(id, card);
    Ok((200, json!({ "id": id, "updated_at": 1_590_943_930 })))
}

/// The chats of a contact, or the contact of a chat: exactly one of the two is asked for.
pub(super) fn chats(records: &Records, query: &[(String, String)]) -> Answer {
    let parameter = |name: &str| find(query, name).or_else(|| find(query, &format!("{name}[]")));
    let (contact, chat) = (parameter("contact_id"), parameter("chat_id"));
    if contact.is_some() == chat.is_some() {
        return Err(Problem::invalid("FieldMissing", "contact_id", "either contact_id or chat_id"));
    }
    let is_it = |(id, (card, _)): &(&String, &(u64, u64))| {
        chat.is_some_and(|chat| chat == *id) || contact.is_some_and(|contact| contact == card.to_string())
    };
    let links = records.links.iter().filter(is_it);
    let shape =
        |(chat, (card, link)): (&String, &(u64, u64))| json!({ "chat_id": chat, "contact_id": card, "id": link });
    Ok(list("chats", &links.map(shape).collect::<Vec<_>>()))
}

/// Gives chats to contacts; a chat that has one already moves.
pub(super) fn link(records: &mut Records, world: &World, body: &Value) -> Answer {
    let mut links = Vec::new();
    for (at, item) in batch(body, PAGE)?.iter().enumerate() {
        links.push(wanted(records, world, item).map_err(|problem| problem.of(at))?);
    }
    let mut shown = Vec::new();
    for (chat, contact) in links {
        let link = records.number();
        shown.push(json!({ "chat_id": chat, "contact_id": contact, "id": link, "request_id": "0" }));
        records.links.insert(chat, (contact, link));
    }
    Ok(list("chats", &shown))
}

fn wanted(records: &Records, world: &World, item: &Value) -> Result<(String, u64), Problem> {
    let contact = item["contact_id"].as_u64().filter(|id| records.cards.contains_key(id));
    let contact = contact.ok_or_else(|| Problem::invalid("NotSupportedChoice", "contact_id", ""))?;
    let chat = item["chat_id"].as_str().filter(|id| world.chats.iter().any(|chat| chat.chat_id == **id));
    let chat = chat.ok_or_else(|| Problem::invalid("NotSupportedChoice", "chat_id", ""))?;
    let is_so = records.links.get(chat).is_some_and(|(card, _)| *card == contact);
    if is_so && records.relinking_is_an_error {
        return Err(Problem::invalid("AlreadyExists", "chat_id", "the chat is linked to this contact"));
    }
    Ok((chat.to_owned(), contact))
}
