//! What is to be written down about a customer that was not before.

use crate::{
    domain::{
        crm::{ContactPatch, CrmUpdate, StartContext, SyncedProfile},
        job::{Lane, UpdateCrm},
    },
    relay::{context::Context, crm::settings::Crm, effects::Effects},
    store::{NewJob, StateChange, StoreError},
};

/// Leaves the jobs that write it down.
pub(super) fn note(context: &Context, start_context: &StartContext, effects: &mut Effects) -> Result<(), StoreError> {
    let conversation = &start_context.conversation;
    let Effects { jobs, changes } = effects;
    let mut note = |lane, note| {
        let customer = start_context.customer.clone();
        let job = UpdateCrm { conversation: conversation.clone(), customer, note }.into();
        jobs.push(NewJob { id: None, lane, job });
    };
    let told = context.store.told(conversation)?;
    if let Some((card, told)) = card(&context.crm, start_context, told) {
        note(Lane::contact(conversation), CrmUpdate::ContactPatch(card));
        changes.push(StateChange::SyncedProfile { conversation: conversation.clone(), told });
    }
    let name = start_context.start.as_deref().unwrap_or_default();
    if let Some(campaign) = context.crm.campaigns.get(name) {
        if campaign.counts_at(&conversation.source) {
            note(Lane::lead(conversation), CrmUpdate::Campaign(name.to_owned()));
        } else {
            tracing::info!(%conversation, campaign = name, "the campaign belongs to another source: ignored");
        }
    }
    Ok(())
}

/// What is new about a customer, and what was told once that is.
fn card(crm: &Crm, start_context: &StartContext, told: SyncedProfile) -> Option<(ContactPatch, SyncedProfile)> {
    let username = start_context.customer.username.clone().filter(|_| crm.username_field.is_some());
    // One that was noted nowhere, for the field was named wrongly, is told anew when it is named otherwise.
    let is_elsewhere = told.username_field.is_some() && told.username_field != crm.username_field;
    let is_new = username.is_some() && (username != told.username || is_elsewhere);
    let tags: Vec<_> = crm.contact_tags.iter().filter(|tag| !told.tags.contains(tag)).cloned().collect();
    if start_context.phone.is_none() && !is_new && tags.is_empty() {
        return None;
    }
    let card = ContactPatch {
        phone: start_context.phone.clone(),
        username: username.clone().filter(|_| is_new),
        former_username: told.username.clone().filter(|_| is_new),
        tags: tags.clone(),
    };
    let tags = told.tags.into_iter().chain(tags).collect();
    let username_field = if is_new { crm.username_field.clone() } else { told.username_field };
    Some((card, SyncedProfile { username: username.or(told.username), username_field, tags, ..told }))
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
