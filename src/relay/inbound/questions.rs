//! Unanswered messages in people's own chats, where the time for an answer is limited: a manager is reminded in time.
//!
//! There is one reminder for each unanswered message. An answer of a manager or of the person themselves ends the wait,
//! and the customer's next message starts it again. A reminder that becomes due while the bridge is down is sent at the
//! next start if there is time left, and dropped otherwise.

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

/// The change of the unanswered message by a new message.
pub(super) fn news(context: &Context, inbound: &Inbound) -> Result<Option<StateChange>, StoreError> {
    let conversation = inbound.conversation.clone();
    if let Some(question) = Question::of(inbound) {
        return Ok(Some(StateChange::Question { conversation, question: Some(question) }));
    }
    // An automatic message of an owner who is away answers nothing.
    let is_answer = matches!(inbound.author, Author::Business { .. }) && !inbound.edited && !inbound.unattended;
    let is_answered = is_answer && context.store.question(&conversation)?.is_some();
    Ok(is_answered.then_some(StateChange::Question { conversation, question: None }))
}

/// The reminder of a message that has arrived so late that the time for its answer is nearly over.
pub(super) fn due(inbound: &Inbound) -> Vec<NewJob> {
    let question = Question::of(inbound).filter(|question| question.is_due(clock::now()));
    question.map(|question| reminder(&inbound.conversation, &question)).into_iter().collect()
}

/// Reminds a manager, unless the message has been answered meanwhile or it is too late.
pub(super) async fn remind(context: &Context, job: &Remind, attempt: AttemptInfo) -> StepResult {
    let Remind { conversation, message } = job;
    let question = context.store.question(conversation)?.filter(|it| it.message == *message);
    let Some(question) = question else { return Ok(Step::done()) };
    let change = |question| StateChange::Question { conversation: conversation.clone(), question };
    let over = |question| Step::done().with_changes(vec![change(question)]);
    let now = clock::now();
    let Some(left) = question.left(now) else { return Ok(over(None)) };
    if question.is_reminded {
        return Ok(Step::done());
    }
    if destination::target(context, conversation)?.is_none() {
        // The owner no longer allows the bot to answer. The status of an answer says so.
        return Ok(Step::done());
    }
    let mut notice = question.notice(conversation, left, now, context.spoken.now());
    let reminded = Some(Question { is_reminded: true, ..question });
    if !context.may_speak(&mut notice.author) {
        return Ok(over(reminded));
    }
    let sent = send(context, &notice, attempt).await.map_err(StepError::best_effort)?;
    Ok(sent.with_changes(vec![change(reminded)]))
}
