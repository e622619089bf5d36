//! Where a message stands among those of its conversation.

use crate::{
    domain::{message::Inbound, order::Latest},
    relay::courier::Courier,
    store::{Fact, StoreError},
};

/// Dates a message behind what Kommo has of its conversation already, and gives what is kept of that once Kommo has it too.
/// Until then a repetition finds what this attempt has found, also after a restart. An edit stands where its message does.
pub(super) fn stand(courier: &Courier, inbound: &mut Inbound) -> Result<Option<Fact>, StoreError> {
    if inbound.edited {
        return Ok(None);
    }
    let this = Latest { ours: inbound.id, sent_at: inbound.sent_at };
    let latest = courier.store.latest(&inbound.conversation)?;
    let Some(latest) = latest.map_or(Some(this), |it| it.followed_by(this.ours, this.sent_at)) else {
        return Ok(None);
    };
    inbound.sent_at = latest.sent_at;
    Ok(Some(Fact::Latest { conversation: inbound.conversation.clone(), latest }))
}
