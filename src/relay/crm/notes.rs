//! What is written down in contacts and leads. Each is read first, and nothing that somebody wrote is taken away.
//!
//! A field is written as a whole. So the last thing before that is to read it, and of our own jobs one writes at a
//! time: what a manager writes between these two calls would be lost, and no more than that.

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

/// How long Kommo may take to make a contact and a lead of a chat. It does so after it has answered.
const MADE_WITHIN: Duration = Duration::from_hours(24);

/// Writes a note down.
pub(in crate::relay) async fn step(context: &Context, job: &UpdateCrm, attempt: AttemptInfo) -> StepResult {
    let UpdateCrm { conversation, customer, note } = job;
    let account = account::of(context)?;
    // It is to stand where the chat belongs.
    if context.store.has(&Lane::links(conversation)) {
        let first = "the chat of this customer is given to a contact first";
        return Err(StepError::local(Failure::not_yet(first)));
    }
    let is_written = write(context, &account, conversation, customer, note).await.map_err(StepError::remote)?;
    if is_written { Ok(Step::remote(done())) } else { Err(StepError::remote(not_yet(attempt.enqueued_at))) }
}

fn not_yet(enqueued_at: UnixMillis) -> Failure {
    if age(enqueued_at) < MADE_WITHIN {
        return Failure::not_yet("Kommo has not made the contact or the lead of this chat yet");
    }
    hopeless(
        "Kommo has no contact or no open lead for this chat, a day after the customer wrote: it was deleted, closed, \
         or nobody has accepted it. Retry this if there is one again, else drop it.",
    )
}

/// Whether there was a place for it.
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

fn new_tags(wanted: &[String], there: &[Tag]) -> Vec<Tag> {
    let is_new = |name: &&String| !there.iter().any(|tag| tag.name.eq_ignore_ascii_case(name));
    wanted.iter().filter(is_new).map(|name| Tag { name: name.clone() }).collect()
}

#[cfg(test)]
#[path = "notes_tests.rs"]
mod tests;
