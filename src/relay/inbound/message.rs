//! Relays a customer's messages, presses of buttons and reactions to Kommo.

use crate::{
    domain::{
        address::ContactId,
        message::{ButtonPress, Inbound, Reaction},
        retry::Failure,
    },
    kommo::failure,
    relay::{
        callback_ack,
        context::Context,
        destination,
        effects::Effects,
        inbound::{
            chats, editing, programs, questions,
            quoting::nameable,
            sending::{send, send_with},
            timestamps,
        },
        incoming::{AttemptInfo, Incoming},
        step::{Step, StepError, StepResult, done},
    },
    store::StoreError,
    translate::to_kommo::{self, Extras},
};

/// Relays a message. The order matters: a message gets its conversation before anything is looked up by it, and its
/// date last, since only then all earlier messages are known.
pub(super) async fn relay(
    context: &Context,
    mut inbound: Inbound,
    incoming: Incoming<'_>,
    effects: &mut Effects,
) -> StepResult {
    let attempt = incoming.attempt;
    chats::canonical(context, &mut inbound.conversation, &mut inbound.customer.id)?;
    inbound.customer.phone = phone(context, inbound.customer.id)?;
    inbound.content = context.crm.without_campaign(inbound.content);
    if !context.may_speak(&mut inbound.author) || (!inbound.edited && is_known(context, &inbound)?) {
        return Ok(Step::done());
    }
    if let Some(program) = incoming.program
        && !programs::may_speak(context, program, &inbound)?
    {
        return Ok(Step::done());
    }
    effects.changes.extend(chats::news(context, &inbound, attempt.enqueued_at)?);
    effects.changes.extend(timestamps::assign(context, &mut inbound, incoming.program.is_some()).await?);
    effects.changes.extend(questions::news(context, &inbound)?);
    effects.jobs.extend(questions::due(&inbound));
    deliver(context, inbound, attempt).await
}

/// The customer's own phone number, if they have shared it with any of the bots.
fn phone(context: &Context, customer: ContactId) -> Result<Option<String>, StoreError> {
    match customer {
        ContactId::Person(customer) => Ok(context.store.number_of(customer)?.map(|number| number.phone)),
        ContactId::Group(_) => Ok(None),
    }
}

/// Whether Kommo has a message already, such as our own answer in a channel.
fn is_known(context: &Context, inbound: &Inbound) -> Result<bool, StoreError> {
    Ok(context.store.kommo_message(&inbound.id)?.is_some())
}

/// Sends it as an edit, or as a message with its quote.
async fn deliver(context: &Context, mut inbound: Inbound, attempt: AttemptInfo) -> StepResult {
    if let Some(quote) = &mut inbound.quote {
        let named = quote.ours.map(|ours| nameable(context, &inbound.conversation, &ours));
        quote.kommo = named.transpose()?.flatten();
    }
    if inbound.edited && context.store.kommo_message(&inbound.original())?.is_some() {
        return editing::edit(context, &inbound, attempt).await;
    }
    let last_sent = if inbound.edited { timestamps::assign_unnumbered(context, &mut inbound).await? } else { None };
    Ok(send(context, &inbound, attempt).await?.with_changes(Vec::from_iter(last_sent)))
}

/// Relays a reaction. One that Kommo refuses is not worth a person's time.
pub(super) async fn react(context: &Context, mut reaction: Reaction) -> StepResult {
    chats::canonical(context, &mut reaction.conversation, &mut reaction.customer)?;
    if !context.may_speak(&mut reaction.author) {
        return Ok(Step::done());
    }
    let Some(id) = context.store.kommo_message(&reaction.message)? else {
        tracing::debug!(message = %reaction.message, "a reaction to a message that Kommo does not have");
        return Ok(Step::done());
    };
    let answer = context.chats.react(&to_kommo::react(&reaction, id)).await.map_err(failure::of_status);
    context.observe(answer.as_ref().err());
    match answer {
        Ok(()) => {
            let (conversation, message_id) = (&reaction.conversation, reaction.message);
            tracing::info!(%conversation, %message_id, kind = "reaction", "reaction accepted by Kommo");
        }
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(message = %reaction.message, why = refusal.why(), "Kommo refused this reaction");
        }
        Err(later) => return Err(StepError::remote(later).best_effort()),
    }
    Ok(Step::remote(done()))
}

/// Relays a press. It is acknowledged in Telegram and sent to Kommo concurrently, and only the message decides the
/// outcome.
pub(super) async fn press(
    context: &Context,
    mut press: ButtonPress,
    incoming: Incoming<'_>,
    effects: &mut Effects,
) -> StepResult {
    let here = destination::target(context, &press.inbound.conversation)?;
    chats::canonical(context, &mut press.inbound.conversation, &mut press.inbound.customer.id)?;
    press.inbound.customer.phone = phone(context, press.inbound.customer.id)?;
    let last_sent = timestamps::assign_unnumbered(context, &mut press.inbound).await?;
    effects.changes.extend(chats::topic(context, &press.inbound)?);
    let stays = context.keep_buttons || callback_ack::is_anothers(context, incoming.source, &press);
    let press = if stays { press } else { press.once() };
    if context.store.kommo_message(&press.inbound.id)?.is_some() {
        callback_ack::acknowledge(context, incoming.source, &press, here.clone()).await;
        tracing::debug!(message = %press.inbound.id, "pressed again");
        return Ok(Step::done());
    }
    let extras = Extras { choice: press.choice.clone(), ..Extras::of(&press.inbound) };
    let send = send_with(context, &press.inbound, extras, incoming.attempt);
    let ((), sent) = tokio::join!(callback_ack::acknowledge(context, incoming.source, &press, here.clone()), send);
    Ok(sent?.with_changes(Vec::from_iter(last_sent)))
}
