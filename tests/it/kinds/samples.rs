//! Values of any type that the description knows, in which each text says where it stands.

use serde_json::{Map, Value, json};

use super::description::Description;

/// Types of which only one of the optional fields is there at a time, beside those that always may be.
const EXCLUSIVE: &[(&str, &[&str])] = &[("PollMedia", &[]), ("RichMessageButton", &["style"])];

/// How deep samples are nested before only the simplest is taken.
const DEEP: usize = 12;

/// Samples of a type that between them show each of its forms and fields.
pub(super) fn of(description: &Description, name: &str) -> Vec<Value> {
    Maker { description, inside: Vec::new() }.make(name, "", "")
}

struct Maker<'a> {
    description: &'a Description,
    /// The types that the sample being made is within.
    inside: Vec<String>,
}

impl Maker<'_> {
    /// Samples for the field `field` of the type `of`.
    fn make(&mut self, name: &str, of: &str, field: &str) -> Vec<Value> {
        if let Some(item) = name.strip_prefix("Array of ") {
            return vec![Value::Array(self.make(item, of, field))];
        }
        match name {
            "String" => vec![self.text(of, field)],
            "Integer" => vec![json!(1)],
            "Float" => vec![json!(1.5)],
            "Boolean" => vec![json!(true)],
            _ => self.object(name, of, field),
        }
    }

    fn text(&self, of: &str, field: &str) -> Value {
        if of.is_empty() || field.is_empty() {
            return json!("plain");
        }
        let known = self.description.field(of, field);
        let said = known.always.as_ref().or(known.among.first());
        said.map_or_else(|| json!(format!("{of}.{field}")), |said| json!(said))
    }

    fn object(&mut self, name: &str, of: &str, field: &str) -> Vec<Value> {
        let repeated = self.inside.iter().any(|it| it == name);
        // What a message says of another is walked by itself, and so are entities, which belong to a text.
        let is_apart = ["MaybeInaccessibleMessage", "Message", "MessageEntity"].contains(&name);
        if repeated || is_apart || self.inside.len() > DEEP {
            return vec![simplest(name, of, field)];
        }
        self.inside.push(name.to_owned());
        let subtypes = self.description.subtypes(name).to_vec();
        let made = if subtypes.is_empty() {
            self.with_fields(name)
        } else {
            subtypes.iter().flat_map(|it| self.make(it, of, field)).collect()
        };
        self.inside.pop();
        made
    }

    fn with_fields(&mut self, name: &str) -> Vec<Value> {
        let description = self.description;
        if !description.has_fields(name) {
            return vec![json!({})];
        }
        let fields = description.fields(name);
        let made: Vec<(&str, Vec<Value>)> = fields
            .iter()
            .map(|field| {
                let types = &description.field(name, field).types;
                (*field, types.iter().flat_map(|it| self.make(it, name, field)).collect())
            })
            .collect();
        let exclusive = EXCLUSIVE.iter().find(|(it, _)| *it == name);
        match exclusive {
            None => together(&made),
            Some((_, beside)) => {
                let is_beside = |field: &str| description.is_required(name, field) || beside.contains(&field);
                let (beside, one): (Vec<_>, Vec<_>) = made.into_iter().partition(|(field, _)| is_beside(field));
                let with = |one: (&str, Vec<Value>)| together(&[beside.as_slice(), &[one]].concat());
                one.into_iter().flat_map(with).collect()
            }
        }
    }
}

/// As many objects as one of the fields has samples, each with all fields.
fn together(fields: &[(&str, Vec<Value>)]) -> Vec<Value> {
    let most = fields.iter().map(|(_, samples)| samples.len()).max().unwrap_or(1).max(1);
    let one = |n: usize| {
        let pick = |(name, samples): &(&str, Vec<Value>)| ((*name).to_owned(), samples[n % samples.len()].clone());
        Value::Object(fields.iter().map(pick).collect::<Map<_, _>>())
    };
    (0..most).map(one).collect()
}

/// What is within its own kind: a text that says where it stands, or something small.
fn simplest(name: &str, of: &str, field: &str) -> Value {
    let says = format!("{of}.{field}");
    match name {
        "RichText" => json!(says),
        "RichBlock" => json!({ "type": "paragraph", "text": says }),
        "Message" | "MaybeInaccessibleMessage" => {
            json!({ "message_id": 1, "date": 1, "chat": { "id": 1, "type": "private" }, "text": says })
        }
        _ => json!({}),
    }
}
