//! Acknowledges a callback query, and removes a one-time keyboard.

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

/// Answers a press that is not relayed: otherwise its author would see a waiting indicator for long. If other programs
/// share the bot, they answer it, unless the button is ours.
pub(super) async fn dismiss(context: &Context, (source, bot): (&SourceId, BotId), (query, is_ours): (&str, bool)) {
    let is_anothers = !is_ours && context.shared.contains(source);
    let Some(bot) = context.bots.get(source).filter(|it| it.id() == bot && !is_anothers) else { return };
    if !matches!(timeout(TIMEOUT, bot.answer_press(query)).await, Ok(Ok(()))) {
        tracing::debug!(%source, "a press was not answered");
    }
}

/// How long these best-effort calls may delay the lane. The message to Kommo is sent meanwhile.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers the press, and removes the keyboard unless it is kept. The keyboard of another program is left to it.
///
/// Best effort, and harmless when repeated: Telegram forgets a press after 150 s, and the keyboard may be removed
/// already.
pub(super) async fn acknowledge(context: &Context, source: &SourceId, press: &ButtonPress, here: Option<Target>) {
    if is_anothers(context, source, press) {
        return;
    }
    // A source may have got another bot since, whose messages have the same numbers: the press means nothing to it.
    let Some(bot) = context.bots.get(source).filter(|bot| bot.id() == press.inbound.id.bot) else { return };
    let removal = async {
        if context.keep_buttons {
            return Ok(());
        }
        // If the number of the message is unknown, its keyboard stays.
        match here.filter(|_| press.inbound.id.message > 0) {
            Some(here) => bot.remove_keyboard(here, press.inbound.id.message).await,
            None => Ok(()),
        }
    };
    let best_effort = async { tokio::join!(bot.answer_press(&press.query), removal) };
    match timeout(TIMEOUT, best_effort).await {
        Ok((answer, removal)) => {
            for failure in [answer.err(), removal.err()].into_iter().flatten() {
                tracing::debug!(%source, failure = %failure.why(), "a press was not acknowledged");
            }
        }
        Err(_late) => tracing::debug!(%source, "a press was not acknowledged in time"),
    }
}

/// Whether the button belongs to another program that shares the bot.
pub(super) fn is_anothers(context: &Context, source: &SourceId, press: &ButtonPress) -> bool {
    !press.is_ours && context.shared.contains(source)
}
