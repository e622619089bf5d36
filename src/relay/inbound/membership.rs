//! Changes of a bot's access to a chat.

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

/// There are two steps for one update. The first stores the change, so that waiting answers fail; Kommo cannot delay
/// that. The second, behind it in the lane, informs the manager, if the change still holds.
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
    // A repetition is not reported, and no chat is created in Kommo for a report.
    let is_news = before.is_some_and(|before| before.shut_out) != membership.shut_out;
    let is_reported = is_news && context.store.chat(&conversation)?.is_some();
    let again = NewJob { id: None, lane: Lane::inbound(&conversation), job: incoming.job.clone() };
    let then = is_reported.then_some(again).into_iter().collect();
    let changes = vec![StateChange::Membership { conversation, membership }];
    Ok(Step::local(Outcome::Done { then, changes }))
}
