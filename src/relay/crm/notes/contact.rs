//! Records the phone number, the public name and tags in contacts.

use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    domain::{
        address::KommoChatId,
        crm::ContactPatch,
        phone::{self, Country},
        retry::Failure,
    },
    kommo::{
        account::{Account, RestError},
        wire::account::{Contact, CustomField, EntityPatch, FieldPatch, FieldValue, ValuePatch},
    },
    relay::crm::{notes::new_tags, settings::Crm},
};

/// Writes to the contact of a chat, and returns whether there is one.
pub(super) async fn write(
    crm: &Crm,
    account: &Account,
    chat: &KommoChatId,
    update: &ContactPatch,
) -> Result<bool, Failure> {
    let username_field = username_field(crm, account, update).await?;
    let Some(id) = account.contact_of_chat(&chat.0).await? else { return Ok(false) };
    let _lock = crm.writing.lock(id).await;
    let Some(contact) = account.contact(id).await? else { return Ok(false) };
    let mut patch = EntityPatch { tags_to_add: new_tags(&update.tags, &contact.tags), ..EntityPatch::default() };
    let home = crm.phone_region.country();
    patch.custom_fields_values.extend(update.phone.as_deref().and_then(|phone| with_phone(&contact, phone, home)));
    let username = username_field.zip(update.username.as_deref());
    let username = username.and_then(|(field, name)| with_username(&contact, field, name, update));
    change(account, id, patch, username).await?;
    Ok(true)
}

/// Changes a contact. If Kommo refuses that, the field for the public name may be the cause, and everything else is
/// written without it.
async fn change(account: &Account, id: u64, rest: EntityPatch, username: Option<FieldPatch>) -> Result<(), RestError> {
    if let Some(username) = username {
        let mut whole = rest.clone();
        whole.custom_fields_values.push(username);
        match account.patch_contact(id, &whole).await {
            Err(error @ RestError::Refused { status: StatusCode::BAD_REQUEST, .. }) => tracing::warn!(
                contact = id,
                %error,
                "the public name was not written: is kommo.username_field a field for text?"
            ),
            outcome => return outcome,
        }
    }
    if rest == EntityPatch::default() { Ok(()) } else { account.patch_contact(id, &rest).await }
}

/// The id of the field for the public name, if there is a name to record.
async fn username_field(crm: &Crm, account: &Account, update: &ContactPatch) -> Result<Option<u64>, RestError> {
    let (Some(field), Some(_)) = (&crm.username_field, &update.username) else { return Ok(None) };
    let fields = account.contact_fields().await?;
    let found = fields.iter().find(|it| it.is_called(field)).and_then(|field| field.id);
    if found.is_none() {
        tracing::warn!(field, "contacts have no such field: correct kommo.username_field");
    }
    Ok(found)
}

/// The phone numbers with one more; `None` if it is among them, or if one of them cannot be read: the new value
/// replaces all of them.
pub(super) fn with_phone(contact: &Contact, phone: &str, home: Option<Country>) -> Option<FieldPatch> {
    let fields = contact.fields.iter().filter(|field| field.field_code.as_deref() == Some("PHONE"));
    let Some(existing) = fields.map(|field| field.values.as_deref()).collect::<Option<Vec<_>>>() else {
        tracing::warn!(contact = contact.id, "the contact's phone numbers cannot be read, so none is added to them");
        return None;
    };
    let existing = existing.concat();
    if existing
        .iter()
        .filter_map(|value| value.value.as_ref())
        .any(|value| phone::is_same(&text_of(value), phone, home))
    {
        return None;
    }
    let mut values: Vec<_> = existing.iter().filter_map(to_patch).collect();
    values.push(ValuePatch { value: format!("+{phone}").into(), enum_id: None, enum_code: Some("MOB".to_owned()) });
    Some(FieldPatch { field_id: None, field_code: Some("PHONE".to_owned()), values })
}

/// The text of a value, which may be a JSON number.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An existing value, to be written again unchanged; `None` if it is empty.
fn to_patch(value: &FieldValue) -> Option<ValuePatch> {
    let enum_code = value.enum_code.clone().filter(|code| !code.is_empty());
    let enum_id = value.enum_id.filter(|_| enum_code.is_none());
    Some(ValuePatch { value: value.value.clone().filter(|value| !value.is_null())?, enum_id, enum_code })
}

/// The public name, unless a person has written something else.
pub(super) fn with_username(
    contact: &Contact,
    field_id: u64,
    username: &str,
    update: &ContactPatch,
) -> Option<FieldPatch> {
    let bare = |text: &str| text.trim_start_matches('@').to_lowercase();
    let is_former = |value: &Value| {
        value.as_str().zip(update.former_username.as_deref()).is_some_and(|(text, former)| bare(text) == bare(former))
    };
    let is_ours = |field: &CustomField| {
        let is_ours = |value: &FieldValue| value.is_blank() || value.value.as_ref().is_some_and(is_former);
        field.values.as_ref().is_some_and(|values| values.iter().all(is_ours))
    };
    if !contact.fields.iter().filter(|field| field.field_id == Some(field_id)).all(is_ours) {
        tracing::debug!(contact = contact.id, "the field for the public name holds something else: it stays");
        return None;
    }
    let value = Value::from(format!("@{username}"));
    let values = vec![ValuePatch { value, enum_id: None, enum_code: None }];
    Some(FieldPatch { field_id: Some(field_id), field_code: None, values })
}
