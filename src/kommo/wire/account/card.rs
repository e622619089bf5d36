//! Contacts and leads ("Contacts API", "Leads API", "Custom fields"), and their chats.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::{
    kommo::wire::account::embedded,
    lenient::{Fields, lenient},
};

/// A contact in Kommo.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// Its number.
    pub id: Option<u64>,
    pub name: Option<String>,
    /// When it was created, in seconds since the epoch.
    pub created_at: Option<i64>,
    /// When it was last changed, in seconds since the epoch.
    pub updated_at: Option<i64>,
    /// Its custom fields, which include phone numbers and e-mail addresses.
    pub fields: Vec<CustomField>,
    pub tags: Vec<Tag>,
    /// The ids of its leads, if they were requested.
    pub leads: Vec<u64>,
}

/// A lead in Kommo.
#[derive(Clone, Debug, Default)]
pub struct Lead {
    /// Its number.
    pub id: Option<u64>,
    pub name: Option<String>,
    pub pipeline_id: Option<u64>,
    /// Its stage; 142 is won and 143 is lost.
    pub status_id: Option<u64>,
    /// When it was last changed, in seconds since the epoch.
    pub updated_at: Option<i64>,
    pub is_deleted: bool,
    /// Kommo's id of its source.
    pub source_id: Option<u64>,
    /// Its custom fields, which include tracking fields (UTM).
    pub fields: Vec<CustomField>,
    pub tags: Vec<Tag>,
    /// The ids of its contacts.
    pub contacts: Vec<u64>,
}

lenient! {
    /// A custom field of a contact or lead, with its values.
    pub struct CustomField {
        pub field_id: u64,
        /// The field's code, such as `PHONE`.
        pub field_code: String,
        pub field_name: String,
        /// The field's type, such as `multitext` or `tracking_data`.
        pub field_type: String,
        /// Its values; `None` if they could not be read, and then they must not be replaced.
        pub values: Vec<FieldValue>,
    }

    /// One value of a custom field.
    pub struct FieldValue {
        /// A string for most types of fields.
        pub value: Value,
        /// The id of the kind of phone or address.
        pub enum_id: u64,
        /// The kind of phone or address, such as `WORK` or `MOB`.
        pub enum_code: String,
    }

    /// A custom field that contacts or leads can have ("Custom fields").
    pub struct KnownField {
        /// Its number.
        pub id: u64,
        pub name: String,
        /// Its code, such as `UTM_SOURCE`.
        pub code: String,
        /// Its type, such as `tracking_data`.
        pub r#type: String,
    }

    /// The link between a chat and its contact.
    pub struct ChatLink {
        /// The contact's id.
        pub contact_id: u64,
        /// The chat's id in the Chats API, a UUID.
        pub chat_id: String,
    }

    struct Numbered {
        pub id: u64,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub name: String,
}

/// A link of a chat to a contact ("Contacts API", link chats). A chat has one contact at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewChatLink {
    /// The contact's id.
    pub contact_id: u64,
    /// The chat's id in the Chats API, a UUID; not our id of the conversation.
    pub chat_id: String,
}

/// A note among the events of a contact ("Events and notes").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewNote {
    /// `common`: a text only.
    pub note_type: &'static str,
    pub params: NoteText,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoteText {
    pub text: String,
}

/// A change of a contact or lead. What is left out stays unchanged.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EntityPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New values of fields. Each replaces all values of its field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_fields_values: Vec<FieldPatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags_to_add: Vec<Tag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags_to_delete: Vec<Tag>,
}

/// The new values of a custom field, which is named by its id or its code.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FieldPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_id: Option<u64>,
    /// The field's code, such as `PHONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_code: Option<String>,
    /// All its values from now on.
    pub values: Vec<ValuePatch>,
}

/// One value of a custom field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValuePatch {
    /// A string for phones, addresses and tracking fields.
    pub value: Value,
    /// The id of the kind of phone or address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enum_id: Option<u64>,
    /// The kind of phone or address, such as `MOB`, if its id is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enum_code: Option<String>,
}

impl Contact {
    fn read(fields: &Fields, values: Vec<CustomField>) -> Self {
        Self {
            id: fields.read("id"),
            name: fields.read("name"),
            created_at: fields.read("created_at"),
            updated_at: fields.read("updated_at"),
            fields: values,
            tags: embedded(fields, "tags").unwrap_or_default(),
            leads: numbers(fields, "leads"),
        }
    }
}

impl Lead {
    fn read(fields: &Fields, values: Vec<CustomField>) -> Self {
        Self {
            id: fields.read("id"),
            name: fields.read("name"),
            pipeline_id: fields.read("pipeline_id"),
            status_id: fields.read("status_id"),
            updated_at: fields.read("updated_at"),
            is_deleted: fields.read("is_deleted").unwrap_or_default(),
            source_id: fields.read("source_id"),
            fields: values,
            tags: embedded(fields, "tags").unwrap_or_default(),
            contacts: numbers(fields, "contacts"),
        }
    }
}

/// Fields that exist but cannot be read are an error, because adding to them would otherwise erase them.
fn custom_fields<E: de::Error>(fields: &Fields) -> Result<Vec<CustomField>, E> {
    match fields.read("custom_fields_values") {
        Some(values) => Ok(values),
        None if fields.is_set("custom_fields_values") => Err(E::custom("custom_fields_values is no list of fields")),
        None => Ok(Vec::new()),
    }
}

fn numbers(fields: &Fields, name: &str) -> Vec<u64> {
    let entities: Vec<Numbered> = embedded(fields, name).unwrap_or_default();
    entities.into_iter().filter_map(|entity| entity.id).collect()
}

impl<'de> Deserialize<'de> for Contact {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(from)?;
        Ok(Self::read(&fields, custom_fields(&fields)?))
    }
}

impl<'de> Deserialize<'de> for Lead {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(from)?;
        Ok(Self::read(&fields, custom_fields(&fields)?))
    }
}

impl Contact {
    /// The strings in the field with this code, for instance `PHONE` or `EMAIL`.
    pub fn texts<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(move |field| field.field_code.as_deref() == Some(code));
        fields.flat_map(CustomField::texts)
    }
}

impl KnownField {
    /// Whether `name`, which an operator has written, is its id or its name.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id.is_some_and(|id| id.to_string() == name) || self.name.as_deref() == Some(name)
    }

    /// Whether it is the tracking field whose code ends like this: `source`, `medium` and so on. The codes are not
    /// documented for every zone.
    #[must_use]
    pub fn is_tracking(&self, end: &str) -> bool {
        let code = format!("utm_{end}");
        let has_code = |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&code));
        self.r#type.as_deref() == Some("tracking_data") && (has_code(&self.code) || has_code(&self.name))
    }
}

impl FieldValue {
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match &self.value {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
        }
    }
}

impl CustomField {
    /// Whether it is certainly empty. A value that could not be read, or is no string, counts as a value.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.values.as_ref().is_some_and(|values| values.iter().all(FieldValue::is_blank))
    }

    /// Its values that are strings.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flatten().filter_map(|value| value.value.as_ref()?.as_str())
    }
}
