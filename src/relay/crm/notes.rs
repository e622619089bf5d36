//! Records facts about customers in contacts and leads. Each is read first, and nothing that a person wrote is removed.
//!
//! A field is written as a whole. So it is read directly before, and only one of our jobs writes at a time: only a
//! manager's change between these two calls would be lost.

use std::time::Duration;

use crate::{
    domain::{
        address::Conversation,
        crm::{CrmUpdate, CustomerProfile},
        job::{Lane, UpdateCrm},
        retry::Failure,
        time::UnixMillis,
    },
    kommo::{account::Account, wire::account::Tag},
    relay::{
        context::Context,
        crm::{
            account::{self, age, hopeless},
            link,
        },
        incoming::AttemptInfo,
        step::{Step, StepError, StepResult, done},
    },
};

mod contact;
mod lead;

/// How long to wait until Kommo has created the contact and the lead of a chat. It does so after its response.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// Takes the step of an update job.
pub(in crate::relay) async fn step(context: &Context, job: &UpdateCrm, attempt: AttemptInfo) -> StepResult {
    let UpdateCrm { conversation, customer, note } = job;
    let account = account::of(context)?;
    // It is to be recorded in the contact that the chat is linked to.
    if context.store.has(&Lane::links(conversation)) {
        let first = "the chat of this customer is linked to a contact first";
        return Err(StepError::local(Failure::not_yet(first)));
    }
    let is_written = write(context, &account, conversation, customer, note).await.map_err(StepError::remote)?;
    if is_written { Ok(Step::remote(done())) } else { Err(StepError::remote(not_yet(attempt.enqueued_at))) }
}

fn not_yet(enqueued_at: UnixMillis) -> Failure {
    if age(enqueued_at) < MAX_WAIT {
        return Failure::not_yet("Kommo has not created the contact or the lead of this chat yet");
    }
    hopeless(
        "Kommo has no contact or no open lead for this chat, a day after the customer wrote: it was deleted, closed, \
         or nobody has accepted it. Retry this if there is one again, else drop it.",
    )
}

/// Records it, and returns whether there was a contact or a lead for it.
async fn write(
    context: &Context,
    account: &Account,
    conversation: &Conversation,
    customer: &CustomerProfile,
    note: &CrmUpdate,
) -> Result<bool, Failure> {
    let chat = link::chat(context, conversation, customer).await?;
    match note {
        CrmUpdate::ContactPatch(card) => contact::write(&context.crm, account, &chat, card).await,
        CrmUpdate::Campaign(name) => {
            let Some(campaign) = context.crm.campaigns.get(name) else {
                tracing::info!(campaign = name, "the campaign is no longer configured: ignored");
                return Ok(true);
            };
            lead::write(&context.crm, account, &chat, campaign).await
        }
    }
}

fn new_tags(tags: &[String], existing: &[Tag]) -> Vec<Tag> {
    let is_new = |name: &&String| !existing.iter().any(|tag| tag.name.eq_ignore_ascii_case(name));
    tags.iter().filter(is_new).map(|name| Tag { name: name.clone() }).collect()
}

#[cfg(test)]
#[path = "notes_tests.rs"]
mod tests;
