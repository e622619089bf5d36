//! Where a message stands among those of its conversation.

use crate::{
    domain::{
        message::Inbound,
        order::{self, Latest},
        time::UnixMillis,
        work::Work,
    },
    relay::{courier::Courier, reconcile::unlinked},
    store::{Fact, StoreError},
};

/// Dates a message behind what Kommo has of its conversation already, and behind what the customer had got from there; gives
/// what is kept of that once Kommo has it too. A repetition may find that more has arrived, and date the message later; if Kommo
/// has it from the first attempt, it keeps that date. An edit stands where its message does, unless
/// it is told as a message of its own.
pub(super) fn stand(courier: &Courier, inbound: &mut Inbound) -> Result<Option<Fact>, StoreError> {
    if inbound.edited {
        return Ok(None);
    }
    inbound.sent_at = behind_arrived(courier, inbound)?;
    if inbound.id.update.is_some() {
        // It has no number, and its date may be that at which this machine took it: nothing stands behind it.
        return Ok(None);
    }
    let this = Latest::new(inbound.id, inbound.sent_at);
    let latest = courier.store.latest(&inbound.conversation)?;
    let followed = latest.map_or(Some(this), |it| it.followed_by(this.ours, this.sent_at));
    if let Some(followed) = followed {
        inbound.sent_at = followed.sent_at;
    }
    // What comes late leaves the latest as it is, but may end without a link.
    let latest = followed.or(latest);
    Ok(latest.map(|latest| Fact::Latest { conversation: inbound.conversation.clone(), latest }))
}

/// The same for what has no number of its own: the press of a button, which has that of the message below which it is and which
/// Telegram does not date, and an edit that is told as a message, which has that of the message that it is the wording of. What
/// follows stands behind it, so its date is kept once Kommo has it.
pub(super) fn stand_unnumbered(courier: &Courier, inbound: &mut Inbound) -> Result<Option<Fact>, StoreError> {
    let sent_at = behind_arrived(courier, inbound)?;
    let latest = courier.store.latest(&inbound.conversation)?;
    inbound.sent_at = latest.map_or(sent_at, |latest| latest.put_behind(sent_at));
    let followed = latest.map(|latest| latest.with_unnumbered(inbound.sent_at, inbound.edited));
    let moved = followed.filter(|followed| latest != Some(*followed));
    Ok(moved.map(|latest| Fact::Latest { conversation: inbound.conversation.clone(), latest }))
}

/// What is noted of a message that is passed over now, although an earlier attempt may have told Kommo of it.
pub(super) fn passed(courier: &Courier, work: &Work) -> Result<Option<Fact>, StoreError> {
    let Some((conversation, ours)) = unlinked::message(&courier.store, work)? else { return Ok(None) };
    let is_linked = courier.store.kommo_message(&ours)?.is_some();
    Ok((!is_linked).then_some(Fact::Unlinked { conversation, ours }))
}

fn behind_arrived(courier: &Courier, inbound: &Inbound) -> Result<UnixMillis, StoreError> {
    let arrived = courier.store.arrived(&inbound.conversation)?;
    Ok(order::behind_arrived(&inbound.id, inbound.sent_at, &arrived))
}
