//! Introduces a customer who writes to the account, as a stage of relaying their message.

use std::time::Duration;

use crate::{
    domain::{
        address::Conversation,
        crm::{LinkTarget, StartContext},
        job::{Lane, Link},
        retry::Failure,
    },
    kommo::account::Account,
    rate_limit::within,
    relay::{
        context::Context,
        crm::{
            invitation,
            link::{self, LinkOutcome, TakenFrom},
            profile,
        },
        effects::Effects,
        incoming::Incoming,
    },
    store::{Chat, NewJob, StateChange, StoreError},
};

/// How long a first message waits for linking its chat to a contact.
const LINK_TIMEOUT: Duration = Duration::from_secs(3);

/// Links the chat of a customer who has written to their contact, and creates jobs for updates of the contact, and for
/// the link if it does not succeed in time.
pub(in crate::relay) async fn introduce(
    context: &Context,
    start_context: &StartContext,
    incoming: Incoming<'_>,
    effects: &mut Effects,
) -> Result<(), StoreError> {
    let conversation = &start_context.conversation;
    if let (Some(account), Some(whose)) = (&context.crm.account, whose(context, start_context, incoming).await?) {
        let linked = if context.store.chat(conversation)?.is_some() {
            // It may be assigned later.
            LinkOutcome::NotYet
        } else {
            let from = TakenFrom::message(incoming.attempt.enqueued_at, incoming.attempt.is_first);
            link_in_time(context, account, start_context, &whose, from).await
        };
        match linked {
            LinkOutcome::Chat(chat) => {
                let chat = Chat { chat, user: None };
                effects.changes.push(StateChange::Chat { conversation: conversation.clone(), chat });
            }
            LinkOutcome::ToNobody => {}
            LinkOutcome::NotYet => {
                let customer = start_context.customer.clone();
                let job = Link { conversation: conversation.clone(), customer, whose }.into();
                effects.jobs.push(NewJob { id: None, lane: Lane::links(conversation), job });
            }
        }
    }
    if context.crm.account.is_some() {
        profile::record(context, start_context, effects)?;
    }
    Ok(())
}

async fn link_in_time(
    context: &Context,
    account: &Account,
    start_context: &StartContext,
    whose: &LinkTarget,
    from: TakenFrom,
) -> LinkOutcome {
    let conversation = &start_context.conversation;
    let link_chat = link::link_chat(context, account, (conversation, &start_context.customer), whose, from);
    // Waits for our own rate limit do not count: a customer who writes at the same time as many others has a contact
    // too.
    let linked = within(LINK_TIMEOUT, link_chat).await.unwrap_or_else(|late| Err(Failure::transient(late.to_string())));
    linked.unwrap_or_else(|failure| {
        tracing::warn!(%conversation, failure = %failure.why(), "the message goes first; linking its chat to the \
            contact is postponed");
        LinkOutcome::NotYet
    })
}

/// The contact to link, if it is known: from an invitation; else, in a new conversation, from the person's chat with
/// another bot, or from their phone number.
async fn whose(
    context: &Context,
    start_context: &StartContext,
    incoming: Incoming<'_>,
) -> Result<Option<LinkTarget>, StoreError> {
    if let Some(invitation) = invitation::redeemed(context, start_context, incoming).await? {
        return Ok(Some(LinkTarget::Contact(invitation.contact)));
    }
    let conversation = &start_context.conversation;
    if context.store.chat(conversation)?.is_some() {
        return Ok(None);
    }
    for other in context.bots.keys().filter(|other| **other != conversation.source) {
        if let Some(twin) = context.store.chat(&Conversation::new(other.clone(), conversation.chat))? {
            return Ok(Some(match start_context.phone.clone() {
                Some(phone) => LinkTarget::SameContactAsOrPhone(twin.chat, phone),
                None => LinkTarget::SameContactAs(twin.chat),
            }));
        }
    }
    Ok(start_context.phone.clone().map(LinkTarget::Phone))
}
