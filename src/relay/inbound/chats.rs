//! Changes of chats: connections of Telegram Business, groups that move, and deleted messages.

use std::time::Duration;

use crate::{
    domain::{
        address::{ContactId, Conversation, KommoMessageId},
        change::{Deletion, Move},
        delivery::Refusal,
        job::{Job, MarkDeleted},
        membership::{Connection, Membership},
        message::{Author, Inbound},
        retry::Failure,
        time::UnixMillis,
        topic::Topic,
    },
    kommo::failure,
    relay::{
        context::Context,
        effects::Effects,
        incoming::Incoming,
        step::{Step, StepError, StepResult, done},
    },
    store::{Outcome, StateChange, StoreError},
    translate::{from_telegram, to_kommo},
};

/// The least wait before Telegram is asked again for the owner of a connection. It is longer than the first of our own
/// waits, so that it counts as a wait that the server has requested.
const MIN_WAIT: Duration = Duration::from_secs(10);

/// The connection of Telegram Business of an update. If its owner is unknown, the update waits until Telegram says.
pub(super) async fn connection(
    context: &Context,
    incoming: Incoming<'_>,
    effects: &mut Effects,
) -> Result<Option<Connection>, StepError> {
    let Incoming { source, bot, update, .. } = incoming;
    let Some(id) = update.connection_id() else { return Ok(None) };
    if let Some(known) = context.store.connection(bot, &id)? {
        return Ok(Some(known));
    }
    let Some(bot_of_source) = context.bots.get(source).filter(|it| it.id() == bot) else {
        return Err(unknowable("the source has another bot now than the one that received it"));
    };
    match bot_of_source.business_connection(&id).await.map(|wire| from_telegram::connection(&wire)) {
        Ok(Some(connection)) => {
            effects.changes.push(StateChange::Connection { bot, connection: connection.clone() });
            Ok(Some(connection))
        }
        Ok(None) | Err(Failure::Permanent(_)) => Err(unknowable("the owner has removed the bot")),
        // A problem of one bot must not block the whole route to Kommo.
        Err(later) => Err(StepError::local(put_off(&later))),
    }
}

/// A wait because of Telegram: it uses up none of the message's attempts at Kommo.
fn put_off(later: &Failure) -> Failure {
    let after = later.after().unwrap_or_default().max(MIN_WAIT);
    Failure::Throttled { why: later.why().into_owned(), after: Some(after) }
}

fn unknowable(because: &str) -> StepError {
    let sentence = format!("Telegram no longer says whose chat this was written in: {because}.");
    StepError::local(Failure::Permanent(Refusal::internal(sentence)))
}

/// Stores a connection.
pub(super) fn connected(incoming: Incoming<'_>, connection: Connection) -> Outcome {
    let Incoming { source, bot, .. } = incoming;
    let Connection { enabled, can_reply, .. } = connection;
    tracing::info!(%source, owner = %connection.owner, enabled, can_reply, "a connection of Telegram Business");
    Outcome::Done { then: Vec::new(), changes: vec![StateChange::Connection { bot, connection }] }
}

/// Stores the new chat of a group that has moved.
pub(super) fn moved(Move { from, to }: Move) -> Outcome {
    tracing::info!(conversation = %from, to, "a group has become a supergroup: its conversation is kept");
    Outcome::Done { then: Vec::new(), changes: vec![StateChange::Move { from, to }] }
}

/// Replaces a conversation and its contact by those that a moved group had first: one group is one contact.
pub(super) fn canonical(
    context: &Context,
    conversation: &mut Conversation,
    contact: &mut ContactId,
) -> Result<(), StoreError> {
    if let Some(first) = context.store.moved_from(conversation)? {
        *contact = match *contact {
            ContactId::Group(_) => ContactId::Group(first.chat.id),
            person @ ContactId::Person(_) => person,
        };
        *conversation = first;
    }
    Ok(())
}

/// The state changes of a message: a customer who writes has unblocked the bot.
pub(super) fn news(context: &Context, inbound: &Inbound, now: UnixMillis) -> Result<Vec<StateChange>, StoreError> {
    let conversation = inbound.conversation.clone();
    let written_at = UnixMillis::from_seconds(inbound.sent_at.seconds());
    let shut_out = context.store.membership(&conversation)?.filter(|it| it.shut_out && it.changed_at <= written_at);
    let back = shut_out.filter(|_| inbound.author == Author::Customer);
    let back = back.map(|before| Membership { shut_out: false, changed_at: written_at, learnt_at: now, ..before });
    let unread = context.reading.marks && inbound.author == Author::Customer && conversation.chat.owner.is_some();
    let unread =
        unread.then(|| StateChange::Newest { conversation: conversation.clone(), message: inbound.id.message });
    let back = back.map(|membership| StateChange::Membership { conversation, membership });
    Ok(back.into_iter().chain(unread.filter(|_| !inbound.edited)).chain(topic(context, inbound)?).collect())
}

/// The topic of a new message or press, if it is another one than before: answers go there.
pub(super) fn topic(context: &Context, inbound: &Inbound) -> Result<Option<StateChange>, StoreError> {
    let conversation = &inbound.conversation;
    let Some(topic) = inbound.topic.map(Topic::number) else { return Ok(None) };
    let is_news = !inbound.edited && context.store.topic(conversation)? != topic;
    Ok(is_news.then(|| StateChange::Topic { conversation: conversation.clone(), topic }))
}

/// Marks the messages that Kommo has as deleted. Several become one job each, so that a retry of one repeats no other.
pub(super) async fn deleted(context: &Context, deletion: Deletion) -> StepResult {
    let mut messages = fully_deleted(context, &deletion)?;
    let Deletion { conversation, learnt_at, .. } = deletion;
    let conversation = context.store.moved_from(&conversation)?.unwrap_or(conversation);
    let job = |message| MarkDeleted { conversation: conversation.clone(), message, learned_at: learnt_at };
    if messages.len() > 1 {
        return Ok(Step::local(Outcome::Replace(messages.into_iter().map(job).map(Job::from).collect())));
    }
    match messages.pop() {
        Some(message) => mark_deleted(context, &job(message)).await,
        None => Ok(Step::done()),
    }
}

/// Marks a message as deleted by editing its text, since Kommo deletes none. If Kommo refuses the edit, it stays
/// unchanged.
pub(super) async fn mark_deleted(context: &Context, job: &MarkDeleted) -> StepResult {
    let MarkDeleted { conversation, message, learned_at } = job;
    let event = to_kommo::deleted(conversation, message, *learned_at, context.spoken.now());
    let answer = context.chats.edit(&event).await.map_err(failure::of_status);
    context.observe(answer.as_ref().err());
    match answer {
        Ok(()) => {}
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(%message, why = refusal.why(), "Kommo does not let a message be marked as deleted");
        }
        Err(later) => return Err(StepError::remote(later).best_effort()),
    }
    Ok(Step::remote(done()))
}

/// The Kommo messages all of whose Telegram messages were deleted: an answer in parts of which some are left stays.
fn fully_deleted(context: &Context, deletion: &Deletion) -> Result<Vec<KommoMessageId>, StoreError> {
    let mut deleted = Vec::new();
    for message in &deletion.messages {
        let Some(kommo) = context.store.kommo_message(message)? else { continue };
        let parts = context.store.telegram_messages(&kommo)?;
        if !deleted.contains(&kommo) && parts.iter().all(|part| deletion.messages.contains(part)) {
            deleted.push(kommo);
        }
    }
    Ok(deleted)
}
