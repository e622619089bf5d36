//! Acknowledges a callback query, and removes a keyboard that is used once.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    domain::{
        address::{BotId, SourceId},
        message::ButtonPress,
    },
    relay::context::Context,
    telegram::routing::Target,
};

/// Answers a press of which nothing is relayed: its author would wait for long otherwise. Where other programs have the
/// bot as well, it is theirs, unless the button is ours.
pub(super) async fn dismiss(context: &Context, (source, bot): (&SourceId, BotId), (query, is_ours): (&str, bool)) {
    let is_anothers = !is_ours && context.shared.contains(source);
    let Some(bot) = context.bots.get(source).filter(|it| it.id() == bot && !is_anothers) else { return };
    if !matches!(timeout(WITHIN, bot.answer_press(query)).await, Ok(Ok(()))) {
        tracing::debug!(%source, "a press was not answered");
    }
}

/// How long these best-effort calls may hold up the lane. The message to Kommo goes on beside them.
const WITHIN: Duration = Duration::from_secs(5);

/// Answers the press, and takes the keyboard away unless it is kept. What another program has sent is left to it.
///
/// Best effort, and harmless when repeated: a press lives 150 s at Telegram, and a keyboard can be gone.
pub(super) async fn acknowledge(context: &Context, source: &SourceId, press: &ButtonPress, here: Option<Target>) {
    if is_anothers(context, source, press) {
        return;
    }
    // A source may have got another bot since: the press means nothing to that one, and its messages have the same
    // numbers.
    let Some(bot) = context.bots.get(source).filter(|bot| bot.id() == press.inbound.id.bot) else { return };
    let removal = async {
        if context.keep_buttons {
            return Ok(());
        }
        // Where the message has no number that is known, its keyboard stays.
        match here.filter(|_| press.inbound.id.message > 0) {
            Some(here) => bot.remove_keyboard(here, press.inbound.id.message).await,
            None => Ok(()),
        }
    };
    let best_effort = async { tokio::join!(bot.answer_press(&press.query), removal) };
    match timeout(WITHIN, best_effort).await {
        Ok((answer, removal)) => {
            for failure in [answer.err(), removal.err()].into_iter().flatten() {
                tracing::debug!(%source, failure = %failure.why(), "a press was not acknowledged");
            }
        }
        Err(_late) => tracing::debug!(%source, "a press was not acknowledged in time"),
    }
}

/// Whether the button is one of another program that has the bot as well.
pub(super) fn is_anothers(context: &Context, source: &SourceId, press: &ButtonPress) -> bool {
    !press.is_ours && context.shared.contains(source)
}
