//! The calls of an answer, with what the store knows of where it goes and what it quotes.

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
    let told = buttons::fit(&outbound.keyboard).as_text.len();
    if told > 0 {
        tracing::warn!(message = %outbound.id, buttons = told, "buttons are too many or have no valid address: sent as \
            text");
    }
    let opening = manager_initiated::resolve(context, &mut outbound)?;
    let is_ours = |source: &str| SourceId::parse(source).is_ok_and(|source| context.bots.contains_key(&source));
    let is_news = |named: &&str| is_ours(named) && context.logs_first(&format!("fallen back to {named}"));
    if let Some(named) = fallen_back(&outbound).filter(is_news) {
        tracing::warn!(
            message = %outbound.id, named,
            "Kommo names another source than the conversation's: it may not know that one (telekommo sources list)"
        );
    }
    outbound.quote = outbound.quote.map(|quote| known(context, &outbound.to, quote)).transpose()?;
    let calls = to_telegram::encode(&outbound, is_ours, context.spoken.now());
    let calls = calls.map_err(|refusal| StepError::local(Failure::Permanent(refusal)))?;
    Ok(manager_initiated::beginning(opening.as_ref(), calls))
}

/// The source that Kommo names where it is not that of the conversation. The answer goes by the conversation: Kommo
/// falls back to another source, without a word, if it does not know the one that it was told.
fn fallen_back(outbound: &Outbound) -> Option<&str> {
    let Recipient::Known(to) = &outbound.to else { return None };
    outbound.source.as_deref().filter(|named| *named != to.source.as_str())
}

/// The quote with the message of this bot and chat that it means, if there is one.
fn known(context: &Context, to: &Recipient, quote: Quote) -> Result<Quote, StoreError> {
    let Recipient::Known(to) = to else { return Ok(Quote { ours: None, ..quote }) };
    let ours = reactions::message(context, to, quote.ours, quote.kommo.as_ref())?;
    Ok(Quote { ours, ..quote })
}
