//! The bot was shut out of a chat, or let in again.

use crate::{
    domain::{change::MembershipChange, job::Lane, membership::Membership},
    relay::{
        context::Context,
        inbound::{chats, sending::send},
        incoming::Incoming,
        step::{Step, StepResult},
    },
    store::{NewJob, Outcome, StateChange},
};

/// Two steps under one update. The first keeps the change, at which the waiting answers fail; nothing that Kommo does
/// can hold that up. The second, behind it in the lane, tells the manager, if it still holds.
pub(super) async fn step(context: &Context, mut change: MembershipChange, incoming: Incoming<'_>) -> StepResult {
    chats::canonical(context, &mut change.conversation, &mut change.customer.id)?;
    let before = context.store.membership(&change.conversation)?;
    let stands =
        |before: Membership| (before.update, before.shut_out) == (change.membership.update, change.membership.shut_out);
    if before.is_some_and(stands) {
        let mut notice = change.notice(context.spoken.now());
        if !context.may_speak(&mut notice.author) {
            return Ok(Step::done());
        }
        return send(context, &notice, incoming.attempt).await;
    }
    if before.is_some_and(|before| !change.membership.is_newer_than(&before)) {
        return Ok(Step::done());
    }
    let (conversation, membership) = (change.conversation, change.membership);
    tracing::info!(%conversation, shut_out = membership.shut_out, "the bot's membership in a chat has changed");
    // The same twice is no news, and a chat that Kommo does not have is not made for this.
    let is_news = before.is_some_and(|before| before.shut_out) != membership.shut_out;
    let is_told = is_news && context.store.chat(&conversation)?.is_some();
    let again = NewJob { id: None, lane: Lane::inbound(&conversation), job: incoming.job.clone() };
    let then = is_told.then_some(again).into_iter().collect();
    let changes = vec![StateChange::Membership { conversation, membership }];
    Ok(Step::local(Outcome::Done { then, changes }))
}
