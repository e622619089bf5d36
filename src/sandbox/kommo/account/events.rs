//! `events`: what has happened in the account ("Events and notes"). Only what managers have sent in chats is listed
//! here, and which talks they have closed.

use serde_json::{Value, json};

use crate::sandbox::kommo::{
    account::{
        problem::{Answer, Problem, find, page},
        records::Records,
    },
    world::{Author, Chat, Message, World},
};

const PAGE: usize = 100;
/// The kind of event that a message to a customer is.
const SENT: &str = "outgoing_chat_message";
/// The kind that a closed talk is.
const CLOSED: &str = "talk_closed";

/// The newest first, which match the filters: `filter[type][]`, or `filter[type]` with commas; `filter[created_at]` as
/// the first instant, or with `[from]` and `[to]`; `filter[entity]` as `filter[type]`.
pub(super) fn all(records: &Records, world: &World, query: &[(String, String)]) -> Answer {
    let instant = |name: &str| find(query, name).map(|text| text.parse::<i64>().map_err(|_| invalid(name))).transpose();
    let from = instant("filter[created_at][from]")?.or(instant("filter[created_at]")?).unwrap_or(i64::MIN);
    let to = instant("filter[created_at][to]")?.unwrap_or(i64::MAX);
    let (types, entities) = (words(query, "filter[type]"), words(query, "filter[entity]"));
    let card_of = |chat: &Chat| records.links.get(&chat.chat_id).map(|(card, _)| *card);
    let sent = world.chats.iter().filter_map(|chat| Some((chat, card_of(chat)?)));
    let mut sent: Vec<_> = sent.flat_map(|(chat, card)| chat.messages.iter().map(move |it| (it, card))).collect();
    sent.retain(|(message, _)| {
        let at = message.at_ms.div_euclid(1000);
        message.from == Author::Manager && !message.imported && (from..=to).contains(&at)
    });
    sent.sort_by_key(|(message, _)| std::cmp::Reverse(message.at_ms));
    let sent = sent.into_iter().map(|(message, card)| message_event(records, message, card));
    let closed = records.closed_talks.iter().rev().filter(|(_, at)| (from..=to).contains(at));
    let closed = closed.filter_map(|(chat, at)| Some(talk_closed(records, records.links.get(chat)?.0, *at)));
    let shown = sent.chain(closed);
    let is_asked_for = |event: &Value| types.is_empty() || types.iter().any(|kind| *kind == event["type"]);
    let shown: Vec<_> = shown.filter(is_asked_for).collect();
    // A message in a talk of a lead happens to the lead, and is found by its contact all the same.
    let is_wanted = |event: &Value| {
        entities.is_empty()
            || entities.iter().any(|entity| *entity == event["entity_type"] || (entity == "contact" && linked(event)))
    };
    let shown: Vec<_> = shown.into_iter().filter(is_wanted).collect();
    page("events", &shown, query, PAGE)
}

fn linked(event: &Value) -> bool {
    !event["_embedded"]["entity"]["linked_talk_contact_id"].is_null()
}

fn words(query: &[(String, String)], name: &str) -> Vec<String> {
    let is_it = |key: &String| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest == "[]");
    query.iter().filter(|(key, _)| is_it(key)).flat_map(|(_, value)| value.split(',').map(str::to_owned)).collect()
}

fn invalid(name: &str) -> Problem {
    Problem::invalid("InvalidType", name, "a timestamp is expected")
}

fn message_event(records: &Records, message: &Message, card: u64) -> Value {
    let value = json!({ "message": { "id": message.id } });
    shape(records, (SENT, &message.id.replace('-', "")), (card, message.at_ms.div_euclid(1000)), &value)
}

fn talk_closed(records: &Records, card: u64, at: i64) -> Value {
    shape(records, (CLOSED, &format!("{card}talk{at}")), (card, at), &json!({ "talk": { "id": card } }))
}

fn shape(records: &Records, (event, name): (&str, &str), (card, at): (u64, i64), value: &Value) -> Value {
    let lead = records.leads.values().find(|lead| lead.contact == card && !lead.incoming && !lead.closed);
    let (kind, id) = lead.map_or(("contact", card), |lead| ("lead", lead.id));
    let mut entity = json!({ "id": id });
    if lead.is_some() {
        entity["linked_talk_contact_id"] = card.into();
    }
    json!({ "id": name, "type": event, "entity_id": id, "entity_type": kind, "created_by": 0, "created_at": at,
        "value_before": [], "value_after": [value], "_embedded": { "entity": entity } })
}
