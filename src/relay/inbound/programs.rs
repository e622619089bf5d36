//! What the owner's own programs send: where Kommo is shown it.

use crate::{
    domain::{
        address::{ContactId, Conversation},
        message::Inbound,
        program::Leads,
        speaker::Speaker,
    },
    relay::context::Context,
    store::StoreError,
};

/// Whether Kommo is shown what a program has sent. In a conversation that Kommo does not know, a message would make a
/// lead of somebody whom no manager has met.
pub(super) fn may_speak(context: &Context, program: &Speaker, inbound: &Inbound) -> Result<bool, StoreError> {
    let conversation = &inbound.conversation;
    let may = has_chat(context, conversation)?
        || match program.leads {
            Leads::Never => false,
            Leads::Known => is_met(context, inbound)?,
            Leads::Always => true,
        };
    if !may {
        tracing::info!(
            %conversation,
            message_id = %inbound.id,
            "what a program has sent is not shown in Kommo, which does not know this conversation"
        );
    }
    Ok(may)
}

fn has_chat(context: &Context, conversation: &Conversation) -> Result<bool, StoreError> {
    let store = &context.store;
    Ok(store.chat(conversation)?.is_some() || store.opening(conversation)?.is_some())
}

/// Whether Kommo knows the customer otherwise: they write to another bot, or have shared their number.
fn is_met(context: &Context, inbound: &Inbound) -> Result<bool, StoreError> {
    let ContactId::Person(customer) = inbound.customer.id else { return Ok(false) };
    if context.store.number_of(customer)?.is_some() {
        return Ok(true);
    }
    for source in context.bots.keys() {
        if has_chat(context, &Conversation::new(source.clone(), inbound.conversation.chat))? {
            return Ok(true);
        }
    }
    Ok(false)
}
