//! What becomes of chats: connections of Telegram Business, groups that move, and messages that are deleted.

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

/// How long Telegram is left alone when it does not say whose a connection is. Longer than the first of our own waits,
/// so that this counts as a wait that was asked for.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The connection of Telegram Business that an update came by. An update that does
/// not say whose chat it is in waits until Telegram does.
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
    let Some(asked) = context.bots.get(source).filter(|it| it.id() == bot) else {
        return Err(unknowable("the source has another bot now than the one that received it"));
    };
    match asked.business_connection(&id).await.map(|wire| from_telegram::connection(&wire)) {
        Ok(Some(connection)) => {
            effects.changes.push(StateChange::Connection { bot, connection: connection.clone() });
            Ok(Some(connection))
        }
        Ok(None) | Err(Failure::Permanent(_)) => Err(unknowable("the owner has removed the bot")),
        // What is wrong with one bot must not stop everything that goes to Kommo.
        Err(later) => Err(StepError::local(put_off(&later))),
    }
}

/// A wait that is Telegram's doing: it uses up none of the tries that the message itself has at Kommo.
fn put_off(later: &Failure) -> Failure {
    let after = later.after().unwrap_or_default().max(ASKED_AGAIN_AFTER);
    Failure::Throttled { why: later.why().into_owned(), after: Some(after) }
}

fn unknowable(because: &str) -> StepError {
    let sentence = format!("Telegram no longer says in whose chat this was written: {because}.");
    StepError::local(Failure::Permanent(Refusal::internal(sentence)))
}

/// Keeps a connection.
pub(super) fn connected(incoming: Incoming<'_>, connection: Connection) -> Outcome {
    let Incoming { source, bot, .. } = incoming;
    let Connection { enabled, can_reply, .. } = connection;
    tracing::info!(%source, owner = %connection.owner, enabled, can_reply, "a connection of Telegram Business");
    Outcome::Done { then: Vec::new(), changes: vec![StateChange::Connection { bot, connection }] }
}

/// Keeps where a group is now.
pub(super) fn moved(Move { from, to }: Move) -> Outcome {
    tracing::info!(conversation = %from, to, "a group has become a supergroup: its conversation is kept");
    Outcome::Done { then: Vec::new(), changes: vec![StateChange::Move { from, to }] }
}

/// Names a conversation as it has been called from its beginning, and so its contact: one group is one card.
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

/// What a message shows besides its words: a customer who writes has let the bot in again.
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

/// The topic in which somebody has just written or pressed a button, if it is another one than before: answers go
/// there.
pub(super) fn topic(context: &Context, inbound: &Inbound) -> Result<Option<StateChange>, StoreError> {
    let conversation = &inbound.conversation;
    let Some(topic) = inbound.topic.map(Topic::topic) else { return Ok(None) };
    let is_news = !inbound.edited && context.store.topic(conversation)? != topic;
    Ok(is_news.then(|| StateChange::Topic { conversation: conversation.clone(), topic }))
}

/// Marks messages as deleted, those that Kommo knows. Of several, each is a job of its own, so that a retry of one
/// repeats no other.
pub(super) async fn deleted(context: &Context, deletion: Deletion) -> StepResult {
    let mut gone = gone(context, &deletion)?;
    let Deletion { conversation, learnt_at, .. } = deletion;
    let conversation = context.store.moved_from(&conversation)?.unwrap_or(conversation);
    let job = |message| MarkDeleted { conversation: conversation.clone(), message, learned_at: learnt_at };
    if gone.len() > 1 {
        return Ok(Step::local(Outcome::Replace(gone.into_iter().map(job).map(Job::from).collect())));
    }
    match gone.pop() {
        Some(message) => mark_deleted(context, &job(message)).await,
        None => Ok(Step::done()),
    }
}

/// Kommo deletes nothing, but its messages can be given another wording; one for which it does not take that stays as
/// it is.
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

/// The messages of Kommo's of which nothing is left in Telegram: an answer in parts of which some are left still says
/// what they say.
fn gone(context: &Context, deletion: &Deletion) -> Result<Vec<KommoMessageId>, StoreError> {
    let mut gone = Vec::new();
    for message in &deletion.messages {
        let Some(kommo) = context.store.kommo_message(message)? else { continue };
        let parts = context.store.telegram_messages(&kommo)?;
        if !gone.contains(&kommo) && parts.iter().all(|part| deletion.messages.contains(part)) {
            gone.push(kommo);
        }
    }
    Ok(gone)
}
