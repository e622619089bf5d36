//! `sources`: made, changed and deleted by the integration that they belong to.

use serde_json::{Value, json};

use crate::sandbox::kommo::account::{
    problem::{Answer, Problem, batch, find, list},
    records::{MAIN_PIPELINE, OTHER_PIPELINE, Records, StoredSource},
};

/// How many a batch may have; of the two documented numbers the smaller.
const BATCH: usize = 50;
/// The longest id; of the two documented numbers the smaller.
const ID_CHARS: usize = 36;
/// The longest code of a channel.
const CODE_CHARS: usize = 20;

pub(super) fn all(records: &Records, query: &[(String, String)]) -> (u16, Value) {
    let wanted = find(query, "filter[external_id]").or_else(|| find(query, "filter[external_id][]"));
    let lines = records.sources.iter().filter(|source| wanted.is_none_or(|wanted| source.external_id == wanted));
    list("sources", &lines.map(shape).collect::<Vec<_>>())
}

/// One that was deleted is no error.
pub(super) fn one(records: &Records, id: u64) -> (u16, Value) {
    let source = records.sources.iter().find(|source| source.id == id);
    source.map_or((204, Value::Null), |source| (200, shape(source)))
}

/// All of a batch or none of it.
pub(super) fn create(records: &mut Records, body: &Value) -> Answer {
    let mut made = Vec::new();
    for (at, item) in batch(body, BATCH)?.iter().enumerate() {
        let source = new_line(records, &made, item).map_err(|problem| problem.of(at))?;
        made.push(source);
    }
    if records.sources.len() + made.len() > records.most_sources {
        return Err(Problem::invalid("OutOfRange", "", "the limit of sources is reached"));
    }
    let shown: Vec<_> = made.iter().map(shape).collect();
    for source in made {
        add(records, source);
    }
    Ok(list("sources", &shown))
}

fn new_line(records: &mut Records, before: &[StoredSource], item: &Value) -> Result<StoredSource, Problem> {
    let external_id = text(item, "external_id")?.ok_or_else(|| Problem::invalid("FieldMissing", "external_id", ""))?;
    if external_id.len() > ID_CHARS || !external_id.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Problem::invalid("OutOfRange", "external_id", ""));
    }
    if records.sources.iter().chain(before).any(|source| source.external_id == external_id) {
        return Err(Problem::invalid("NotUnique", "external_id", "the source is there already"));
    }
    let mut source = StoredSource {
        id: records.number(),
        name: text(item, "name")?.ok_or_else(|| Problem::invalid("FieldMissing", "name", ""))?,
        external_id,
        pipeline_id: MAIN_PIPELINE,
        default: false,
        origin_code: None,
    };
    change(&mut source, item)?;
    Ok(source)
}

/// At most one source is the default one.
fn add(records: &mut Records, source: StoredSource) {
    if source.default {
        records.sources.iter_mut().for_each(|other| other.default = false);
    }
    records.sources.retain(|other| other.id != source.id);
    records.sources.push(source);
    records.sources.sort_by_key(|source| source.id);
}

pub(super) fn update_many(records: &mut Records, body: &Value) -> Answer {
    let items = batch(body, BATCH)?;
    let mut changed = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let source = item["id"].as_u64().and_then(|id| records.sources.iter().find(|source| source.id == id).cloned());
        let mut source = source.ok_or(Problem::Missing { request: at })?;
        change(&mut source, item).map_err(|problem| problem.of(at))?;
        changed.push(source);
    }
    let shown: Vec<_> = changed.iter().map(shape).collect();
    for source in changed {
        add(records, source);
    }
    Ok(list("sources", &shown))
}

pub(super) fn update(records: &mut Records, id: u64, body: &Value) -> Answer {
    let source = records.sources.iter().find(|source| source.id == id).cloned();
    let mut source = source.ok_or(Problem::Plain(404))?;
    change(&mut source, body)?;
    let shown = shape(&source);
    add(records, source);
    Ok((200, shown))
}

fn change(source: &mut StoredSource, item: &Value) -> Result<(), Problem> {
    if text(item, "external_id")?.is_some_and(|id| id != source.external_id) {
        return Err(Problem::invalid("NotSupportedChoice", "external_id", "it cannot be changed"));
    }
    if let Some(name) = text(item, "name")? {
        source.name = name;
    }
    match &item["pipeline_id"] {
        Value::Null => {}
        id if [MAIN_PIPELINE, OTHER_PIPELINE].iter().any(|known| *id == json!(known)) => {
            source.pipeline_id = id.as_u64().unwrap_or(MAIN_PIPELINE);
        }
        _ => return Err(Problem::invalid("NotSupportedChoice", "pipeline_id", "")),
    }
    match &item["default"] {
        Value::Null => {}
        Value::Bool(default) => source.default = *default,
        _ => return Err(Problem::invalid("InvalidType", "default", "")),
    }
    if let Some(code) = text(item, "origin_code")? {
        if code.len() > CODE_CHARS || code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::invalid("OutOfRange", "origin_code", ""));
        }
        source.origin_code = Some(code);
    }
    Ok(())
}

/// A text that is left out or says something.
fn text(item: &Value, name: &str) -> Result<Option<String>, Problem> {
    match &item[name] {
        Value::Null => Ok(None),
        Value::String(text) if !text.trim().is_empty() => Ok(Some(text.clone())),
        _ => Err(Problem::invalid("InvalidType", name, "a text is expected")),
    }
}

/// A batch is refused as a whole if it names one that is not there.
pub(super) fn delete_many(records: &mut Records, body: &Value) -> Answer {
    let ids: Vec<_> = batch(body, BATCH)?.iter().map(|item| item["id"].as_u64().unwrap_or_default()).collect();
    if let Some(at) = ids.iter().position(|id| !records.sources.iter().any(|source| source.id == *id)) {
        return Err(Problem::Missing { request: at });
    }
    records.sources.retain(|source| !ids.contains(&source.id));
    Ok((204, Value::Null))
}

pub(super) fn delete(records: &mut Records, id: u64) -> Answer {
    let before = records.sources.len();
    records.sources.retain(|source| source.id != id);
    if records.sources.len() == before { Err(Problem::Plain(404)) } else { Ok((204, Value::Null)) }
}

fn shape(source: &StoredSource) -> Value {
    json!({ "id": source.id, "name": source.name, "pipeline_id": source.pipeline_id, "external_id": source.external_id,
        "default": source.default, "origin_code": source.origin_code, "services": [], "request_id": "0" })
}
