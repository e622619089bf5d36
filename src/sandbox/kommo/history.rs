//! `GET {scope}/chats/{chat}/history`: what a chat holds, newest first.

use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        Core, EmptyLists, HistoryOrder, Optional,
        api::{Answer, Refusal},
        responses,
        world::{Author, Chat, Contact, Message, World},
    },
};

const PAGE: usize = 50;

/// One page of the chat with Kommo's id `id`, which may have nothing.
pub(super) fn page(core: &Core, id: &str, query: &str) -> Answer {
    let (limit, offset) = bounds(query)?;
    let (page, empty_lists): (Vec<Value>, _) = core.world.read(|world| {
        let chat = world.chats.iter().find(|chat| chat.chat_id == id);
        let mut messages: Vec<_> =
            chat.into_iter().flat_map(|chat| chat.messages.iter().map(move |it| (chat, it))).collect();
        match world.quirks.history {
            HistoryOrder::Written => messages.sort_by_key(|(_, message)| message.at_ms),
            // As they stand there.
            HistoryOrder::Arrived => {}
        }
        let page = messages.into_iter().rev().skip(offset).take(limit);
        (page.map(|(chat, message)| entry(world, chat, message)).collect(), world.quirks.empty_lists)
    });
    if page.is_empty() && empty_lists == EmptyLists::NoContent {
        return Ok((204, Value::Null));
    }
    Ok((200, json!({ "messages": page })))
}

fn bounds(query: &str) -> Result<(usize, usize), Refusal> {
    let mut url = Url::parse("query:/").expect("a constant address is valid");
    url.set_query(Some(query));
    let (mut limit, mut offset) = (PAGE, 0);
    for (name, value) in url.query_pairs() {
        let number = || value.parse().map_err(|_| Refusal::bad(format!("{name} must be a number")));
        match &*name {
            "limit" => limit = number()?,
            "offset" => offset = number()?,
            _ => {}
        }
    }
    if (1..=PAGE).contains(&limit) { Ok((limit, offset)) } else { Err(Refusal::bad("limit must be 1 to 50")) }
}

/// Customers' messages have no receiver; users have no id of the channel's.
fn entry(world: &World, chat: &Chat, message: &Message) -> Value {
    let quirks = world.quirks;
    let customer = customer(&chat.contact);
    let content = responses::content(quirks, message);
    let mut entry = json!({ "timestamp": UnixMillis(message.at_ms).seconds(), "msec_timestamp": message.at_ms, "message": content });
    match message.from {
        Author::Customer => entry["sender"] = customer,
        Author::Manager | Author::Bot => {
            entry["sender"] = json!({ "id": message.author_id, "name": message.author_name });
            entry["receiver"] = customer;
        }
    }
    if quirks.history_ids == Optional::Missing {
        for name in ["sender", "receiver", "message"] {
            entry[name].as_object_mut().map(|part| part.remove("client_id"));
        }
    }
    if quirks.blanks == Optional::Missing {
        responses::leave_blanks_out(&mut entry);
    }
    entry
}

fn customer(contact: &Contact) -> Value {
    let mut customer = json!({ "id": contact.id, "name": contact.name });
    let avatar = contact.avatar.as_ref().map_or("", |avatar| &avatar.url);
    let fields = [
        ("client_id", contact.client_id.as_str()),
        ("avatar", avatar),
        ("phone", &contact.phone),
        ("email", &contact.email),
    ];
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        customer[name] = json!(value);
    }
    customer
}
