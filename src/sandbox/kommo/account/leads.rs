//! `leads` and their custom fields.

use serde_json::{Value, json};

use crate::sandbox::kommo::account::{
    books::{Books, Deal},
    fields::{FieldOf, patch_tags},
    problem::{Answer, Problem, find, page},
};

/// The longest page.
const PAGE: usize = 250;
/// The stage of leads that nobody has accepted, the one after it, and that of lost ones.
const INCOMING: u64 = 32_392_156;
const ACCEPTED: u64 = 32_392_159;
const LOST: u64 = 143;

pub(super) fn all(books: &Books, query: &[(String, String)]) -> Answer {
    let shown: Vec<_> = books.deals.values().filter(|deal| !deal.incoming).map(|deal| shape(deal, query)).collect();
    page("leads", &shown, query, PAGE)
}

pub(super) fn one(books: &Books, id: u64, query: &[(String, String)]) -> (u16, Value) {
    books.deals.get(&id).map_or((204, Value::Null), |deal| (200, shape(deal, query)))
}

fn shape(deal: &Deal, query: &[(String, String)]) -> Value {
    let with = |name: &str| find(query, "with").is_some_and(|with| with.split(',').any(|word| word == name));
    let tags: Vec<_> = deal.tags.iter().map(|name| json!({ "id": 1, "name": name, "color": null })).collect();
    let mut embedded = json!({ "tags": tags, "companies": [] });
    if with("contacts") {
        embedded["contacts"] = json!([{ "id": deal.contact, "is_main": true }]);
    }
    let stage = match deal {
        Deal { closed: true, .. } => LOST,
        Deal { incoming: true, .. } => INCOMING,
        Deal { .. } => ACCEPTED,
    };
    let source = deal.source_id.filter(|_| with("source_id"));
    json!({ "id": deal.id, "name": format!("Lead #{}", deal.id), "price": 0, "pipeline_id": deal.pipeline_id,
        "status_id": stage, "updated_at": 1_590_943_929, "is_deleted": false,
        "source_id": source, "custom_fields_values": deal.fields.json(FieldOf::Leads), "_embedded": embedded })
}

pub(super) fn patch(books: &mut Books, id: u64, body: &Value) -> Answer {
    let mut deal = books.deals.get(&id).cloned().ok_or(Problem::Plain(404))?;
    deal.fields.patch(&body["custom_fields_values"], FieldOf::Leads)?;
    patch_tags(&mut deal.tags, body)?;
    books.deals.insert(id, deal);
    Ok((200, json!({ "id": id, "updated_at": 1_590_943_930 })))
}
