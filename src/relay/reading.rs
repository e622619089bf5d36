//! Which answers were read. Telegram does not tell bots; but who writes, presses a button or reacts has seen what was there
//! before, and that is told to Kommo if it is wanted.
//!
//! Of groups nothing is inferred: one member's words do not show what the others have read. Nor is it from what Telegram sends
//! for somebody, or at a time that they chose before. In a chat with topics, who is in one has not seen the others.

use crate::{
    domain::{
        address::{Conversation, MessageId},
        delivery::{Delivery, Unread},
        message::Author,
        spot::Spot,
        work::{Call, Lane},
    },
    relay::{courier::Courier, verdict::report},
    store::{Fact, NewJob, StoreError},
    telegram::place::Sent,
    translate::from_telegram::Arrival,
};

/// What a customer has done.
pub(super) struct Deed {
    conversation: Conversation,
    /// The newest message that they have seen for certain.
    seen: MessageId,
    /// Where that is, if it is told.
    spot: Option<Spot>,
}

/// What an update tells of reading. What the owner of a chat writes on their phone tells nothing.
pub(super) fn deed(arrival: &Arrival) -> Option<Deed> {
    let (conversation, seen, spot) = match arrival {
        // An edit names the message as it was written, and so shows nothing new.
        Arrival::Message(inbound) if inbound.author == Author::Customer && !inbound.unattended => {
            let before = MessageId { message: inbound.id.message.saturating_sub(1), ..inbound.id };
            // What is no word of theirs, such as that they have begun a topic, need not stand where the answers do.
            (&inbound.conversation, before, Some(inbound.topic?))
        }
        Arrival::Tap(tap) => (&tap.inbound.conversation, tap.inbound.id, tap.inbound.topic),
        Arrival::Reaction(reaction) => (&reaction.conversation, reaction.message, None),
        Arrival::Message(_)
        | Arrival::Presence(_)
        | Arrival::Connection(_)
        | Arrival::Deletion(_)
        | Arrival::Move(_) => return None,
    };
    (!conversation.is_group()).then(|| Deed { conversation: conversation.clone(), seen, spot })
}

/// What follows from a customer's deed: each answer that it shows to be read is told as such, once, behind what was told of
/// its delivery. An answer that has just arrived and is not kept yet is so with the next deed.
pub(super) fn shown(courier: &Courier, deed: Option<Deed>) -> Result<(Vec<NewJob>, Vec<Fact>), StoreError> {
    let Some(Deed { conversation, seen, spot }) = deed.filter(|_| courier.reading.is_inferred) else {
        return Ok(Default::default());
    };
    let mut answers = courier.store.unread(&conversation)?;
    let now = courier.store.topic(&conversation)?;
    match spot.or_else(|| spot_of(&answers, &seen, now)) {
        Some(spot) => answers.retain(|answer| answer.is_read_with(&seen, spot.topic())),
        None => answers.clear(),
    }
    if answers.is_empty() {
        return Ok(Default::default());
    }
    tracing::debug!(%conversation, answers = answers.len(), "answers were read");
    let lane = Lane::outbound(&conversation);
    let reports = answers.iter().map(|answer| report(&lane, answer.message.clone(), Delivery::Read)).collect();
    Ok((reports, vec![Fact::Read { conversation, answers }]))
}

/// Where a message is of which Telegram does not tell it: where the answer is that it is, or outside of all topics as long as
/// the talk is in none `now`. `None` if it may be anywhere.
fn spot_of(answers: &[Unread], seen: &MessageId, now: Option<i64>) -> Option<Spot> {
    let own = answers.iter().find(|answer| answer.is(seen));
    let own = own.map(|answer| answer.topic.map_or(Spot::Outside, Spot::Topic));
    own.or_else(|| now.is_none().then_some(Spot::Outside))
}

/// What is kept of calls that Telegram took, for [`shown`]: answers that have arrived as a whole. One that lost something
/// is told as failed, and stays so.
pub(super) fn arrived(courier: &Courier, sent: &[(&Call, Option<Sent>)]) -> Option<Fact> {
    let (first, _) = sent.first().filter(|(call, _)| courier.reading.is_inferred && !call.to.is_group())?;
    let whole = sent.iter().filter(|(call, _)| call.is_last() && call.lost.is_none());
    let unread = |(call, sent): &(&Call, Option<Sent>)| {
        let Sent { id, topic } = (*sent)?;
        Some(Unread { message: call.message.clone(), ours: id, topic })
    };
    let answers: Vec<_> = whole.filter_map(unread).collect();
    (!answers.is_empty()).then(|| Fact::Unread { conversation: first.to.clone(), answers })
}
