//! Which earlier messages a message may name.

use crate::{
    domain::address::{Conversation, KommoMessageId, MessageId},
    relay::context::Context,
    store::StoreError,
};

/// Kommo's id of a message that a later one in its conversation may name. Only a message that Kommo has accepted may be
/// named, and only in the same chat: how Kommo treats other ids is not documented. While a manager's new chat waits for
/// the customer, their message goes there, and all earlier messages are in another chat.
pub(super) fn nameable(
    context: &Context,
    conversation: &Conversation,
    ours: &MessageId,
) -> Result<Option<KommoMessageId>, StoreError> {
    let is_elsewhere = context.store.opening(conversation)?.is_some();
    if is_elsewhere { Ok(None) } else { context.store.kommo_message(ours) }
}
