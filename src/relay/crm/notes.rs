//! What is written down in contacts and leads. Each is read first, and nothing that somebody wrote is taken away.

use std::time::Duration;

use serde_json::Value;

use crate::{
    domain::{
        address::Conversation,
        guest::{Campaign, Card, Guest, Note, digits},
        retry::Failure,
        time::UnixMillis,
    },
    kommo::{
        account::{Account, RestError},
        wire::account::{Contact, CustomField, EntityPatch, FieldPatch, FieldValue, Lead, LeadField, Tag, ValuePatch},
    },
    relay::{
        courier::{Courier, Step, done},
        crm::{self, age, link},
    },
    store::StoreError,
};

/// How long Kommo may take to make a contact and a lead of a chat. It does so after it has answered.
const MADE_WITHIN: Duration = Duration::from_hours(24);
/// The stages of leads that are won and lost.
const CLOSED: [u64; 2] = [142, 143];

/// Writes a note down.
pub(in crate::relay) async fn step(
    courier: &Courier,
    conversation: &Conversation,
    guest: &Guest,
    note: &Note,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let account = match crm::account(courier) {
        Ok(account) => account,
        Err(failure) => return Ok(Step::without_call(Err(failure))),
    };
    let written = write(courier, &account, conversation, guest, note).await;
    let written = written.and_then(|is_written| if is_written { Ok(done()) } else { Err(not_yet(enqueued_at)) });
    Ok(Step::called(written))
}

fn not_yet(enqueued_at: UnixMillis) -> Failure {
    if age(enqueued_at) < MADE_WITHIN {
        return Failure::transient("Kommo has not made the contact or the lead of this chat yet");
    }
    crm::hopeless(
        "Kommo has no contact or no open lead for this chat, a day after the customer wrote: it was deleted or closed. Retry \
         this if there is one again, else drop it.",
    )
}

/// Whether there was a place for it.
async fn write(
    courier: &Courier,
    account: &Account,
    conversation: &Conversation,
    guest: &Guest,
    note: &Note,
) -> Result<bool, Failure> {
    let chat = link::chat(courier, conversation, guest).await?;
    let Some(contact) = account.contact_of_chat(&chat.0).await? else { return Ok(false) };
    let Some(contact) = account.contact(contact).await? else { return Ok(false) };
    match note {
        Note::Card(card) => on_card(courier, account, &contact, card).await?,
        Note::Campaign(name) => {
            let Some(campaign) = courier.crm.campaigns.get(name) else {
                tracing::info!(campaign = name, "a campaign is not in the configuration any more: nothing is noted");
                return Ok(true);
            };
            let Some(lead) = newest_lead(account, &contact.leads).await? else { return Ok(false) };
            on_lead(account, &lead, campaign).await?;
        }
    }
    Ok(true)
}

async fn on_card(courier: &Courier, account: &Account, contact: &Contact, card: &Card) -> Result<(), Failure> {
    let Some(id) = contact.id else { return Ok(()) };
    let mut patch = EntityPatch { tags_to_add: new_tags(&card.tags, &contact.tags), ..EntityPatch::default() };
    patch.custom_fields_values.extend(card.phone.as_deref().and_then(|phone| with_phone(contact, phone)));
    if let (Some(field), Some(username)) = (&courier.crm.username_field, &card.username) {
        let fields = account.contact_fields().await?;
        if let Some(field) = fields.iter().find(|it| is_called(it, field)).and_then(|field| field.id) {
            patch.custom_fields_values.extend(with_username(contact, field, username, card));
        } else {
            tracing::warn!(field, "contacts have no such field: correct kommo.username_field");
        }
    }
    if patch != EntityPatch::default() {
        account.patch_contact(id, &patch).await?;
    }
    Ok(())
}

fn is_called(field: &LeadField, name: &str) -> bool {
    field.id.is_some_and(|id| id.to_string() == name) || field.name.as_deref() == Some(name)
}

fn new_tags(wanted: &[String], there: &[Tag]) -> Vec<Tag> {
    let is_new = |name: &&String| !there.iter().any(|tag| tag.name.eq_ignore_ascii_case(name));
    wanted.iter().filter(is_new).map(|name| Tag { name: name.clone() }).collect()
}

