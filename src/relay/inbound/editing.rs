//! Edits of messages that Kommo has.

use tokio::time::Instant;

use crate::{
    clock,
    domain::{
        message::{Author, Inbound, Quote},
        retry::Failure,
    },
    kommo::{
        chats::CallError,
        failure,
        wire::{EditEvent, HistoryMessage},
    },
    relay::{
        context::Context,
        inbound::{quoting::nameable, sending::send_with, timestamps},
        incoming::AttemptInfo,
        step::{Step, StepError, StepResult, done},
    },
    translate::to_kommo::{self, Extras},
};

/// How many attempts at an edit may fail by Kommo's own responses, while other messages pass, until it is sent as a
/// message of its own: it must not block its conversation. Ambiguous successes count as well.
const MAX_ATTEMPTS: u32 = 3;

/// Edits a message that Kommo has. An edit that Kommo refuses is sent as a message of its own.
pub(super) async fn edit(context: &Context, inbound: &Inbound, attempt: AttemptInfo) -> StepResult {
    let event = to_kommo::edit(inbound, &context.links.made_at(clock::now()), context.spoken.now());
    if !attempt.is_first && has_succeeded(context, inbound, &event, attempt).await? {
        tracing::info!(message = %inbound.id, "an earlier attempt at this edit has succeeded");
        return Ok(Step::remote(done()));
    }
    let is_customers = inbound.author == Author::Customer;
    if is_customers && !context.chats.edits().may_try(Instant::now()) {
        tracing::debug!(message = %inbound.id, "Kommo refuses edits: sent as a message");
        return send_as_message(context, inbound, attempt).await;
    }
    let answer = context.chats.edit(&event).await;
    if is_customers {
        learn(context, inbound, answer.as_ref().err());
    }
    let is_kommos_own = matches!(answer, Err(CallError::Refused { .. }));
    let is_ambiguous = answer.as_ref().err().is_some_and(CallError::is_ambiguous);
    let answer = answer.map_err(failure::of_status);
    context.observe(answer.as_ref().err());
    match answer {
        Ok(()) => {
            let (conversation, message_id) = (&inbound.conversation, inbound.original());
            tracing::info!(%conversation, %message_id, kind = "edit", "edit accepted by Kommo");
            Ok(Step::remote(done()))
        }
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(message = %inbound.id, why = refusal.why(), "edit refused: sent as a message");
            send_as_message(context, inbound, attempt).await
        }
        Err(Failure::Transient { why, .. }) if is_kommos_own && attempt.failed_before >= MAX_ATTEMPTS => {
            tracing::info!(message = %inbound.id, why, "edit keeps failing: sent as a message");
            send_as_message(context, inbound, attempt).await
        }
        // An ambiguous success says nothing, so Kommo is asked whether it has the edit. Another failure would only park
        // it.
        Err(Failure::Transient { why, .. }) if is_ambiguous && attempt.failed_before >= MAX_ATTEMPTS => {
            if has_succeeded(context, inbound, &event, attempt).await? {
                return Ok(Step::remote(done()));
            }
            tracing::info!(message = %inbound.id, why, "no response confirms the edit: sent as a message");
            send_as_message(context, inbound, attempt).await
        }
        Err(later) => Err(StepError::remote(later)),
    }
}

/// The same as [`has_arrived`]; false if that stays unknown: an edit must not be sent twice, but it must not block all
/// other messages either.
async fn has_succeeded(
    context: &Context,
    inbound: &Inbound,
    event: &EditEvent,
    attempt: AttemptInfo,
) -> Result<bool, StepError> {
    match has_arrived(context, inbound, event).await {
        Err(StepError::Failed { failure: unknown, .. }) if unknown.is_final() || attempt.is_last => {
            tracing::debug!(message = %inbound.id, ?unknown, "the outcome of an edit is unknown");
            Ok(false)
        }
        outcome => outcome,
    }
}

/// Records whether Kommo accepts edits of customers' messages. An unknown message says nothing about that.
fn learn(context: &Context, inbound: &Inbound, error: Option<&CallError>) {
    let edits = context.chats.edits();
    match error {
        None => edits.taken(),
        Some(error) if error.is_bad_request() => {
            if edits.refused(inbound.original(), Instant::now()) {
                tracing::info!(why = %error, "Kommo refuses edits of customers' messages: sending them as messages for \
                    a day");
            }
        }
        Some(_) => {}
    }
}

/// Whether an attempt whose response was lost has succeeded: the message has the new text, or the message that replaces
/// the edit exists. That one may also be in the chat that a manager has started.
async fn has_arrived(context: &Context, inbound: &Inbound, event: &EditEvent) -> Result<bool, StepError> {
    let (original, replacement) = (inbound.original().to_string(), inbound.id.to_string());
    let wording = &event.payload.message;
    // Kommo's own address of a file does not show whether it is the new one.
    let words = wording.text.as_ref().filter(|_| wording.media.is_none());
    // If edits are refused, a message keeps its first text, which this edit may restore.
    let may_be_edited = inbound.author != Author::Customer || context.chats.edits().may_try(Instant::now());
    let is_it = |message: &HistoryMessage| {
        let id = message.client_id.as_deref();
        let is_edited = may_be_edited && id == Some(&original) && words.is_some() && message.text.as_ref() == words;
        is_edited || id == Some(&replacement)
    };
    if let Some(opened) = context.store.opening(&inbound.conversation)?.map(|opening| opening.chat) {
        match context.chats.has(&opened.chat.0, is_it).await.map_err(Failure::from) {
            Ok(true) => return Ok(true),
            Err(later) if later.may_pass() => return Err(StepError::remote(later)),
            // It is not documented whether the history of such a chat can be read.
            Ok(false) | Err(_) => {}
        }
    }
    let Some(known) = context.store.chat(&inbound.conversation)? else { return Ok(false) };
    context.chats.has(&known.chat.0, is_it).await.map_err(|error| StepError::remote(error.into()))
}

/// Sends an edit as a message that quotes the original. If Kommo refuses the quote, the text must arrive all the same.
async fn send_as_message(context: &Context, inbound: &Inbound, attempt: AttemptInfo) -> StepResult {
    let mut inbound = inbound.clone();
    let last_sent = timestamps::assign_unnumbered(context, &mut inbound).await?;
    Ok(quoting(context, &inbound, attempt).await?.with_changes(Vec::from_iter(last_sent)))
}

async fn quoting(context: &Context, inbound: &Inbound, attempt: AttemptInfo) -> StepResult {
    let original = inbound.original();
    let known = nameable(context, &inbound.conversation, &original)?;
    let old = Quote { ours: Some(original), kommo: known, ..Quote::default() };
    // Without it, the message quotes what the original quotes.
    let extras = Extras::of(inbound);
    send_with(context, &Inbound { quote: Some(old), ..inbound.clone() }, extras, attempt).await
}
