//! The dates of messages in Kommo, by which it sorts a conversation.

use crate::{
    domain::{
        message::Inbound,
        time::UnixMillis,
        timestamps::{self, LastSent},
    },
    relay::{context::Context, incoming::Incoming, reconcile::unlinked},
    store::{StateChange, StoreError},
};

/// Moves a message's date after all earlier messages of its conversation, in both directions. Returns the change to
/// store once Kommo has accepted the message. A repetition may date the message later, after messages that have arrived
/// meanwhile; if Kommo has it from the first attempt, it keeps that date. An edit keeps the date of its message, unless
/// it is sent as a message of its own.
pub(super) async fn assign(
    context: &Context,
    inbound: &mut Inbound,
    is_by_program: bool,
) -> Result<Option<StateChange>, StoreError> {
    if inbound.edited {
        return Ok(None);
    }
    let original = inbound.sent_at;
    inbound.sent_at = behind_arrived(context, inbound)?;
    if inbound.id.update.is_some() {
        // It has no number, and its date may be the time when this machine received it: nothing is dated after it.
        until_durable(context, original, inbound).await?;
        return Ok(None);
    }
    let this = LastSent::new(inbound.id, inbound.sent_at);
    let last_sent = context.store.last_sent(&inbound.conversation)?;
    if let Some(last_sent) = last_sent.filter(|_| is_by_program) {
        let (last_sent, sent_at) = last_sent.with_ahead(this.ours, this.sent_at);
        inbound.sent_at = sent_at;
        until_durable(context, original, inbound).await?;
        return Ok(Some(StateChange::LastSent { conversation: inbound.conversation.clone(), last_sent }));
    }
    let followed = last_sent.map_or(Some(this), |it| it.followed_by(this.ours, this.sent_at));
    if let Some(followed) = followed {
        inbound.sent_at = followed.sent_at;
    }
    until_durable(context, original, inbound).await?;
    // A late message does not become the latest one, but may end without a link.
    let last_sent = followed.or(last_sent);
    Ok(last_sent.map(|last_sent| StateChange::LastSent { conversation: inbound.conversation.clone(), last_sent }))
}

/// The same for a message without a number of its own: the press of a button, which Telegram does not date and which
/// has the number of the message above the button, and an edit that is sent as a message, which has the number of the
/// original. Later messages are dated after it, so its date is stored once Kommo has accepted it.
pub(super) async fn assign_unnumbered(
    context: &Context,
    inbound: &mut Inbound,
) -> Result<Option<StateChange>, StoreError> {
    let original = inbound.sent_at;
    let sent_at = behind_arrived(context, inbound)?;
    let last_sent = context.store.last_sent(&inbound.conversation)?;
    inbound.sent_at = last_sent.map_or(sent_at, |last_sent| last_sent.put_behind(sent_at));
    until_durable(context, original, inbound).await?;
    let followed = last_sent.map(|last_sent| last_sent.with_unnumbered(inbound.sent_at, inbound.edited));
    let moved = followed.filter(|followed| last_sent != Some(*followed));
    Ok(moved.map(|last_sent| StateChange::LastSent { conversation: inbound.conversation.clone(), last_sent }))
}

/// Waits until the store is durable, if the date was moved. Kommo keeps the first date that it gets. This one depends
/// on rows that another lane may have written a moment ago: if a power cut lost them after Kommo has the date, the
/// repetition and all later messages would be dated before it.
async fn until_durable(context: &Context, original: UnixMillis, inbound: &Inbound) -> Result<(), StoreError> {
    if inbound.sent_at == original { Ok(()) } else { context.store.until_durable().await }
}

/// The change for a message that is skipped now, although an earlier attempt may have sent it to Kommo.
pub(super) fn passed(context: &Context, incoming: Incoming<'_>) -> Result<Option<StateChange>, StoreError> {
    let Incoming { source, bot, update, .. } = incoming;
    let Some((conversation, ours)) = unlinked::brought(&context.store, (source, bot), update)? else { return Ok(None) };
    let is_linked = context.store.kommo_message(&ours)?.is_some();
    Ok((!is_linked).then_some(StateChange::Unlinked { conversation, ours }))
}

fn behind_arrived(context: &Context, inbound: &Inbound) -> Result<UnixMillis, StoreError> {
    let arrived = context.store.arrived(&inbound.conversation)?;
    Ok(timestamps::behind_arrived(&inbound.id, inbound.sent_at, &arrived))
}
