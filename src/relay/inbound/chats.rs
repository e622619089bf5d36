//! What becomes of chats: connections of Telegram Business, groups that move, and messages that are deleted.

use std::time::Duration;

use crate::{
    domain::{
        address::{BotId, ContactId, Conversation, KommoMessageId, MessageId, SourceId},
        change::{Deletion, Move},
        delivery::Refusal,
        job::Job,
        message::{Author, Inbound},
        reach::{Connection, Membership},
        retry::Failure,
        time::UnixMillis,
        topic::Topic,
    },
    kommo::failure,
    relay::context::{Context, Step, done},
    store::{Outcome, StateChange, StoreError},
    translate::{from_telegram, to_kommo},
};

/// How long Telegram is left alone when it does not say whose a connection is. Longer than the first of our own waits, so
/// that this counts as a wait that was asked for.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The connection of Telegram Business that an update came by, and what was learnt in looking for it. An update that does
/// not say whose chat it is in waits until Telegram does.
pub(super) async fn connection(
    context: &Context,
    source: &SourceId,
    bot: BotId,
    raw: &str,
) -> Result<Result<(Option<Connection>, Vec<StateChange>), Failure>, StoreError> {
    let Some(id) = from_telegram::connection_id(raw) else { return Ok(Ok((None, Vec::new()))) };
    if let Some(known) = context.store.connection(bot, &id)? {
        return Ok(Ok((Some(known), Vec::new())));
    }
    let Some(asked) = context.bots.get(source).filter(|it| it.id() == bot) else {
        return Ok(Err(unknowable("the source has another bot now than the one that received it")));
    };
    Ok(match asked.business_connection(&id).await {
        Ok(Some(connection)) => {
            let fact = StateChange::Connection { bot, connection: connection.clone() };
            Ok((Some(connection), vec![fact]))
        }
        Ok(None) | Err(Failure::Permanent(_)) => Err(unknowable("the owner has removed the bot")),
        // What is wrong with one bot must not stop everything that goes to Kommo.
        Err(later) => Err(put_off(&later)),
    })
}

/// A wait that is Telegram's doing: it uses up none of the tries that the message itself has at Kommo.
fn put_off(later: &Failure) -> Failure {
    let after = later.after().unwrap_or_default().max(ASKED_AGAIN_AFTER);
    Failure::Throttled { why: later.why().into_owned(), after: Some(after) }
}

fn unknowable(because: &str) -> Failure {
    let sentence = format!("Telegram no longer says in whose chat this was written: {because}.");
    Failure::Permanent(Refusal::internal(sentence))
}

/// Keeps a connection.
pub(super) fn connected(source: &SourceId, bot: BotId, connection: Connection) -> Outcome {
    let Connection { enabled, can_reply, .. } = connection;
    tracing::info!(%source, owner = %connection.owner, enabled, can_reply, "a connection of Telegram Business");
    Outcome::Done { then: Vec::new(), changes: vec![StateChange::Connection { bot, connection }] }
}

/// Keeps where a group is now.
pub(super) fn moved(Move { from, to }: Move) -> Outcome {
    tracing::info!(conversation = %from, to, "a group has become a supergroup: its conversation goes on");
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

/// What a message tells besides its words: whoever writes has let the bot in again.
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

/// The topic in which somebody has just written or pressed a button, if it is another one than before: answers go there.
pub(super) fn topic(context: &Context, inbound: &Inbound) -> Result<Option<StateChange>, StoreError> {
    let conversation = &inbound.conversation;
    let Some(topic) = inbound.topic.map(Topic::topic) else { return Ok(None) };
    let is_news = !inbound.edited && context.store.topic(conversation)? != topic;
    Ok(is_news.then(|| StateChange::Topic { conversation: conversation.clone(), topic }))
}

/// Marks messages as deleted, those that Kommo knows. Each is a job of its own, so that a retry of one repeats no other.
/// Kommo deletes nothing, but its messages can be given another wording; one for which it does not take that stays as it is.
pub(super) async fn deleted(
    context: &Context,
    deletion: &Deletion,
    (source, bot, raw): (&SourceId, BotId, &str),
) -> Result<Step, StoreError> {
    let mut gone = gone(context, deletion)?;
    if gone.len() > 1 {
        let part = |(_, messages): &Gone| {
            let numbers: Vec<_> = messages.iter().map(|it| it.message).collect();
            let raw = from_telegram::deletion_of(raw, &numbers)?;
            Some(Job::Update { source: source.clone(), bot, raw })
        };
        return Ok(Step::local(Ok(Outcome::Replace(gone.iter().filter_map(part).collect()))));
    }
    let Some((message, _)) = gone.pop() else { return Ok(Step::local(Ok(done()))) };
    let event = to_kommo::deleted(&deletion.conversation, &message, deletion.learnt_at, context.spoken.now());
    let answer = context.chats.edit(&event).await.map_err(failure::of_status);
    context.observe(answer.as_ref().err());
    let outcome = match answer {
        Ok(()) => Ok(done()),
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(%message, why = refusal.why(), "Kommo does not let a message be marked as deleted");
            Ok(done())
        }
        Err(later) => Err(later),
    };
    Ok(Step::remote(outcome).best_effort())
}

/// A message of Kommo's of which nothing is left in Telegram, and what it was there.
type Gone = (KommoMessageId, Vec<MessageId>);

/// Kommo messages all of whose Telegram parts were deleted.
fn gone(context: &Context, deletion: &Deletion) -> Result<Vec<Gone>, StoreError> {
    let mut gone: Vec<Gone> = Vec::new();
    for message in &deletion.messages {
        let Some(kommo) = context.store.kommo_message(message)? else { continue };
        let parts = context.store.telegram_messages(&kommo)?;
        let is_new = gone.iter().all(|(known, _)| *known != kommo);
        if is_new && parts.iter().all(|part| deletion.messages.contains(part)) {
            gone.push((kommo, parts));
        }
    }
    Ok(gone)
}
