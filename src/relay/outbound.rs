//! An answer from Kommo, to Telegram.

use crate::{
    clock,
    domain::{
        address::{Conversation, SourceId},
        delivery::{Delivery, ErrorCode, Refusal},
        job::{Call, Job, Lane, Method},
        message::{Outbound, Quote, Recipient},
        retry::Failure,
        timestamps::Arrived,
        topic::Topic,
    },
    relay::{
        context::{Context, Step, done},
        destination,
        outbound::{manager_first::Place, media_group::Answer},
        reactions, read_receipts,
        retry_policy::report,
    },
    store::{Lease, NewJob, Outcome, StateChange, StoreError},
    telegram::{bot::Bot, failure, place::Target, sent::Sent, upload::BodySent},
    translate::{
        buttons,
        from_kommo::{self, Arrival},
        to_telegram,
    },
    words::refusal,
};

mod album;
mod file;
mod manager_first;
mod media_group;
mod text_fallback;

pub(super) use manager_first::name;

/// Turns a hook into its calls. They take its place in the lane, so that a retry of one repeats no other. Files that were
/// sent at once wait for each other.
pub(super) async fn unfold(
    context: &Context,
    lease: &Lease,
    raw: &str,
) -> Result<Result<Outcome, Failure>, StoreError> {
    let Some(outbound) = read(raw) else {
        // Only messages are stored; whatever else this is, it has nothing to send.
        return Ok(Ok(done()));
    };
    match manager_first::place(context, &outbound, lease.lane()).await? {
        Place::Here => {}
        Place::Elsewhere(lane) => {
            let then = vec![NewJob { id: None, lane, job: lease.job().clone() }];
            return Ok(Ok(Outcome::Done { then, changes: Vec::new() }));
        }
        Place::Nowhere(refusal) => return Ok(Err(Failure::Permanent(refusal))),
    }
    let (group, written_at) = (outbound.group.clone(), outbound.written_at);
    let calls = match encode(context, outbound)? {
        Ok(calls) => calls,
        Err(refusal) => return Ok(Err(Failure::Permanent(refusal))),
    };
    match group {
        Some(group) => media_group::gather(context, lease, &group, Answer { written_at, calls }).map(Ok),
        None => Ok(Ok(Outcome::Replace(calls.into_iter().map(Job::Call).collect()))),
    }
}

fn read(raw: &str) -> Option<Outbound> {
    match from_kommo::decode(raw) {
        Ok(Arrival::Message(outbound)) => Some(*outbound),
        Ok(Arrival::Reaction(_) | Arrival::Typing(_) | Arrival::Other(_)) | Err(_) => None,
    }
}

fn encode(context: &Context, mut outbound: Outbound) -> Result<Result<Vec<Call>, Refusal>, StoreError> {
    let told = buttons::fit(&outbound.keyboard).told.len();
    if told > 0 {
        tracing::warn!(message = %outbound.id, buttons = told, "buttons are too many or have no valid address: sent as \
                                                                text");
    }
    let opening = manager_first::resolve(context, &mut outbound)?;
    let is_ours = |source: &str| SourceId::parse(source).is_ok_and(|source| context.bots.contains_key(&source));
    let is_news = |named: &&str| is_ours(named) && context.says_first(&format!("fallen back to {named}"));
    if let Some(named) = fallen_back(&outbound).filter(is_news) {
        tracing::warn!(
            message = %outbound.id, named,
            "Kommo names another source than the conversation's: it may not know that one (telekommo sources list)"
        );
    }
    outbound.quote = outbound.quote.map(|quote| known(context, &outbound.to, quote)).transpose()?;
    Ok(to_telegram::encode(&outbound, is_ours, context.spoken.now())
        .map(|calls| manager_first::beginning(opening.as_ref(), calls)))
}

/// The source that Kommo names where it is not that of the conversation. The answer goes by the conversation: Kommo falls back
/// to another source, without a word, if it does not know the one that it was told.
fn fallen_back(outbound: &Outbound) -> Option<&str> {
    let Recipient::Known(to) = &outbound.to else { return None };
    outbound.source.as_deref().filter(|named| *named != to.source.as_str())
}