/// The phone numbers with one more; `None` if it is among them, or if one of them cannot be read: what is written takes the
/// place of them all.
fn with_phone(contact: &Contact, phone: &str) -> Option<FieldPatch> {
    let fields = contact.fields.iter().filter(|field| field.field_code.as_deref() == Some("PHONE"));
    let Some(there) = fields.map(|field| field.values.as_deref()).collect::<Option<Vec<_>>>() else {
        tracing::warn!(contact = contact.id, "the contact's phone numbers cannot be read, so none is added to them");
        return None;
    };
    let there = there.concat();
    if there.iter().filter_map(|value| value.value.as_ref()).any(|value| digits(&text_of(value)) == phone) {
        return None;
    }
    let mut values: Vec<_> = there.iter().filter_map(kept).collect();
    values.push(ValuePatch { value: format!("+{phone}").into(), enum_id: None, enum_code: Some("MOB".to_owned()) });
    Some(FieldPatch { field_id: None, field_code: Some("PHONE".to_owned()), values })
}

/// What a value says: a number is told as such by some.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as it is, to be written with others; `None` if it says nothing.
fn kept(value: &FieldValue) -> Option<ValuePatch> {
    let enum_code = value.enum_code.clone().filter(|code| !code.is_empty());
    let enum_id = value.enum_id.filter(|_| enum_code.is_none());
    Some(ValuePatch { value: value.value.clone().filter(|value| !value.is_null())?, enum_id, enum_code })
}

/// The public name, unless somebody has written something else.
fn with_username(contact: &Contact, field_id: u64, username: &str, card: &Card) -> Option<FieldPatch> {
    let bare = |text: &str| text.trim_start_matches('@').to_lowercase();
    let is_former = |value: &Value| {
        value.as_str().zip(card.former_username.as_deref()).is_some_and(|(text, former)| bare(text) == bare(former))
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

/// The open lead that was changed last.
async fn newest_lead(account: &Account, ids: &[u64]) -> Result<Option<Lead>, RestError> {
    let mut newest: Option<Lead> = None;
    for id in ids {
        let Some(lead) = account.lead(*id).await? else { continue };
        let is_open = !lead.is_deleted && !lead.status_id.is_some_and(|stage| CLOSED.contains(&stage));
        let rank = |lead: &Lead| (lead.updated_at, lead.id);
        if is_open && newest.as_ref().is_none_or(|newest| rank(newest) < rank(&lead)) {
            newest = Some(lead);
        }
    }
    Ok(newest)
}

async fn on_lead(account: &Account, lead: &Lead, campaign: &Campaign) -> Result<(), Failure> {
    let Some(id) = lead.id else { return Ok(()) };
    let mut patch = EntityPatch { tags_to_add: new_tags(&campaign.tags, &lead.tags), ..EntityPatch::default() };
    if !campaign.utm.is_empty() {
        let fields = account.lead_fields().await?;
        patch.custom_fields_values =
            campaign.utm.iter().filter_map(|(end, text)| with_utm(lead, &fields, end, text)).collect();
    }
    if patch != EntityPatch::default() {
        account.patch_lead(id, &patch).await?;
    }
    tracing::info!(lead = id, "the lead has its campaign");
    Ok(())
}

/// A tracking field with its text, unless it holds one already: where a lead came from first stays.
fn with_utm(lead: &Lead, fields: &[LeadField], end: &str, text: &str) -> Option<FieldPatch> {
    let code = format!("utm_{end}");
    let is_it = |field: &&LeadField| {
        let is_named = |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&code));
        field.r#type.as_deref() == Some("tracking_data") && (is_named(&field.code) || is_named(&field.name))
    };
    let Some(field_id) = fields.iter().find(is_it).and_then(|field| field.id) else {
        tracing::warn!(code, "leads have no such tracking field: it is left out");
        return None;
    };
    let there = lead.fields.iter().find(|field| field.field_id == Some(field_id));
    if there.is_some_and(|field| !field.is_blank()) {
        tracing::debug!(code, "a lead has this tracking field already");
        return None;
    }
    let values = vec![ValuePatch { value: text.into(), enum_id: None, enum_code: None }];
    Some(FieldPatch { field_id: Some(field_id), field_code: None, values })
}

#[cfg(test)]
#[path = "notes_tests.rs"]
mod tests;
