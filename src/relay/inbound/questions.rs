//! What waits for an answer in a person's own chat, where the time for it runs out: a manager is told before it does.
//!
//! It is told once for each message that nobody has answered, whoever would have to: an answer of a manager's or of the
//! person themselves ends it, and what the customer writes next begins it anew. What comes due while the bridge is down
//! is told at the next start, as long as there is time left, and else let go.

use crate::{
    clock,
    domain::{
        job::Remind,
        message::{Author, Inbound},
        question::Question,
    },
    intake::reminders::reminder,
    relay::{
        context::Context,
        destination,
        inbound::sending::send,
        incoming::AttemptInfo,
        step::{Step, StepError, StepResult},
    },
    store::{NewJob, StateChange, StoreError},
};

/// What a message changes about what waits in its conversation.
pub(super) fn news(context: &Context, inbound: &Inbound) -> Result<Option<StateChange>, StoreError> {
    let conversation = inbound.conversation.clone();
    if let Some(question) = Question::of(inbound) {
        return Ok(Some(StateChange::Question { conversation, question: Some(question) }));
    }
    // What Telegram itself says for an owner who is away answers nothing.
    let is_answer = matches!(inbound.author, Author::Business { .. }) && !inbound.edited && !inbound.unattended;
    let is_answered = is_answer && context.store.question(&conversation)?.is_some();
    Ok(is_answered.then_some(StateChange::Question { conversation, question: None }))
}

/// The job that tells a manager, where a message has come so late that the time for its answer is nearly over.
pub(super) fn due(inbound: &Inbound) -> Vec<NewJob> {
    let question = Question::of(inbound).filter(|question| question.is_due(clock::now()));
    question.map(|question| reminder(&inbound.conversation, &question)).into_iter().collect()
}

/// Tells a manager, unless somebody has answered meanwhile or it is too late.
pub(super) async fn remind(context: &Context, job: &Remind, attempt: AttemptInfo) -> StepResult {
    let Remind { conversation, message } = job;
    let question = context.store.question(conversation)?.filter(|it| it.message == *message);
    let Some(question) = question else { return Ok(Step::done()) };
    let change = |question| StateChange::Question { conversation: conversation.clone(), question };
    let over = |question| Step::done().with_changes(vec![change(question)]);
    let now = clock::now();
    let Some(left) = question.left(now) else { return Ok(over(None)) };
    if question.is_told {
        return Ok(Step::done());
    }
    if destination::target(context, conversation)?.is_none() {
        // The owner no longer lets the bot answer. The status of an answer says so.
        return Ok(Step::done());
    }
    let mut notice = question.notice(conversation, left, now, context.spoken.now());
    let told = Some(Question { is_told: true, ..question });
    if !context.may_speak(&mut notice.author) {
        return Ok(over(told));
    }
    let sent = send(context, &notice, attempt).await.map_err(StepError::best_effort)?;
    Ok(sent.with_changes(vec![change(told)]))
}
