//! `GET /api/state`: everything that the page shows.

use serde_json::{Value, json};

use crate::sandbox::{
    kommo::{Author, Chat, Message, Status},
    page::{View, files},
    telegram::{ChatMessage, Customer},
    traffic::{Exchange, REMEMBERED},
};

pub(super) fn state(view: &View) -> Value {
    let customers = view.telegram.customers();
    json!({
        "bots": view.sources.iter().filter_map(|source| bot(view, source)).collect::<Vec<_>>(),
        "customers": customers.iter().map(customer).collect::<Vec<_>>(),
        "telegram": view.sources.iter().flat_map(|source| customers.iter().map(|it| private_chat(view, source, it.id)))
            .collect::<Vec<_>>(),
        "kommo": view.kommo.chats().iter().map(chat).collect::<Vec<_>>(),
        "traffic": traffic(view),
    })
}

fn bot(view: &View, (source, token): &(String, String)) -> Option<Value> {
    let (username, name) = view.telegram.bot_name(token)?;
    Some(json!({ "source": source, "name": name, "username": username }))
}

fn customer(customer: &Customer) -> Value {
    let name = [Some(&customer.first_name), customer.last_name.as_ref()];
    let name = name.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ");
    json!({ "id": customer.id, "name": name, "username": customer.username })
}

fn private_chat(view: &View, (source, token): &(String, String), customer: i64) -> Value {
    let message = |message: &ChatMessage| {
        let from = if message.from_bot { "bot" } else { "customer" };
        json!({ "id": message.message_id, "from": from, "text": message.text, "at_ms": message.at_ms,
            "media": message.file.as_ref().map(files::sent_shape) })
    };
    json!({
        "source": source,
        "customer": customer,
        "bot_typing": view.telegram.bot_is_typing(token, customer),
        "blocked": view.telegram.is_blocked(token, customer),
        "messages": view.telegram.messages(token, customer).iter().map(message).collect::<Vec<_>>(),
    })
}

fn chat(chat: &Chat) -> Value {
    json!({
        "chat_id": chat.chat_id,
        "conversation_id": chat.conversation_id,
        "source": chat.source,
        "contact": { "name": chat.contact.name, "link": chat.contact.profile_link },
        "lead": chat.is_lead,
        "messages": chat.messages.iter().map(message).collect::<Vec<_>>(),
    })
}

fn message(message: &Message) -> Value {
    let from = match message.from {
        Author::Customer => "customer",
        Author::Manager => "manager",
        Author::Bot => "bot",
    };
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
    json!({ "id": message.id, "from": from, "author": message.author_name, "text": message.text,
        "card": message.card, "media": files::fetched_shape(message),
        "at_ms": message.at_ms, "status": status, "error": error })
}

/// Both logs in one, oldest first.
fn traffic(view: &View) -> Vec<Exchange> {
    let mut all = [view.telegram.traffic().all(), view.kommo.traffic().all()].concat();
    all.sort_by_key(|exchange| exchange.n);
    all.split_off(all.len().saturating_sub(REMEMBERED))
}
