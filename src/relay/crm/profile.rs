//! Finds out what is new about a customer and has to be recorded in the account.

use crate::{
    domain::{
        crm::{ContactPatch, CrmUpdate, StartContext, SyncedProfile},
        job::{Lane, UpdateCrm},
    },
    relay::{context::Context, crm::settings::Crm, effects::Effects},
    store::{NewJob, StateChange, StoreError},
};

/// Creates the jobs that record it.
pub(super) fn record(context: &Context, start_context: &StartContext, effects: &mut Effects) -> Result<(), StoreError> {
    let conversation = &start_context.conversation;
    let Effects { jobs, changes } = effects;
    let mut push = |lane, note| {
        let customer = start_context.customer.clone();
        let job = UpdateCrm { conversation: conversation.clone(), customer, note }.into();
        jobs.push(NewJob { id: None, lane, job });
    };
    let synced = context.store.synced_profile(conversation)?;
    if let Some((patch, synced)) = patch(&context.crm, start_context, synced) {
        push(Lane::contact(conversation), CrmUpdate::ContactPatch(patch));
        changes.push(StateChange::SyncedProfile { conversation: conversation.clone(), profile: synced });
    }
    let name = start_context.start.as_deref().unwrap_or_default();
    if let Some(campaign) = context.crm.campaigns.get(name) {
        if campaign.counts_at(&conversation.source) {
            push(Lane::lead(conversation), CrmUpdate::Campaign(name.to_owned()));
        } else {
            tracing::info!(%conversation, campaign = name, "the campaign belongs to another source: ignored");
        }
    }
    Ok(())
}

/// What is new about a customer, and what will have been recorded once that is.
fn patch(crm: &Crm, start_context: &StartContext, synced: SyncedProfile) -> Option<(ContactPatch, SyncedProfile)> {
    let username = start_context.customer.username.clone().filter(|_| crm.username_field.is_some());
    // A name that was recorded nowhere, because the configured field did not exist, is recorded once another is
    // configured.
    let is_elsewhere = synced.username_field.is_some() && synced.username_field != crm.username_field;
    let is_new = username.is_some() && (username != synced.username || is_elsewhere);
    let tags: Vec<_> = crm.contact_tags.iter().filter(|tag| !synced.tags.contains(tag)).cloned().collect();
    if start_context.phone.is_none() && !is_new && tags.is_empty() {
        return None;
    }
    let patch = ContactPatch {
        phone: start_context.phone.clone(),
        username: username.clone().filter(|_| is_new),
        former_username: synced.username.clone().filter(|_| is_new),
        tags: tags.clone(),
    };
    let tags = synced.tags.into_iter().chain(tags).collect();
    let username_field = if is_new { crm.username_field.clone() } else { synced.username_field };
    Some((patch, SyncedProfile { username: username.or(synced.username), username_field, tags, ..synced }))
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
