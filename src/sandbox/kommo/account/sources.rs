//! `sources`: made, changed and deleted by the integration that they belong to.

use serde_json::{Value, json};

use crate::sandbox::kommo::account::{
    books::{Books, Line, MAIN_PIPELINE, OTHER_PIPELINE},
    problem::{Answer, Problem, batch, find, list},
};

/// How many a batch may have; of the two documented numbers the smaller.
const BATCH: usize = 50;
/// The longest id; of the two documented numbers the smaller.
const ID_CHARS: usize = 36;
/// The longest code of a channel.
const CODE_CHARS: usize = 20;

pub(super) fn all(books: &Books, query: &[(String, String)]) -> (u16, Value) {
    let wanted = find(query, "filter[external_id]").or_else(|| find(query, "filter[external_id][]"));
    let lines = books.sources.iter().filter(|line| wanted.is_none_or(|wanted| line.external_id == wanted));
    list("sources", &lines.map(shape).collect::<Vec<_>>())
}

/// One that was deleted is no error.
pub(super) fn one(books: &Books, id: u64) -> (u16, Value) {
    let line = books.sources.iter().find(|line| line.id == id);
    line.map_or((204, Value::Null), |line| (200, shape(line)))
}

/// All of a batch or none of it.
pub(super) fn create(books: &mut Books, body: &Value) -> Answer {
    let mut made = Vec::new();
    for (at, item) in batch(body, BATCH)?.iter().enumerate() {
        let line = new_line(books, &made, item).map_err(|problem| problem.of(at))?;
        made.push(line);
    }
    if books.sources.len() + made.len() > books.most_sources {
        return Err(Problem::invalid("OutOfRange", "", "the limit of sources is reached"));
    }
    let shown: Vec<_> = made.iter().map(shape).collect();
    for line in made {
        add(books, line);
    }
    Ok(list("sources", &shown))
}

fn new_line(books: &mut Books, before: &[Line], item: &Value) -> Result<Line, Problem> {
    let external_id = text(item, "external_id")?.ok_or_else(|| Problem::invalid("FieldMissing", "external_id", ""))?;
    if external_id.len() > ID_CHARS || !external_id.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Problem::invalid("OutOfRange", "external_id", ""));
    }
    if books.sources.iter().chain(before).any(|line| line.external_id == external_id) {
        return Err(Problem::invalid("NotUnique", "external_id", "the source is there already"));
    }
    let mut line = Line {
        id: books.number(),
        name: text(item, "name")?.ok_or_else(|| Problem::invalid("FieldMissing", "name", ""))?,
        external_id,
        pipeline_id: MAIN_PIPELINE,
        default: false,
        origin_code: None,
    };
    change(&mut line, item)?;
    Ok(line)
}

/// At most one source is the default one.
fn add(books: &mut Books, line: Line) {
    if line.default {
        books.sources.iter_mut().for_each(|other| other.default = false);
    }
    books.sources.retain(|other| other.id != line.id);
    books.sources.push(line);
    books.sources.sort_by_key(|line| line.id);
}

pub(super) fn update_many(books: &mut Books, body: &Value) -> Answer {
    let items = batch(body, BATCH)?;
    let mut changed = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let line = item["id"].as_u64().and_then(|id| books.sources.iter().find(|line| line.id == id).cloned());
        let mut line = line.ok_or(Problem::Missing { request: at })?;
        change(&mut line, item).map_err(|problem| problem.of(at))?;
        changed.push(line);
    }
    let shown: Vec<_> = changed.iter().map(shape).collect();
    for line in changed {
        add(books, line);
    }
    Ok(list("sources", &shown))
}

pub(super) fn update(books: &mut Books, id: u64, body: &Value) -> Answer {
    let line = books.sources.iter().find(|line| line.id == id).cloned();
    let mut line = line.ok_or(Problem::Plain(404))?;
    change(&mut line, body)?;
    let shown = shape(&line);
    add(books, line);
    Ok((200, shown))
}

fn change(line: &mut Line, item: &Value) -> Result<(), Problem> {
    if text(item, "external_id")?.is_some_and(|id| id != line.external_id) {
        return Err(Problem::invalid("NotSupportedChoice", "external_id", "it cannot be changed"));
    }
    if let Some(name) = text(item, "name")? {
        line.name = name;
    }
    match &item["pipeline_id"] {
        Value::Null => {}
        id if [MAIN_PIPELINE, OTHER_PIPELINE].iter().any(|known| *id == json!(known)) => {
            line.pipeline_id = id.as_u64().unwrap_or(MAIN_PIPELINE);
        }
        _ => return Err(Problem::invalid("NotSupportedChoice", "pipeline_id", "")),
    }
    match &item["default"] {
        Value::Null => {}
        Value::Bool(default) => line.default = *default,
        _ => return Err(Problem::invalid("InvalidType", "default", "")),
    }
    if let Some(code) = text(item, "origin_code")? {
        if code.len() > CODE_CHARS || code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::invalid("OutOfRange", "origin_code", ""));
        }
        line.origin_code = Some(code);
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
pub(super) fn delete_many(books: &mut Books, body: &Value) -> Answer {
    let ids: Vec<_> = batch(body, BATCH)?.iter().map(|item| item["id"].as_u64().unwrap_or_default()).collect();
    if let Some(at) = ids.iter().position(|id| !books.sources.iter().any(|line| line.id == *id)) {
        return Err(Problem::Missing { request: at });
    }
    books.sources.retain(|line| !ids.contains(&line.id));
    Ok((204, Value::Null))
}

pub(super) fn delete(books: &mut Books, id: u64) -> Answer {
    let before = books.sources.len();
    books.sources.retain(|line| line.id != id);
    if books.sources.len() == before { Err(Problem::Plain(404)) } else { Ok((204, Value::Null)) }
}

fn shape(line: &Line) -> Value {
    json!({ "id": line.id, "name": line.name, "pipeline_id": line.pipeline_id, "external_id": line.external_id,
        "default": line.default, "origin_code": line.origin_code, "services": [], "request_id": "0" })
}
