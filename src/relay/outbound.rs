//! An answer from Kommo, to Telegram.

use crate::{
    domain::{
        address::SourceId,
        delivery::{Delivery, ErrorCode, Refusal},
        message::{Quote, Recipient},
        retry::Failure,
        work::{Call, Lane, Work},
    },
    relay::{
        courier::{Courier, Step, done},
        reactions,
        verdict::report,
    },
    store::{Ending, Fact, StoreError},
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
pub(super) async fn step(courier: &Courier, call: &Call, lane: &Lane) -> Step {
    match courier.bots.get(&call.to.source) {
        Some(bot) => Step::called(send(bot, call, lane).await),
        None => Step::without_call(Err(no_bot())),
    }
}

async fn send(bot: &Bot, call: &Call, lane: &Lane) -> Result<Ending, Failure> {
    let sent = bot.send(call).await?;
    tracing::debug!(conversation = %call.to, message = %call.message, part = call.part, "sent to Telegram");
    let facts = sent.map(|ours| Fact::Link { ours, kommo: call.message.clone() }).into_iter().collect();
    let is_last = call.part == call.parts;
    let delivered = is_last.then(|| report(lane, call.message.clone(), Delivery::Delivered));
    Ok(Ending::Done { then: delivered.into_iter().collect(), facts })
}

fn no_bot() -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::IntegrationOff, "Not sent: this source has no bot any more."))
}
