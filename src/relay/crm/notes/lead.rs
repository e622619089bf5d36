//! Records the tags and tracking fields of the campaign in leads.

use crate::{
    domain::{address::KommoChatId, crm::Campaign, retry::Failure},
    kommo::{
        account::{Account, RestError},
        wire::account::{EntityPatch, FieldPatch, KnownField, Lead, ValuePatch},
    },
    relay::crm::{notes::new_tags, settings::Crm},
};

/// The stages of leads that are won and lost.
const CLOSED: [u64; 2] = [142, 143];

/// Writes to the newest open lead of a chat's contact, and returns whether there is one.
pub(super) async fn write(
    crm: &Crm,
    account: &Account,
    chat: &KommoChatId,
    campaign: &Campaign,
) -> Result<bool, Failure> {
    let fields = if campaign.utm.is_empty() { Vec::new() } else { account.lead_fields().await? };
    let Some(contact) = account.contact_of_chat(&chat.0).await? else { return Ok(false) };
    let Some(contact) = account.contact(contact).await? else { return Ok(false) };
    let Some(id) = newest(account, &contact.leads).await? else { return Ok(false) };
    let _lock = crm.writing.lock(id).await;
    let Some(lead) = account.lead(id).await?.filter(is_open) else { return Ok(false) };
    let patch = EntityPatch {
        tags_to_add: new_tags(&campaign.tags, &lead.tags),
        custom_fields_values: campaign
            .utm
            .iter()
            .filter_map(|(end, text)| with_utm(&lead, &fields, end, text))
            .collect(),
        ..EntityPatch::default()
    };
    if patch != EntityPatch::default() {
        account.patch_lead(id, &patch).await?;
    }
    tracing::info!(lead = id, "campaign recorded in the lead");
    Ok(true)
}

/// The open lead that was changed last. A single lead need not be checked.
async fn newest(account: &Account, ids: &[u64]) -> Result<Option<u64>, RestError> {
    if let [only] = ids {
        return Ok(Some(*only));
    }
    let mut newest = None;
    for id in ids {
        let open = account.lead(*id).await?.filter(is_open);
        newest = newest.max(open.map(|lead| (lead.updated_at, *id)));
    }
    Ok(newest.map(|(_, id)| id))
}

fn is_open(lead: &Lead) -> bool {
    !lead.is_deleted && !lead.status_id.is_some_and(|stage| CLOSED.contains(&stage))
}

/// A tracking field with its text, unless it has one already: the first origin of a lead stays.
pub(super) fn with_utm(lead: &Lead, fields: &[KnownField], end: &str, text: &str) -> Option<FieldPatch> {
    let Some(field_id) = fields.iter().find(|field| field.is_tracking(end)).and_then(|field| field.id) else {
        tracing::warn!(field = end, "leads have no such tracking field (utm_…): it is left out");
        return None;
    };
    let existing = lead.fields.iter().find(|field| field.field_id == Some(field_id));
    if existing.is_some_and(|field| !field.is_blank()) {
        tracing::debug!(field = end, "a lead has this tracking field already");
        return None;
    }
    let values = vec![ValuePatch { value: text.into(), enum_id: None, enum_code: None }];
    Some(FieldPatch { field_id: Some(field_id), field_code: None, values })
}
