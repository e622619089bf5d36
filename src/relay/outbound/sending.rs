//! Makes a call to Telegram, or those of an album.

use crate::{
    clock,
    domain::{
        delivery::{Delivery, ErrorCode, Refusal},
        job::{Call, Job, Lane, MarkRead, Method, SendJob},
        retry::Failure,
        timestamps::Arrived,
        topic::Topic,
    },
    metrics::DeliveryTimes,
    relay::{
        context::Context,
        destination,
        outbound::manager_initiated,
        read_receipts,
        status::report,
        step::{Step, StepError, StepResult},
    },
    store::{Lease, NewJob, Outcome, StateChange, StoreError},
    telegram::{bot::Bot, failure, routing::Target, sent::Sent, upload::BodySent},
    words::refusal,
};

/// Makes one call, or those of an album. The last call of an answer adds its delivery status.
pub(in crate::relay) async fn step(context: &Context, lease: &Lease, body_sent: &BodySent) -> StepResult {
    let Some(call) = lease.job().calls().last() else { return Ok(Step::done()) };
    let Some(bot) = context.bots.get(&call.to.source) else { return Err(StepError::local(no_bot())) };
    let is_shut_out = || -> Result<bool, StoreError> {
        Ok(context.store.membership(&call.to)?.is_some_and(|it| it.blocks_answer_from(lease.enqueued_at())))
    };
    if is_shut_out()? {
        return Err(StepError::local(shut_out(call)));
    }
    let (destination, found_changes) = destination::for_answer(context, bot, &call.to).await?;
    let unread = if context.reading.marks && destination.can_read { context.store.newest(&call.to)? } else { None };
    let current_topic = destination.target.topic;
    let under_way = if call.part > 1 { context.store.under_way(&call.to, &call.message)? } else { None };
    let to = Target { topic: under_way.map_or(current_topic, Topic::number), ..destination.target };
    let sending = Sending { context, bot, to: &to, current_topic, lease, body_sent };
    let sent = sending.run().await;
    // The bot may have been shut out meanwhile: then waiting is useless.
    if let Err(StepError::Failed { failure, .. }) = &sent
        && failure.may_pass()
        && is_shut_out()?
    {
        return Err(StepError::local(shut_out(call)));
    }
    let Step { outcome, reached_remote } = sent?;
    if is_of_other_call(context, &outcome)? {
        let uncertain = Failure::Uncertain(failure::uncertain());
        return Err(StepError::Failed { failure: uncertain, reached_remote, is_best_effort: false });
    }
    let outcome = manager_initiated::with_opening(with_reading(outcome, call, unread), lease.job().calls());
    Ok(Step { outcome, reached_remote }.with_changes(found_changes))
}

