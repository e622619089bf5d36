//! What a message may name of what was said before it.

use crate::{
    domain::address::{Conversation, KommoMessageId, MessageId},
    relay::context::Context,
    store::StoreError,
};

/// What Kommo calls a message that what follows in its conversation may name. Only what Kommo has accepted may be
/// named, and in the same chat: what it does to other ids is not documented. While a manager's new chat waits for the
/// customer's words, they go there, and all that was said before is elsewhere.
pub(super) fn nameable(
    context: &Context,
    conversation: &Conversation,
    ours: &MessageId,
) -> Result<Option<KommoMessageId>, StoreError> {
    let is_elsewhere = context.store.opening(conversation)?.is_some();
    if is_elsewhere { Ok(None) } else { context.store.kommo_message(ours) }
}
