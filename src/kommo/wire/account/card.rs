//! Contacts and leads ("Contacts API", "Leads API", "Custom fields"), and which chats they have.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::{
    kommo::wire::account::embedded,
    lenient::{Fields, lenient},
};

/// A contact that Kommo has.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// Its number.
    pub id: Option<u64>,
    pub name: Option<String>,
    /// When it was made, in seconds since the epoch.
    pub created_at: Option<i64>,
    /// When it was changed last, in seconds since the epoch.
    pub updated_at: Option<i64>,
    /// Its custom fields; phones and e-mail addresses are among them.
    pub fields: Vec<CustomField>,
    pub tags: Vec<Tag>,
    /// The numbers of its leads, if they were asked for.
    pub leads: Vec<u64>,
}

/// A lead that Kommo has.
#[derive(Clone, Debug, Default)]
pub struct Lead {
    /// Its number.
    pub id: Option<u64>,
    pub name: Option<String>,
    pub pipeline_id: Option<u64>,
    /// Its stage; 142 is won and 143 is lost.
    pub status_id: Option<u64>,
    /// When it was changed last, in seconds since the epoch.
    pub updated_at: Option<i64>,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// The source that it came from, by Kommo's number.
    pub source_id: Option<u64>,
    /// Its custom fields; tracking fields (UTM) are among them.
    pub fields: Vec<CustomField>,
    pub tags: Vec<Tag>,
    /// The numbers of its contacts.
    pub contacts: Vec<u64>,
}

lenient! {
    /// What a custom field of a contact or lead holds.
    pub struct CustomField {
        /// The field's number.
        pub field_id: u64,
        /// The field's code, such as `PHONE`.
        pub field_code: String,
        pub field_name: String,
        /// The field's type, such as `multitext` or `tracking_data`.
        pub field_type: String,
        /// Its values. If they could not be read, they must not be replaced either.
        pub values: Vec<FieldValue>,
    }

    /// One value of a custom field.
    pub struct FieldValue {
        /// A text for most types of fields.
        pub value: Value,
        /// Which kind of phone or address it is, by number.
        pub enum_id: u64,
        /// Which kind of phone or address it is, such as `WORK` or `MOB`.
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

    /// Which contact a chat belongs to.
    pub struct ChatLink {
        /// The contact's number.
        pub contact_id: u64,
        /// The chat's id in the Chats API, a UUID.
        pub chat_id: String,
    }

    struct Numbered {
        pub id: u64,
    }
}

/// A tag, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub name: String,
}

/// A chat to be given to a contact ("Contacts API", link chats). A chat has one contact at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewChatLink {
    /// The contact's number.
    pub contact_id: u64,
    /// The chat's id in the Chats API, a UUID; not our id of the conversation.
    pub chat_id: String,
}

/// Words to stand among the events of a contact ("Events and notes").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewNote {
    /// `common`: words alone.
    pub note_type: &'static str,
    pub params: NoteText,
}

/// The words of a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoteText {
    pub text: String,
}

/// What becomes different about a contact or lead; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EntityPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New contents of fields. Each replaces everything that the field held.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_fields_values: Vec<FieldPatch>,
    /// Tags to add to those that are there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags_to_add: Vec<Tag>,
    /// Tags to take away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags_to_delete: Vec<Tag>,
}

/// The new content of a custom field, which is named by its number or by its code.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FieldPatch {
    /// The field's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_id: Option<u64>,
    /// The field's code, such as `PHONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_code: Option<String>,
    /// Everything that it holds from now on.
    pub values: Vec<ValuePatch>,
}

/// One value of a custom field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValuePatch {
    /// The value; a text for phones, addresses and tracking fields.
    pub value: Value,
    /// Which kind of phone or address it is, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enum_id: Option<u64>,
    /// Which kind of phone or address it is, such as `MOB`, where the number is not known.
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

/// Fields that are there but cannot be read are an error: whoever adds to them would otherwise wipe them out.
fn custom_fields<E: de::Error>(fields: &Fields) -> Result<Vec<CustomField>, E> {
    match fields.read("custom_fields_values") {
        Some(values) => Ok(values),
        None if fields.is_set("custom_fields_values") => Err(E::custom("custom_fields_values is no list of fields")),
        None => Ok(Vec::new()),
    }
}

fn numbers(fields: &Fields, name: &str) -> Vec<u64> {
    let found: Vec<Numbered> = embedded(fields, name).unwrap_or_default();
    found.into_iter().filter_map(|entity| entity.id).collect()
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
    /// The texts in the field with this code, `PHONE` or `EMAIL` for instance.
    pub fn texts<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(move |field| field.field_code.as_deref() == Some(code));
        fields.flat_map(CustomField::texts)
    }
}

impl KnownField {
    /// Whether an operator who writes `name` means it: its number, or its name.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id.is_some_and(|id| id.to_string() == name) || self.name.as_deref() == Some(name)
    }

    /// Whether it is the tracking field with this end of its code: `source`, `medium` and so on. Which codes there are
    /// is not documented for every zone.
    #[must_use]
    pub fn is_tracking(&self, end: &str) -> bool {
        let code = format!("utm_{end}");
        let is_it = |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&code));
        self.r#type.as_deref() == Some("tracking_data") && (is_it(&self.code) || is_it(&self.name))
    }
}

impl FieldValue {
    /// Whether it says nothing.
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
    /// Whether it certainly holds nothing: what could not be read, or is no text, is something.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.values.as_ref().is_some_and(|values| values.iter().all(FieldValue::is_blank))
    }

    /// Its values that are texts.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flatten().filter_map(|value| value.value.as_ref()?.as_str())
    }
}