/// The quote with the message of this bot and chat that it means, if there is one.
fn known(context: &Context, to: &Recipient, quote: Quote) -> Result<Quote, StoreError> {
    let Recipient::Known(to) = to else { return Ok(Quote { ours: None, ..quote }) };
    let ours = reactions::message(context, to, quote.ours, quote.kommo.as_ref())?;
    Ok(Quote { ours, ..quote })
}

/// Makes one call, or those of an album. The last one of an answer brings its delivery status with it.
pub(super) async fn step(context: &Context, lease: &Lease, body_sent: &BodySent) -> Result<Step, StoreError> {
    let Some(call) = lease.job().calls().last() else { return Ok(Step::local(Ok(done()))) };
    let Some(bot) = context.bots.get(&call.to.source) else { return Ok(Step::local(Err(no_bot()))) };
    let in_vain = || -> Result<bool, StoreError> {
        Ok(context.store.membership(&call.to)?.is_some_and(|it| it.is_in_vain(lease.enqueued_at())))
    };
    if in_vain()? {
        return Ok(Step::local(Err(shut_out(call))));
    }
    let (way, learned) = match destination::way(context, bot, &call.to).await? {
        Ok(found) => found,
        Err(failure) => return Ok(Step::remote(Err(failure))),
    };
    let unread = if context.reading.marks && way.can_read { context.store.newest(&call.to)? } else { None };
    let talk = way.target.topic;
    let begun = if call.part > 1 { context.store.under_way(&call.to, &call.message)? } else { None };
    let to = Target { topic: begun.map_or(talk, Topic::topic), ..way.target };
    let sending = Sending { context, bot, to: &to, talk, lease, body_sent };
    let Step { outcome, reached_remote, is_best_effort } = sending.run().await?;
    // It may have been shut out while this was tried: then there is nothing to wait for.
    if outcome.as_ref().is_err_and(Failure::may_pass) && in_vain()? {
        return Ok(Step::local(Err(shut_out(call))));
    }
    let outcome = match outcome {
        Ok(sent) if is_of_another(context, &sent)? => Err(Failure::Uncertain(failure::uncertain())),
        outcome => outcome,
    };
    let outcome = outcome.map(|sent| manager_first::begun(with_reading(sent, call, unread), lease.job().calls()));
    Ok(Step { outcome, reached_remote, is_best_effort }.with_changes(learned))
}

