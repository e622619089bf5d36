//! Relays managers' reactions to Telegram. They are best effort: a failure is not reported, and nothing is parked.

use crate::{
    domain::{
        address::{BotId, Conversation, KommoMessageId, MessageId, TelegramChat},
        job::Lane,
        message::OutboundReaction,
        retry::Failure,
    },
    relay::{
        context::Context,
        step::{Step, StepError, StepResult, done},
    },
    store::{Lease, NewJob, Outcome, StoreError},
    telegram::bot::Bot,
    translate::emoji,
};

/// Sends one reaction, if Telegram has it. It has waited behind the message that it may be about, and goes on in a lane
/// of its own: if it has to be retried, no answer waits for it, and the reactions of a chat stay in order.
pub(super) async fn step(context: &Context, lease: &Lease, reaction: &OutboundReaction) -> StepResult {
    let lane = Lane::reactions(&reaction.conversation);
    if *lease.lane() != lane {
        let again = NewJob { id: None, lane, job: lease.job().clone() };
        return Ok(Step::local(Outcome::Done { then: vec![again], changes: Vec::new() }));
    }
    if reaction.conversation.chat.owner.is_some() {
        tracing::debug!(conversation = %reaction.conversation, "bots cannot react in the chats of their owners");
        return Ok(Step::done());
    }
    let named = message(context, &reaction.conversation, reaction.ours, reaction.kommo.as_ref())?;
    let (Some(bot), Some(message)) = (context.bots.get(&reaction.conversation.source), named) else {
        tracing::debug!(conversation = %reaction.conversation, "a reaction to an unknown message: skipped");
        return Ok(Step::done());
    };
    let allowed = reaction.emoji.as_deref().map(emoji::reaction);
    if allowed == Some(None) {
        tracing::info!(conversation = %reaction.conversation, "Telegram has no such reaction, nor a similar one: \
            skipped");
        return Ok(Step::done());
    }
    match bot.react(message, allowed.flatten()).await {
        Ok(()) => {}
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(%message, why = refusal.why(), "Telegram refused this reaction");
        }
        Err(later) => return Err(StepError::remote(later)),
    }
    Ok(Step::remote(done()))
}

/// The message of this conversation's bot and chat that Kommo names, by our id or by its own. For an answer in parts it
/// is the first.
pub(super) fn message(
    context: &Context,
    to: &Conversation,
    ours: Option<MessageId>,
    kommo: Option<&KommoMessageId>,
) -> Result<Option<MessageId>, StoreError> {
    let bot = context.bots.get(&to.source).map(Bot::id);
    // A supergroup has other message numbers than the group that it was.
    let chat = TelegramChat { id: context.store.moved_to(to)?.unwrap_or(to.chat.id), ..to.chat };
    let linked = kommo.map(|kommo| context.store.telegram_messages(kommo)).transpose()?;
    let candidates = ours.into_iter().chain(linked.unwrap_or_default());
    Ok(bot.and_then(|bot| first_in(candidates, bot, chat)))
}

/// The first that is a message of this bot and chat. Notices of the bridge have a number that no message has.
fn first_in(mut messages: impl Iterator<Item = MessageId>, bot: BotId, chat: TelegramChat) -> Option<MessageId> {
    messages.find(|it| it.bot == bot && it.chat == chat && it.message > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_the_bot_and_chat_count() {
        let id = |bot, chat: i64, message| MessageId { bot: BotId(bot), chat: chat.into(), message, update: None };
        let found = |ids: &[MessageId]| first_in(ids.iter().copied(), BotId(1), 7.into());
        assert_eq!(found(&[id(2, 7, 5), id(1, 8, 5), id(1, 7, 5), id(1, 7, 6)]), Some(id(1, 7, 5)));
        assert_eq!(found(&[id(1, 7, 0)]), None, "a notice is no message of Telegram's");
    }
}
