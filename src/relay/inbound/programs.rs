//! Decides which messages of the owner's own programs are sent to Kommo.

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

/// Whether a program's message is sent to Kommo. In a conversation that Kommo does not have, it would create a lead for
/// somebody whom no manager knows.
pub(super) fn may_speak(context: &Context, program: &Speaker, inbound: &Inbound) -> Result<bool, StoreError> {
    let conversation = &inbound.conversation;
    let may = has_chat(context, conversation)?
        || match program.leads {
            Leads::Never => false,
            Leads::Known => is_known(context, inbound)?,
            Leads::Always => true,
        };
    if !may {
        tracing::info!(
            %conversation,
            message_id = %inbound.id,
            "a program's message is not shown in Kommo, which does not have this conversation"
        );
    }
    Ok(may)
}

fn has_chat(context: &Context, conversation: &Conversation) -> Result<bool, StoreError> {
    let store = &context.store;
    Ok(store.chat(conversation)?.is_some() || store.opening(conversation)?.is_some())
}

/// Whether Kommo knows the customer: they write to another bot, or have shared their number.
fn is_known(context: &Context, inbound: &Inbound) -> Result<bool, StoreError> {
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
