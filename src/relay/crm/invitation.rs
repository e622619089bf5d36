//! Invitations: links to a bot that name the contact of the chat.

use std::time::Duration;

use crate::{
    clock,
    domain::crm::StartContext,
    invite::{BadInvitation, Invitation},
    relay::{context::Context, incoming::Incoming},
    store::StoreError,
};

/// How much longer than the link itself its use is stored: Telegram keeps updates for so long.
const REMEMBERED_AFTER: Duration = Duration::from_hours(24);

/// The invitation in a `/start`, if it is valid and this is its first use.
pub(super) async fn redeemed(
    context: &Context,
    start_context: &StartContext,
    incoming: Incoming<'_>,
) -> Result<Option<Invitation>, StoreError> {
    let conversation = &start_context.conversation;
    let Some(opened) = opened(context, start_context, incoming) else { return Ok(None) };
    let invitation = match opened {
        Ok(invitation) => invitation,
        Err(why) => {
            tracing::warn!(%conversation, %why, "not linked to a contact");
            return Ok(None);
        }
    };
    if context.crm.account.is_none() {
        tracing::warn!(%conversation, "not linked to a contact: that needs kommo.account_url and kommo.access_token");
        return Ok(None);
    }
    let until = invitation.expires_at().plus(REMEMBERED_AFTER);
    if context.store.redeem(&invitation.name(), user(start_context, incoming), until, clock::now()).await? {
        return Ok(Some(invitation));
    }
    tracing::warn!(%conversation, "not linked to a contact: the link was used before, or long ago; make a new one");
    Ok(None)
}

/// The payload of a `/start`, if it has the form of an invitation. Its validity depends on when the customer opened it.
fn opened(
    context: &Context,
    start_context: &StartContext,
    incoming: Incoming<'_>,
) -> Option<Result<Invitation, BadInvitation>> {
    let opened_at = start_context.written_at.unwrap_or(incoming.attempt.enqueued_at);
    context.crm.invites.open(start_context.start.as_deref()?, incoming.source, opened_at)
}

/// The user of an invitation. The same update may come again after a failure; any other update is another use.
fn user(start_context: &StartContext, incoming: Incoming<'_>) -> String {
    format!("{} {}:{}", start_context.conversation, incoming.bot, start_context.update)
}

/// Whether the customer uses a valid invitation, so that their contact is known.
pub(in crate::relay) fn is_invited(
    context: &Context,
    start_context: &StartContext,
    incoming: Incoming<'_>,
) -> Result<bool, StoreError> {
    let Some(Ok(invitation)) = opened(context, start_context, incoming) else { return Ok(false) };
    let used_by = context.store.used_by(&invitation.name())?;
    let is_unused = used_by.is_none_or(|used_by| used_by == user(start_context, incoming));
    Ok(is_unused && context.crm.account.is_some())
}
