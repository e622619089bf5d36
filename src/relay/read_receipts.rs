//! Which answers were read. Telegram does not tell bots; but who writes, presses a button or reacts has seen what was
//! there before, and that is told to Kommo if it is wanted.
//!
//! Of groups nothing is inferred: one member's words do not show what the others have read. Nor is it from what
//! Telegram sends for somebody, or at a time that they chose before. In a chat with topics, who is in one has not seen
//! the others.

use crate::{
    domain::{
        address::{Conversation, MessageId},
        delivery::{Delivery, UnreadAnswer},
        job::{Call, Lane},
        message::Author,
        topic::Topic,
    },
    relay::{context::Context, effects::Effects, status::report},
    store::{StateChange, StoreError},
    telegram::sent::Sent,
    translate::from_telegram::Arrival,
};

/// What a customer has done.
pub(super) struct CustomerActivity {
    conversation: Conversation,
    /// The newest message that they have seen for certain.
    seen: MessageId,
    /// Where that is, if it is told.
    spot: Option<Topic>,
}

/// What an update tells of reading. What the owner of a chat writes on their phone tells nothing.
pub(super) fn activity(arrival: &Arrival) -> Option<CustomerActivity> {
    let (conversation, seen, spot) = match arrival {
        // An edit names the message as it was written, and so shows nothing new.
        Arrival::Message(inbound) if inbound.author == Author::Customer && !inbound.unattended => {
            let before = MessageId { message: inbound.id.message.saturating_sub(1), ..inbound.id };
            // What is no word of theirs, such as that they have begun a topic, need not stand where the answers do.
            (&inbound.conversation, before, Some(inbound.topic?))
        }
        Arrival::ButtonPress(press) => (&press.inbound.conversation, press.inbound.id, press.inbound.topic),
        Arrival::Reaction(reaction) if reaction.author == Author::Customer => {
            (&reaction.conversation, reaction.message, None)
        }
        Arrival::Message(_)
        | Arrival::Reaction(_)
        | Arrival::Membership(_)
        | Arrival::Connection(_)
        | Arrival::Deletion(_)
        | Arrival::Move(_) => return None,
    };
    (!conversation.is_group()).then(|| CustomerActivity { conversation: conversation.clone(), seen, spot })
}

/// What follows from what a customer does: each answer that it shows to be read is told as such, once, behind what was
/// told of its delivery. An answer that has just arrived and is not kept yet is so the next time.
pub(super) fn shown(
    context: &Context,
    activity: Option<CustomerActivity>,
    effects: &mut Effects,
) -> Result<(), StoreError> {
    let Some(CustomerActivity { conversation, seen, spot }) = activity.filter(|_| context.reading.is_inferred) else {
        return Ok(());
    };
    let mut answers = context.store.unread(&conversation)?;
    let now = context.store.topic(&conversation)?;
    match spot.or_else(|| spot_of(&answers, &seen, now)) {
        Some(spot) => answers.retain(|answer| answer.is_read_with(&seen, spot.topic())),
        None => answers.clear(),
    }
    if answers.is_empty() {
        return Ok(());
    }
    tracing::debug!(%conversation, answers = answers.len(), "answers were read");
    let lane = Lane::outbound(&conversation);
    effects.jobs.extend(answers.iter().map(|answer| report(&lane, answer.message.clone(), Delivery::Read)));
    effects.changes.push(StateChange::Read { conversation, answers });
    Ok(())
}

/// The topic of a message whose update names none: that of the answer with the same id, else no topic if the chat has
/// no current topic `now`. `None` if it may be any.
fn spot_of(answers: &[UnreadAnswer], seen: &MessageId, now: Option<i64>) -> Option<Topic> {
    let own = answers.iter().find(|answer| answer.is(seen));
    let own = own.map(|answer| answer.topic.map_or(Topic::Outside, Topic::Topic));
    own.or_else(|| now.is_none().then_some(Topic::Outside))
}

/// What is kept of calls that Telegram took, for [`shown`]: answers that have arrived as a whole. One that lost
/// something is told as failed, and stays so.
pub(super) fn arrived(context: &Context, sent: &[(&Call, Option<Sent>)]) -> Option<StateChange> {
    let (first, _) = sent.first().filter(|(call, _)| context.reading.is_inferred && !call.to.is_group())?;
    let whole = sent.iter().filter(|(call, _)| call.is_last() && call.omitted.is_none());
    let unread = |(call, sent): &(&Call, Option<Sent>)| {
        let Sent { id, topic } = (*sent)?;
        Some(UnreadAnswer { message: call.message.clone(), ours: id, topic })
    };
    let answers: Vec<_> = whole.filter_map(unread).collect();
    (!answers.is_empty()).then(|| StateChange::Unread { conversation: first.to.clone(), answers })
}
