//! The published description of the Bot API, and what is a value of one of its types.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The facts of the page: types with their fields.
#[derive(Deserialize)]
pub(super) struct Description {
    types: BTreeMap<String, Type>,
}

#[derive(Deserialize)]
struct Type {
    #[serde(default)]
    fields: BTreeMap<String, Field>,
    /// The types that a value may be of instead.
    #[serde(default)]
    subtypes: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Field {
    pub(super) types: Vec<String>,
    required: bool,
    /// The only text that a field may hold.
    pub(super) always: Option<String>,
    /// The texts that it may hold.
    #[serde(default)]
    pub(super) among: Vec<String>,
}

impl Description {
    pub(super) fn read() -> Self {
        serde_json::from_str(include_str!("../../fixtures/telegram/bot_api.json")).unwrap()
    }

    /// The names of the fields of a type; never none.
    pub(super) fn fields(&self, of: &str) -> Vec<&str> {
        let fields: Vec<_> = self.types[of].fields.keys().map(String::as_str).collect();
        assert!(!fields.is_empty(), "{of} has no fields");
        fields
    }

    /// Whether a type has fields. Some only say by being there that something happened.
    pub(super) fn has_fields(&self, of: &str) -> bool {
        !self.types[of].fields.is_empty()
    }

    /// A field of a type.
    pub(super) fn field(&self, of: &str, name: &str) -> &Field {
        &self.types[of].fields[name]
    }

    /// Whether a type always has a field.
    pub(super) fn is_required(&self, of: &str, name: &str) -> bool {
        self.field(of, name).required
    }

    /// The types that a value of a type may be of instead; none if it is one by itself.
    pub(super) fn subtypes(&self, of: &str) -> &[String] {
        self.types.get(of).map(|it| it.subtypes.as_slice()).unwrap_or_default()
    }

    /// Why `value` is not of the type `name`; nothing if it is.
    pub(super) fn faults(&self, value: &Value, name: &str, at: &str) -> Vec<String> {
        if let Some(item) = name.strip_prefix("Array of ") {
            let Some(items) = value.as_array() else { return vec![format!("{at} is no list")] };
            return items.iter().enumerate().flat_map(|(i, it)| self.faults(it, item, &format!("{at}[{i}]"))).collect();
        }
        let fits = match name {
            "String" => value.is_string(),
            "Integer" => value.is_i64(),
            "Float" => value.is_number(),
            "Boolean" => value.is_boolean(),
            _ => return self.faults_of_object(value, name, at),
        };
        if fits { Vec::new() } else { vec![format!("{at} is no {name}")] }
    }

    fn faults_of_object(&self, value: &Value, name: &str, at: &str) -> Vec<String> {
        let Some(known) = self.types.get(name) else { return vec![format!("{at}: nobody knows the type {name}")] };
        if !known.subtypes.is_empty() {
            return self.least_faults(value, &known.subtypes, at);
        }
        let Some(object) = value.as_object() else { return vec![format!("{at} is no {name}")] };
        let missing = known.fields.iter().filter(|(field, it)| it.required && !object.contains_key(*field));
        let mut faults: Vec<_> = missing.map(|(field, _)| format!("{at} lacks {field} of {name}")).collect();
        for (field, value) in object {
            let at = format!("{at}.{field}");
            match known.fields.get(field) {
                Some(field) => {
                    faults.extend(self.least_faults(value, &field.types, &at));
                    let is_said = field.always.as_ref().is_none_or(|always| value == always.as_str());
                    faults.extend((!is_said).then(|| format!("{at} is never {value} in {name}")));
                }
                None => faults.push(format!("{at} is unknown in {name}")),
            }
        }
        faults
    }

    fn least_faults(&self, value: &Value, types: &[String], at: &str) -> Vec<String> {
        let faults = types.iter().map(|name| self.faults(value, name, at));
        faults.min_by_key(Vec::len).unwrap_or_else(|| vec![format!("{at} may be of no type")])
    }
}

#[test]
fn the_description_tells_values_apart() {
    let description = Description::read();
    for (value, name, faults) in [
        (r#"{"id":1,"is_bot":false,"first_name":"A"}"#, "User", ""),
        (r#"{"id":"1","is_bot":false}"#, "User", "x lacks first_name of User; x.id is no Integer"),
        (r#"{"type":"emoji","emoji":"👍","more":1}"#, "ReactionType", "x.more is unknown in ReactionTypeEmoji"),
        (r#"["a",{"type":"bold","text":"b"}]"#, "RichText", ""),
        (r#"{"type":"italic","text":"b"}"#, "RichTextBold", "x.type is never \"italic\" in RichTextBold"),
        ("{}", "Array of User", "x is no list"),
    ] {
        let found = description.faults(&serde_json::from_str(value).unwrap(), name, "x");
        assert_eq!(found.join("; "), faults, "{value}");
    }
}