/// Whether Telegram's answer was to another call: each message has a number of its own, and this one's is known already.
fn is_of_another(context: &Context, outcome: &Outcome) -> Result<bool, StoreError> {
    let Outcome::Done { changes, .. } = outcome else { return Ok(false) };
    for fact in changes {
        if let StateChange::Link { ours, .. } = fact
            && context.store.kommo_message(ours)?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A job on its way to Telegram, with all that it needs there.
struct Sending<'a> {
    context: &'a Context,
    bot: &'a Bot,
    to: &'a Target,
    /// The topic that the newest message of the conversation is in.
    talk: Option<i64>,
    lease: &'a Lease,
    body_sent: &'a BodySent,
}

impl Sending<'_> {
    async fn run(&self) -> Result<Step, StoreError> {
        match self.lease.job() {
            Job::Album { calls } => Ok(self.send_album(calls).await),
            Job::Call(call) => match &call.method {
                Method::SendFile { .. } => self.send_file(call).await,
                Method::SendText { .. } | Method::SendLocation { .. } | Method::SendContact { .. } => {
                    let sent = self.bot.send(call, self.to, self.body_sent).await;
                    Ok(Step::remote(sent.map(|sent| self.sent([(call, sent)]))))
                }
            },
            Job::Update { .. }
            | Job::Hook { .. }
            | Job::Reaction { .. }
            | Job::DeliveryStatus(_)
            | Job::AssignClientId { .. }
            | Job::MarkRead { .. }
            | Job::Link { .. }
            | Job::UpdateCrm { .. }
            | Job::ReleaseStartAt { .. }
            | Job::Remind { .. }
            | Job::ReleaseStart { .. } => Ok(Step::local(Ok(done()))),
        }
    }

    /// The end of calls that Telegram took, with the messages that they made.
    fn sent<'c>(&self, sent: impl IntoIterator<Item = (&'c Call, Option<Sent>)>) -> Outcome {
        let sent: Vec<_> = sent.into_iter().collect();
        let (mut then, mut changes) = (Vec::new(), Vec::from_iter(read_receipts::arrived(self.context, &sent)));
        changes.extend(self.topics_after(&sent));
        changes.extend(sent.first().and_then(|(call, _)| answered(call)));
        for (call, sent) in sent {
            self.tell_sent(call, sent.as_ref());
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

    /// One line per answer says that it has arrived; those of its other parts are for whoever looks closely.
    fn tell_sent(&self, call: &Call, sent: Option<&Sent>) {
        let (conversation, message_id) = (&call.to, &call.message);
        let (telegram_id, part) = (sent.map(|sent| sent.id.to_string()), call.part);
        if !call.is_last() {
            tracing::debug!(%conversation, %message_id, telegram_id, part, "part of an answer sent to Telegram");
            return;
        }
        let took = self.lease.enqueued_at().until(clock::now());
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let kind = call.method.kind();
        self.context.metrics.reached_customer(&call.to);
        tracing::info!(%conversation, %message_id, telegram_id, part, kind, took_ms, "sent to Telegram");
    }

    /// The topic that the newest message is in now, if it is another one: that of what was answered, or none where the topic
    /// is no more. What follows goes there too; and the rest of the same answer, wherever the talk goes meanwhile.
    fn topics_after(&self, sent: &[(&Call, Option<Sent>)]) -> Vec<StateChange> {
        let Some((call, sent)) = sent.iter().rev().find_map(|(call, sent)| Some((call, (*sent)?))) else {
            return Vec::new();
        };
        let conversation = || call.to.clone();
        let talk =
            (sent.topic != self.talk).then(|| StateChange::Topic { conversation: conversation(), topic: sent.topic });
        let has_topics = sent.topic.is_some() || self.talk.is_some();
        let rest = (has_topics && !call.is_last()).then(|| {
            let spot = sent.topic.map_or(Topic::Outside, Topic::Topic);
            StateChange::UnderWay { conversation: conversation(), answer: call.message.clone(), spot }
        });
        talk.into_iter().chain(rest).collect()
    }
}

/// In a person's own chat, what waited for an answer waits no longer.
fn answered(call: &Call) -> Option<StateChange> {
    let conversation = call.to.clone();
    conversation.chat.owner.is_some().then_some(StateChange::Question { conversation, question: None })
}

/// What is told of an answer whose last call has arrived.
fn outcome(lane: &Lane, call: &Call) -> NewJob {
    let delivery = call.omitted.clone().map_or(Delivery::Delivered, Delivery::Failed);
    report(lane, call.message.clone(), delivery)
}

/// What follows from the last part of an answer, with the customer's newest message marked as read.
fn with_reading(mut outcome: Outcome, call: &Call, unread: Option<i64>) -> Outcome {
    let read = unread.filter(|_| call.is_last()).map(|message| NewJob {
        id: None,
        lane: Lane::seen(&call.to),
        job: Job::MarkRead { conversation: call.to.clone(), message },
    });
    if let Outcome::Done { then, .. } = &mut outcome {
        then.extend(read);
    }
    outcome
}

/// Marks a customer's message as read. Whether that works is of no consequence.
pub(super) async fn mark_read(
    context: &Context,
    conversation: &Conversation,
    message: i64,
) -> Result<Step, StoreError> {
    if let (Some(bot), Some(target)) =
        (context.bots.get(&conversation.source), destination::target(context, conversation)?)
        && let Err(failure) = bot.mark_read(target, message).await
    {
        tracing::debug!(%conversation, failure = %failure.why(), "not marked as read");
    }
    Ok(Step::local(Ok(done())))
}

/// The customer has not read it, and will not: no wait would help.
fn shut_out(call: &Call) -> Failure {
    let sentence = if call.to.is_group() { refusal::removed() } else { refusal::blocked() };
    Failure::Permanent(Refusal::new(ErrorCode::ConversationDeleted, sentence))
}

fn no_bot() -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::IntegrationOff, refusal::no_bot()))
}
