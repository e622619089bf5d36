//! `leads` and their custom fields.

use serde_json::{Value, json};

use crate::sandbox::kommo::account::{
    fields::{FieldOf, patch_tags},
    problem::{Answer, Problem, find, page},
    records::{Lead, Records},
};

const PAGE: usize = 250;
/// The stage of leads that nobody has accepted, the one after it, and that of lost ones.
const INCOMING: u64 = 32_392_156;
const ACCEPTED: u64 = 32_392_159;
const LOST: u64 = 143;

pub(super) fn all(records: &Records, query: &[(String, String)]) -> Answer {
    let shown: Vec<_> = records.leads.values().filter(|lead| !lead.incoming).map(|lead| shape(lead, query)).collect();
    page("leads", &shown, query, PAGE)
}

pub(super) fn one(records: &Records, id: u64, query: &[(String, String)]) -> (u16, Value) {
    records.leads.get(&id).map_or((204, Value::Null), |lead| (200, shape(lead, query)))
}

fn shape(lead: &Lead, query: &[(String, String)]) -> Value {
    let with = |name: &str| find(query, "with").is_some_and(|with| with.split(',').any(|word| word == name));
    let tags: Vec<_> = lead.tags.iter().map(|name| json!({ "id": 1, "name": name, "color": null })).collect();
    let mut embedded = json!({ "tags": tags, "companies": [] });
    if with("contacts") {
        embedded["contacts"] = json!([{ "id": lead.contact, "is_main": true }]);
    }
    let stage = match lead {
        Lead { closed: true, .. } => LOST,
        Lead { incoming: true, .. } => INCOMING,
        Lead { .. } => ACCEPTED,
    };
    let source = lead.source_id.filter(|_| with("source_id"));
    json!({ "id": lead.id, "name": format!("Lead #{}", lead.id), "price": 0, "pipeline_id": lead.pipeline_id,
        "status_id": stage, "updated_at": 1_590_943_929, "is_deleted": false,
        "source_id": source, "custom_fields_values": lead.fields.json(FieldOf::Leads), "_embedded": embedded })
}

pub(super) fn patch(records: &mut Records, id: u64, body: &Value) -> Answer {
    let mut lead = records.leads.get(&id).cloned().ok_or(Problem::Plain(404))?;
    lead.fields.patch(&body["custom_fields_values"], FieldOf::Leads)?;
    patch_tags(&mut lead.tags, body)?;
    records.leads.insert(id, lead);
    Ok((200, json!({ "id": id, "updated_at": 1_590_943_930 })))
}
