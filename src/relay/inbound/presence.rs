//! The bot was shut out of a chat, or let in again.

use crate::{
    domain::{
        change::PresenceChange,
        reach::Presence,
        work::{Lane, Work},
    },
    relay::{
        courier::{Courier, Step, done},
        inbound::{Attempt, chats, sending::send},
    },
    store::{Ending, Fact, NewJob, StoreError},
};

/// Two steps under one update. The first keeps the fact, at which the waiting answers fail; nothing that Kommo does can hold
/// that up. The second, behind it in the lane, tells the manager, if the fact still stands.
pub(super) async fn step(
    courier: &Courier,
    mut change: PresenceChange,
    work: &Work,
    attempt: Attempt,
) -> Result<Step, StoreError> {
    chats::settle_in(courier, &mut change.conversation, &mut change.customer.id)?;
    let before = courier.store.presence(&change.conversation)?;
    let stands =
        |before: Presence| (before.update, before.shut_out) == (change.presence.update, change.presence.shut_out);
    if before.is_some_and(stands) {
        let mut notice = change.notice(courier.spoken.now());
        if !courier.may_speak(&mut notice.author) {
            return Ok(Step::without_call(Ok(done())));
        }
        return send(courier, &notice, attempt).await.map(Step::called);
    }
    if before.is_some_and(|before| !change.presence.is_newer_than(&before)) {
        return Ok(Step::without_call(Ok(done())));
    }
    let (conversation, presence) = (change.conversation, change.presence);
    tracing::info!(%conversation, shut_out = presence.shut_out, "the bot's place in a chat has changed");
    // The same twice is no news, and a chat that Kommo does not have is not made for this.
    let is_news = before.is_some_and(|before| before.shut_out) != presence.shut_out;
    let is_told = is_news && courier.store.chat(&conversation)?.is_some();
    let again = NewJob { id: None, lane: Lane::inbound(&conversation), work: work.clone() };
    let then = is_told.then_some(again).into_iter().collect();
    Ok(Step::without_call(Ok(Ending::Done { then, facts: vec![Fact::Presence { conversation, presence }] })))
}
