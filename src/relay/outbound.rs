//! An answer from Kommo, to Telegram.

use crate::{
    domain::{
        address::{Conversation, SourceId},
        delivery::{Delivery, ErrorCode, Refusal},
        message::{Quote, Recipient},
        retry::Failure,
        time::UnixMillis,
        work::{Call, Lane, Work},
    },
    relay::{
        courier::{Courier, Step, done},
        reach::{self, Way},
        reactions,
        verdict::report,
    },
    store::{Ending, Fact, NewJob, StoreError},
    telegram::bot::Bot,
    translate::{
        buttons,
        from_kommo::{self, Arrival},
        to_telegram,
    },
};

/// Turns a hook into its calls. They take its place in the lane, so that a retry of one repeats no other.
pub(super) fn unfold(courier: &Courier, raw: &str) -> Result<Result<Ending, Failure>, StoreError> {
    let Ok(Arrival::Message(mut outbound)) = from_kommo::decode(raw) else {
        // Only messages are stored; whatever else this is, it has nothing to send.
        return Ok(Ok(done()));
    };
    let told = buttons::fit(&outbound.keyboard).told.len();
    if told > 0 {
        tracing::warn!(message = %outbound.id, buttons = told, "buttons that lead nowhere or are too many: sent as text");
    }
    outbound.quote = outbound.quote.map(|quote| known(courier, &outbound.to, quote)).transpose()?;
    let is_ours = |source: &str| SourceId::parse(source).is_ok_and(|source| courier.bots.contains_key(&source));
    let calls = to_telegram::encode(&outbound, is_ours).map_err(Failure::Permanent);
    Ok(calls.map(|calls| Ending::Become(calls.into_iter().map(Work::Call).collect())))
}

/// The quote with the message of this bot and chat that it means, if there is one.
fn known(courier: &Courier, to: &Recipient, quote: Quote) -> Result<Quote, StoreError> {
    let Recipient::Known(to) = to else { return Ok(Quote { ours: None, ..quote }) };
    let ours = reactions::message(courier, to, quote.ours, quote.kommo.as_ref())?;
    Ok(Quote { ours, ..quote })
}

/// Makes one call. The last one of an answer brings its delivery status with it.
pub(super) async fn step(
    courier: &Courier,
    call: &Call,
    lane: &Lane,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let Some(bot) = courier.bots.get(&call.to.source) else { return Ok(Step::without_call(Err(no_bot()))) };
    let in_vain = || -> Result<bool, StoreError> {
        Ok(courier.store.presence(&call.to)?.is_some_and(|it| it.is_in_vain(enqueued_at)))
    };
    if in_vain()? {
        return Ok(Step::without_call(Err(shut_out(call))));
    }
    let (way, learnt) = match reach::way(courier, bot, &call.to).await? {
        Ok(found) => found,
        Err(failure) => return Ok(Step::without_call(Err(failure))),
    };
    let unread = if courier.mark_read && way.can_read { courier.store.newest(&call.to)? } else { None };
    let outcome = send(bot, &way, call, lane).await.map(|sent| with_reading(sent, call, unread));
    // It may have been shut out while this was tried: then there is nothing to wait for.
    if matches!(outcome, Err(Failure::Transient { .. })) && in_vain()? {
        return Ok(Step::called(Err(shut_out(call))));
    }
    Ok(Step::called(outcome).with_facts(learnt))
}

async fn send(bot: &Bot, way: &Way, call: &Call, lane: &Lane) -> Result<Ending, Failure> {
    let sent = bot.send(call, &way.target).await?;
    tracing::debug!(conversation = %call.to, message = %call.message, part = call.part, "sent to Telegram");
    let moved = sent.map(|ours| ours.chat.id).filter(|id| *id != way.target.chat_id);
    let link = sent.map(|ours| Fact::Link { ours, kommo: call.message.clone() });
    let facts = link.into_iter().chain(moved.map(|to| Fact::Move { from: call.to.clone(), to })).collect();
    let is_last = call.part == call.parts;
    let delivered = is_last.then(|| report(lane, call.message.clone(), Delivery::Delivered));
    Ok(Ending::Done { then: delivered.into_iter().collect(), facts })
}

/// What follows from the last part of an answer, with the customer's newest message marked as read.
fn with_reading(mut ending: Ending, call: &Call, unread: Option<i64>) -> Ending {
    let read = unread.filter(|_| call.part == call.parts).map(|message| NewJob {
        id: None,
        lane: Lane::seen(&call.to),
        work: Work::Seen { conversation: call.to.clone(), message },
    });
    if let Ending::Done { then, .. } = &mut ending {
        then.extend(read);
    }
    ending
}

/// Marks a customer's message as read. Whether that works is of no consequence.
pub(super) async fn mark_read(
    courier: &Courier,
    conversation: &Conversation,
    message: i64,
) -> Result<Step, StoreError> {
    if let (Some(bot), Some(target)) = (courier.bots.get(&conversation.source), reach::target(courier, conversation)?)
        && let Err(failure) = bot.mark_read(target, message).await
    {
        tracing::debug!(%conversation, ?failure, "not marked as read");
    }
    Ok(Step::without_call(Ok(done())))
}

/// The customer has not read it, and will not: no wait would help.
fn shut_out(call: &Call) -> Failure {
    let sentence = if call.to.chat.id < 0 {
        "Not delivered: the bot was removed from the group."
    } else {
        "Not delivered: the customer has blocked the bot. Messages arrive again once they unblock it."
    };
    Failure::Permanent(Refusal::new(ErrorCode::ConversationDeleted, sentence))
}

fn no_bot() -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::IntegrationOff, "Not sent: this source has no bot any more."))
}
