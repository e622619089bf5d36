//! Read receipts. Telegram does not report to bots which answers were read. But a customer who writes, presses a button
//! or reacts has seen the earlier messages, and Kommo gets a status for those if it is configured.
//!
//! Nothing is inferred in groups: a message of one member does not show what the others have read. Automatic and
//! scheduled messages show nothing either. In a chat with topics, activity in one says nothing about the others.

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

/// An activity of a customer.
pub(super) struct CustomerActivity {
    conversation: Conversation,
    /// The newest message that they have certainly seen.
    last_seen: MessageId,
    /// Its topic, if the update has one.
    topic: Option<Topic>,
}

/// The customer's activity in an update. A message that the owner of a chat writes on their phone is none.
pub(super) fn activity(arrival: &Arrival) -> Option<CustomerActivity> {
    let (conversation, last_seen, topic) = match arrival {
        // An edit has the number of the original message, and so shows nothing new.
        Arrival::Message(inbound) if inbound.author == Author::Customer && !inbound.unattended => {
            let before = MessageId { message: inbound.id.message.saturating_sub(1), ..inbound.id };
            // A service message, such as for a new topic, may be in another topic than the answers.
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
    (!conversation.is_group()).then(|| CustomerActivity { conversation: conversation.clone(), last_seen, topic })
}

/// Infers which answers a customer's activity shows to be read. Each gets the status "read" once, behind the status of
/// its delivery. An answer that has just arrived and is not stored yet gets it the next time.
pub(super) fn infer(
    context: &Context,
    activity: Option<CustomerActivity>,
    effects: &mut Effects,
) -> Result<(), StoreError> {
    let Some(CustomerActivity { conversation, last_seen, topic }) = activity.filter(|_| context.reading.is_inferred)
    else {
        return Ok(());
    };
    let mut answers = context.store.unread(&conversation)?;
    let now = context.store.topic(&conversation)?;
    match topic.or_else(|| topic_of(&answers, &last_seen, now)) {
        Some(topic) => answers.retain(|answer| answer.is_read_with(&last_seen, topic.number())),
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

/// The topic of a message whose update has none: that of the answer with the same id, else no topic if the chat has no
/// current topic `now`. `None` if it may be any.
fn topic_of(answers: &[UnreadAnswer], last_seen: &MessageId, now: Option<i64>) -> Option<Topic> {
    let own = answers.iter().find(|answer| answer.is(last_seen));
    let own = own.map(|answer| answer.topic.map_or(Topic::Outside, Topic::Topic));
    own.or_else(|| now.is_none().then_some(Topic::Outside))
}

/// The answers among delivered calls that are stored for [`infer`]: those that have arrived as a whole. An answer that
/// lacks a part has the status "failed", and keeps it.
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
