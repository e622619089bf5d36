//! Custom fields: which there are, what they hold, and how they are written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::kommo::account::{
    problem::{Answer, Problem, page},
    records::Lead,
};

/// A field that contacts or leads can have: number, code, name, type.
pub(super) struct Field {
    pub(super) id: u64,
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

const fn field(id: u64, code: &'static str, name: &'static str, kind: &'static str) -> Field {
    Field { id, code, name, kind }
}

const PHONE: u64 = 3001;
const EMAIL: u64 = 3002;

/// The fields of contacts.
const OF_CONTACTS: [Field; 4] = [
    field(PHONE, "PHONE", "Phone", "multitext"),
    field(EMAIL, "EMAIL", "Email", "multitext"),
    field(3003, "", "Telegram", "text"),
    field(3004, "", "Visits", "numeric"),
];

/// The fields of leads.
const OF_LEADS: [Field; 6] = [
    field(4001, "UTM_SOURCE", "utm_source", "tracking_data"),
    field(4002, "UTM_MEDIUM", "utm_medium", "tracking_data"),
    field(4003, "UTM_CAMPAIGN", "utm_campaign", "tracking_data"),
    field(4004, "UTM_CONTENT", "utm_content", "tracking_data"),
    field(4005, "UTM_TERM", "utm_term", "tracking_data"),
    field(4006, "", "Campaign", "text"),
];

/// Whose fields they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldOf {
    Contacts,
    Leads,
}

impl FieldOf {
    pub(super) const fn all(self) -> &'static [Field] {
        match self {
            Self::Contacts => &OF_CONTACTS,
            Self::Leads => &OF_LEADS,
        }
    }
}

const PAGE: usize = 250;

/// All fields that there are.
pub(super) fn custom_fields(of: FieldOf, query: &[(String, String)]) -> Answer {
    let shape = |field: &Field| {
        let code = Some(field.code).filter(|code| !code.is_empty());
        json!({ "id": field.id, "name": field.name, "type": field.kind, "code": code, "sort": 500 })
    };
    let fields: Vec<_> = of.all().iter().map(shape).collect();
    page("custom_fields", &fields, query, PAGE)
}

/// What the custom fields of one contact or lead hold: by the field's number, texts and their kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(pub BTreeMap<u64, Vec<(String, Option<String>)>>);

impl Lead {
    /// What its tracking fields hold, by their names.
    pub(in crate::sandbox) fn utm(&self) -> Vec<(&'static str, String)> {
        let of = |field: &Field| {
            let (value, _) = self.fields.0.get(&field.id)?.first()?;
            (field.kind == "tracking_data").then(|| (field.name, value.clone()))
        };
        OF_LEADS.iter().filter_map(of).collect()
    }
}

impl Values {
    /// Takes over what a message's profile says.
    pub(super) fn introduce(&mut self, phone: &str, email: &str) {
        for (id, text) in [(PHONE, phone), (EMAIL, email)] {
            if !text.is_empty() {
                self.0.insert(id, vec![(text.to_owned(), Some("WORK".to_owned()))]);
            }
        }
    }

    /// The texts of the field with this number.
    pub fn texts(&self, id: u64) -> Vec<&str> {
        self.0.get(&id).into_iter().flatten().map(|(text, _)| text.as_str()).collect()
    }

    /// All phone numbers.
    pub fn phones(&self) -> Vec<&str> {
        self.texts(PHONE)
    }

    /// Whether any field holds `text`; digits are compared as such, whatever stands between them.
    pub(super) fn hold(&self, text: &str) -> bool {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let wanted = digits(text);
        let holds = |value: &String| {
            value.to_lowercase().contains(&text.to_lowercase())
                || (wanted.len() >= 5 && digits(value).contains(&wanted))
        };
        self.0.values().flatten().any(|(value, _)| holds(value))
    }

