//! `chats/templates`: those of the integration.

use serde_json::{Map, Value, json};

use crate::sandbox::kommo::account::{
    problem::{Answer, Problem, batch, find, list, page},
    records::{Records, StoredTemplate},
};

/// The longest page, and how many a batch may have.
const PAGE: usize = 50;
/// What a template may have.
const FIELDS: [&str; 8] =
    ["name", "content", "type", "is_editable", "external_id", "buttons", "attachment", "request_id"];

pub(super) fn all(records: &Records, query: &[(String, String)]) -> Answer {
    let wanted = find(query, "filter[external_id]");
    let is_it = |template: &&StoredTemplate| {
        wanted.is_none_or(|wanted| template.content.get("external_id").and_then(Value::as_str) == Some(wanted))
    };
    let shown: Vec<_> = records.templates.values().filter(is_it).map(shape).collect();
    page("chat_templates", &shown, query, PAGE)
}

pub(super) fn create(records: &mut Records, body: &Value) -> Answer {
    let items = batch(body, PAGE)?;
    let mut made = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let content = checked(item, &["name", "content"]).map_err(|problem| problem.of(at))?;
        made.push(StoredTemplate { id: records.number(), content });
    }
    if records.templates.len() + made.len() > records.most_templates {
        return Err(Problem::Plain(422));
    }
    let shown: Vec<_> = made.iter().map(shape).collect();
    records.templates.extend(made.into_iter().map(|template| (template.id, template)));
    Ok(list("chat_templates", &shown))
}

pub(super) fn update(records: &mut Records, id: u64, body: &Value) -> Answer {
    let template = records.templates.get_mut(&id).ok_or(Problem::Plain(404))?;
    template.content.extend(checked(body, &[])?);
    Ok((200, shape(template)))
}

pub(super) fn delete(records: &mut Records, id: u64) -> Answer {
    records.templates.remove(&id).map(|_| (204, Value::Null)).ok_or(Problem::Plain(404))
}

fn checked(item: &Value, needed: &[&'static str]) -> Result<Map<String, Value>, Problem> {
    let fields = item.as_object().ok_or_else(|| Problem::invalid("InvalidType", "", "an object is expected"))?;
    for name in needed {
        if !fields.get(*name).is_some_and(Value::is_string) {
            return Err(Problem::invalid("FieldMissing", *name, ""));
        }
    }
    if let Some(odd) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(Problem::invalid("NotSupportedChoice", odd, "there is no such field"));
    }
    let kinds = fields.get("buttons").and_then(Value::as_array).into_iter().flatten().map(|button| &button["type"]);
    let mut kinds: Vec<_> = kinds.collect();
    kinds.dedup();
    if kinds.len() > 1 || kinds.iter().any(|kind| !["inline", "url"].iter().any(|known| **kind == json!(known))) {
        return Err(Problem::invalid("NotSupportedChoice", "buttons", "all of one kind"));
    }
    Ok(fields.clone())
}

fn shape(template: &StoredTemplate) -> Value {
    let mut fields = template.content.clone();
    fields.insert("id".to_owned(), template.id.into());
    fields.into()
}