/// Whether Telegram's response belongs to another call: each message has a number of its own, and this one is linked
/// already.
fn is_of_other_call(context: &Context, outcome: &Outcome) -> Result<bool, StoreError> {
    let Outcome::Done { changes, .. } = outcome else { return Ok(false) };
    for change in changes {
        if let StateChange::Link { ours, .. } = change
            && context.store.kommo_message(ours)?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A job for Telegram, with the surroundings of its calls.
pub(super) struct Sending<'a> {
    pub(super) context: &'a Context,
    pub(super) bot: &'a Bot,
    pub(super) to: &'a Target,
    /// The topic of the conversation's newest message.
    current_topic: Option<i64>,
    pub(super) lease: &'a Lease,
    pub(super) body_sent: &'a BodySent,
}

impl Sending<'_> {
    async fn run(&self) -> StepResult {
        match self.lease.job() {
            Job::Send(SendJob::Album(album)) => self.send_album(&album.calls).await,
            Job::Send(SendJob::Call(call)) => match &call.method {
                Method::SendFile { .. } => self.send_file(call).await,
                Method::SendText { .. } | Method::SendLocation { .. } | Method::SendContact { .. } => {
                    let sent = self.bot.send(call, self.to, self.body_sent).await.map_err(StepError::remote)?;
                    Ok(Step::remote(self.sent([(&**call, sent)])))
                }
            },
            Job::Raw(_) | Job::Inbound(_) | Job::Send(_) | Job::Status(_) | Job::Crm(_) => Ok(Step::done()),
        }
    }

    /// The outcome of calls that Telegram has accepted, with the messages that they created.
    pub(super) fn sent<'c>(&self, sent: impl IntoIterator<Item = (&'c Call, Option<Sent>)>) -> Outcome {
        let sent: Vec<_> = sent.into_iter().collect();
        let (mut then, mut changes) = (Vec::new(), Vec::from_iter(read_receipts::arrived(self.context, &sent)));
        changes.extend(self.topics_after(&sent));
        changes.extend(sent.first().and_then(|(call, _)| answered(call)));
        for (call, sent) in sent {
            self.log_sent(call, sent.as_ref());
            let moved = sent.map(|sent| sent.id.chat.id).filter(|id| *id != self.to.chat_id);
            changes.extend(sent.map(|sent| StateChange::Link { ours: sent.id, kommo: call.message.clone() }));
            changes.extend(sent.zip(call.written_at).map(|(sent, written_at)| StateChange::Arrived {
                conversation: call.to.clone(),
                arrived: Arrived { ours: sent.id, written_at },
            }));
            changes.extend(moved.map(|to| StateChange::Move { from: call.to.clone(), to }));
            then.extend(call.is_last().then(|| outcome(self.lease.lane(), call)));
        }
        Outcome::Done { then, changes }
    }

    /// Logs a call. The last part of an answer has the level `info`, the others have `debug`.
    fn log_sent(&self, call: &Call, sent: Option<&Sent>) {
        let (conversation, message_id) = (&call.to, &call.message);
        let (telegram_id, part) = (sent.map(|sent| sent.id.to_string()), call.part);
        if !call.is_last() {
            tracing::debug!(%conversation, %message_id, telegram_id, part, "part of an answer sent to Telegram");
            return;
        }
        let (came_at, arrived_at) = (self.lease.enqueued_at(), clock::now());
        let took = came_at.until(arrived_at);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let kind = call.method.kind();
        let way = DeliveryTimes { written_at: call.written_at, came_at, arrived_at };
        self.context.metrics.reached_customer(&call.to, kind, way);
        tracing::info!(%conversation, %message_id, telegram_id, part, kind, took_ms, "sent to Telegram");
    }

    /// The changes of topics: the conversation's current topic, if the calls went to another one, or to none because
    /// the topic was deleted; and the topic of the answer, for its remaining parts, wherever the conversation goes
    /// meanwhile.
    fn topics_after(&self, sent: &[(&Call, Option<Sent>)]) -> Vec<StateChange> {
        let Some((call, sent)) = sent.iter().rev().find_map(|(call, sent)| Some((call, (*sent)?))) else {
            return Vec::new();
        };
        let conversation = || call.to.clone();
        let current_topic = (sent.topic != self.current_topic)
            .then(|| StateChange::Topic { conversation: conversation(), topic: sent.topic });
        let has_topics = sent.topic.is_some() || self.current_topic.is_some();
        let rest = (has_topics && !call.is_last()).then(|| {
            let spot = sent.topic.map_or(Topic::Outside, Topic::Topic);
            StateChange::UnderWay { conversation: conversation(), answer: call.message.clone(), spot }
        });
        current_topic.into_iter().chain(rest).collect()
    }
}

/// In a person's own chat, the customer's message is answered.
fn answered(call: &Call) -> Option<StateChange> {
    let conversation = call.to.clone();
    conversation.chat.owner.is_some().then_some(StateChange::Question { conversation, question: None })
}

/// The delivery status of an answer whose last call has arrived.
fn outcome(lane: &Lane, call: &Call) -> NewJob {
    let delivery = call.omitted.clone().map_or(Delivery::Delivered, Delivery::Failed);
    report(lane, call.message.clone(), delivery)
}

/// The outcome with a job that marks the customer's newest message as read, after the last part of an answer.
fn with_reading(mut outcome: Outcome, call: &Call, unread: Option<i64>) -> Outcome {
    let read = unread.filter(|_| call.is_last()).map(|message| NewJob {
        id: None,
        lane: Lane::seen(&call.to),
        job: MarkRead { conversation: call.to.clone(), message }.into(),
    });
    if let Outcome::Done { then, .. } = &mut outcome {
        then.extend(read);
    }
    outcome
}

/// Marks a customer's message as read. A failure is only logged.
pub(in crate::relay) async fn mark_read(context: &Context, job: &MarkRead) -> StepResult {
    let MarkRead { conversation, message } = job;
    if let (Some(bot), Some(target)) =
        (context.bots.get(&conversation.source), destination::target(context, conversation)?)
        && let Err(failure) = bot.mark_read(target, *message).await
    {
        tracing::debug!(%conversation, failure = %failure.why(), "not marked as read");
    }
    Ok(Step::done())
}

/// The bot has no access to the chat: waiting is useless.
fn shut_out(call: &Call) -> Failure {
    let sentence = if call.to.is_group() { refusal::removed() } else { refusal::blocked() };
    Failure::Permanent(Refusal::new(ErrorCode::ConversationDeleted, sentence))
}

fn no_bot() -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::IntegrationOff, refusal::no_bot()))
}
