//! A message's file, and what of a message hooks and the history have in common.

use serde::Serialize;
use serde_json::{Value, json};

use crate::sandbox::kommo::{FileNames, Quirks, world::Message};

/// Blank where there is none.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    media: &'a str,
    thumbnail: &'a str,
    file_name: &'a str,
    file_size: u64,
}

impl<'a> Shown<'a> {
    pub(super) fn of(message: &'a Message, names: FileNames) -> Self {
        let Some(media) = &message.media else {
            return Self { media: "", thumbnail: "", file_name: "", file_size: 0 };
        };
        let (file_name, file_size) = match names {
            FileNames::Blank => ("", 0),
            FileNames::Present => (media.name.as_str(), media.size.unwrap_or_default()),
        };
        Self { media: &media.url, thumbnail: media.thumbnail.as_deref().unwrap_or_default(), file_name, file_size }
    }
}

#[derive(Serialize)]
struct Content<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    r#type: &'a str,
    text: &'a str,
    #[serde(flatten)]
    file: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a Value>,
}

/// A message of the history.
pub(in super::super) fn content(quirks: Quirks, message: &Message) -> Value {
    json!(Content {
        id: &message.id,
        client_id: message.client_msgid.as_deref(),
        r#type: &message.kind,
        text: &message.text,
        file: Shown::of(message, quirks.file_names),
        media_group_id: message.group.as_deref(),
        location: message.more.get("location"),
        contact: message.more.get("contact"),
    })
}

/// Takes out what is `""`, 0 or `null`.
pub(in super::super) fn leave_blanks_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(leave_blanks_out);
            fields.retain(|_, value| !value.is_null() && value.as_str() != Some("") && value.as_i64() != Some(0));
        }
        Value::Array(values) => values.iter_mut().for_each(leave_blanks_out),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