    /// As in the answers; `null` if there are none.
    pub(super) fn json(&self, of: FieldOf) -> Value {
        let shown = |(id, values): (&u64, &Vec<(String, Option<String>)>)| {
            let field = of.all().iter().find(|field| field.id == *id)?;
            let values: Vec<_> = values
                .iter()
                .map(|(value, kind)| match kind {
                    Some(kind) => json!({ "value": value, "enum_id": number_of(field, kind), "enum_code": kind }),
                    None => json!({ "value": value }),
                })
                .collect();
            let code = Some(field.code).filter(|code| !code.is_empty());
            Some(json!({ "field_id": id, "field_name": field.name, "field_code": code, "field_type": field.kind,
                "values": values }))
        };
        let all: Vec<_> = self.0.iter().filter_map(shown).collect();
        if all.is_empty() { Value::Null } else { all.into() }
    }

    /// Takes `custom_fields_values` of a patch: each field that it names holds nothing else afterwards.
    pub(super) fn patch(&mut self, patch: &Value, of: FieldOf) -> Result<(), Problem> {
        let path = |at: usize, name: &str| format!("custom_fields_values.{at}.{name}");
        let fields = match patch {
            Value::Null => return Ok(()),
            Value::Array(fields) => fields,
            _ => return Err(Problem::invalid("InvalidType", "custom_fields_values", "an array is expected")),
        };
        for (at, given) in fields.iter().enumerate() {
            let (id, code) = (given["field_id"].as_u64(), given["field_code"].as_str().filter(|code| !code.is_empty()));
            let is_it = |field: &&Field| id.map_or(Some(field.code) == code, |id| field.id == id);
            let field = of.all().iter().find(is_it).ok_or_else(|| {
                Problem::invalid(
                    "NotSupportedChoice",
                    path(at, "field_id"),
                    "The value you selected is not a valid choice.",
                )
            })?;
            let values = given["values"].as_array().filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| Problem::invalid("FieldMissing", path(at, "values"), ""))?;
            let read: Result<_, _> = values.iter().map(|value| value_of(field, value, &path(at, "values"))).collect();
            self.0.insert(field.id, read?);
        }
        Ok(())
    }
}

fn value_of(field: &Field, value: &Value, path: &str) -> Result<(String, Option<String>), Problem> {
    let text = value["value"].as_str().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Problem::invalid("InvalidType", path, "a text is expected"))?;
    if field.kind == "numeric" && text.parse::<f64>().is_err() {
        return Err(Problem::invalid("InvalidType", path, "a number is expected"));
    }
    let kinds = kinds(field);
    let Some(first) = kinds.first() else { return Ok((text.to_owned(), None)) };
    let kind = match (value["enum_code"].as_str(), value["enum_id"].as_u64()) {
        (Some(code), _) => kinds.iter().find(|kind| **kind == code),
        (None, Some(number)) => kinds.iter().find(|kind| number_of(field, kind) == Some(number)),
        (None, None) => Some(first),
    };
    let kind = kind.ok_or_else(|| Problem::invalid("NotSupportedChoice", path, "enum_code"))?;
    Ok((text.to_owned(), Some((*kind).to_owned())))
}

/// Which kinds of values a field has.
fn kinds(field: &Field) -> &'static [&'static str] {
    match field.code {
        "PHONE" => &["WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER"],
        "EMAIL" => &["WORK", "PRIV", "OTHER"],
        _ => &[],
    }
}

/// The number of a kind, which is another one in each account.
fn number_of(field: &Field, kind: &str) -> Option<u64> {
    let place = kinds(field).iter().position(|it| *it == kind)?;
    Some(field.id * 1000 + place as u64)
}

/// `tags_to_add`, `tags_to_delete` and `_embedded.tags` of a patch.
pub(super) fn patch_tags(tags: &mut std::collections::BTreeSet<String>, patch: &Value) -> Result<(), Problem> {
    let names = |list: &Value, path: &str| match list {
        Value::Null => Ok(None),
        Value::Array(list) => list
            .iter()
            .map(|tag| tag["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or_else(|| Problem::invalid("FieldMissing", path, "name")),
        _ => Err(Problem::invalid("InvalidType", path, "an array is expected")),
    };
    if let Some(all) = names(&patch["_embedded"]["tags"], "_embedded.tags")? {
        *tags = all.into_iter().collect();
    }
    tags.extend(names(&patch["tags_to_add"], "tags_to_add")?.unwrap_or_default());
    for name in names(&patch["tags_to_delete"], "tags_to_delete")?.unwrap_or_default() {
        tags.remove(&name);
    }
    Ok(())
}
