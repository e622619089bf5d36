//! Encodes an answer as calls, with its recipient and its quote from the store.

use crate::{
    domain::{
        address::SourceId,
        job::Call,
        message::{Outbound, Quote, Recipient},
        retry::Failure,
    },
    relay::{context::Context, outbound::manager_initiated, reactions, step::StepError},
    store::StoreError,
    translate::{buttons, to_telegram},
};

/// The calls of an answer.
pub(super) fn encode(context: &Context, mut outbound: Outbound) -> Result<Vec<Call>, StepError> {
    let as_text = buttons::fit(&outbound.keyboard).as_text.len();
    if as_text > 0 {
        tracing::warn!(message = %outbound.id, buttons = as_text, "buttons are too many or have no valid address: sent \
            as text");
    }
    let opening = manager_initiated::resolve(context, &mut outbound)?;
    let is_ours = |source: &str| SourceId::parse(source).is_ok_and(|source| context.bots.contains_key(&source));
    let is_news = |named: &&str| is_ours(named) && context.logs_first(&format!("fallen back to {named}"));
    if let Some(named) = other_source(&outbound).filter(is_news) {
        tracing::warn!(
            message = %outbound.id, named,
            "Kommo names another source than the conversation's: it may not know that one (telekommo sources list)"
        );
    }
    outbound.quote = outbound.quote.map(|quote| resolve_quote(context, &outbound.to, quote)).transpose()?;
    let calls = to_telegram::encode(&outbound, is_ours, context.spoken.now());
    let calls = calls.map_err(|refusal| StepError::local(Failure::Permanent(refusal)))?;
    Ok(manager_initiated::beginning(opening.as_ref(), calls))
}

/// The source that Kommo names, if it is not that of the conversation. The answer is sent by the conversation's source:
/// Kommo silently falls back to another one if it does not know it.
fn other_source(outbound: &Outbound) -> Option<&str> {
    let Recipient::Known(to) = &outbound.to else { return None };
    outbound.source.as_deref().filter(|named| *named != to.source.as_str())
}

/// The quote with its message of this bot and chat, if there is one.
fn resolve_quote(context: &Context, to: &Recipient, quote: Quote) -> Result<Quote, StoreError> {
    let Recipient::Known(to) = to else { return Ok(Quote { ours: None, ..quote }) };
    let ours = reactions::message(context, to, quote.ours, quote.kommo.as_ref())?;
    Ok(Quote { ours, ..quote })
}
