//! What becomes of chats: connections of Telegram Business, groups that move, and messages that are deleted.

use crate::{
    domain::{
        address::{BotId, Conversation, SourceId},
        change::{Deletion, Move},
        delivery::{ErrorCode, Refusal},
        message::{Author, Inbound},
        reach::{Connection, Presence},
        retry::Failure,
        time::UnixMillis,
    },
    kommo::failure,
    relay::courier::{Courier, Step, done},
    store::{Ending, Fact, StoreError},
    translate::{from_telegram, to_kommo},
};

/// The connection of Telegram Business that an update came by, and what was learnt in looking for it. An update that does
/// not say whose chat it is in waits until Telegram does.
pub(super) async fn connection(
    courier: &Courier,
    source: &SourceId,
    bot: BotId,
    raw: &str,
) -> Result<Result<(Option<Connection>, Vec<Fact>), Failure>, StoreError> {
    let Some(id) = from_telegram::connection_id(raw) else { return Ok(Ok((None, Vec::new()))) };
    if let Some(known) = courier.store.connection(bot, &id)? {
        return Ok(Ok((Some(known), Vec::new())));
    }
    let Some(asked) = courier.bots.get(source).filter(|it| it.id() == bot) else { return Ok(Err(ownerless())) };
    Ok(match asked.business_connection(&id).await {
        Ok(Some(connection)) => {
            let fact = Fact::Connection { bot, connection: connection.clone() };
            Ok((Some(connection), vec![fact]))
        }
        Ok(None) | Err(Failure::Permanent(_)) => Err(ownerless()),
        // What is wrong with one bot must not stop everything that goes to Kommo.
        Err(Failure::Blocked { why }) => Err(Failure::transient(why)),
        Err(later @ Failure::Transient { .. }) => Err(later),
    })
}

fn ownerless() -> Failure {
    Failure::Permanent(Refusal::new(
        ErrorCode::Internal,
        "Telegram does not say any more in whose chat this was written: the owner has removed the bot.",
    ))
}

/// Keeps a connection.
pub(super) fn connected(source: &SourceId, bot: BotId, connection: Connection) -> Ending {
    let Connection { enabled, can_reply, .. } = connection;
    tracing::info!(%source, owner = %connection.owner, enabled, can_reply, "a connection of Telegram Business");
    Ending::Done { then: Vec::new(), facts: vec![Fact::Connection { bot, connection }] }
}

/// Keeps where a group is now.
pub(super) fn moved(Move { from, to }: Move) -> Ending {
    tracing::info!(conversation = %from, to, "a group has become a supergroup: its conversation goes on");
    Ending::Done { then: Vec::new(), facts: vec![Fact::Move { from, to }] }
}

/// Names a conversation as it has been called from its beginning.
pub(super) fn settle_in(courier: &Courier, conversation: &mut Conversation) -> Result<(), StoreError> {
    if let Some(first) = courier.store.moved_from(conversation)? {
        *conversation = first;
    }
    Ok(())
}

/// What a message tells besides its words: whoever writes has let the bot in again.
pub(super) fn news(courier: &Courier, inbound: &Inbound, now: UnixMillis) -> Result<Vec<Fact>, StoreError> {
    let conversation = inbound.conversation.clone();
    let written_at = UnixMillis::from_seconds(inbound.sent_at.seconds());
    let shut_out = courier.store.presence(&conversation)?.filter(|it| it.shut_out && it.changed_at <= written_at);
    let back = shut_out.filter(|_| inbound.author == Author::Customer);
    let back = back.map(|before| Presence { shut_out: false, changed_at: written_at, learnt_at: now, ..before });
    let unread = courier.mark_read && inbound.author == Author::Customer && conversation.chat.owner.is_some();
    let unread = unread.then(|| Fact::Newest { conversation: conversation.clone(), message: inbound.id.message });
    let back = back.map(|presence| Fact::Presence { conversation, presence });
    Ok(back.into_iter().chain(unread.filter(|_| !inbound.edited)).collect())
}

/// Marks messages as deleted, those that Kommo knows. Kommo deletes nothing, but its messages can be given another wording;
/// one for which it does not take that stays as it is.
pub(super) async fn deleted(courier: &Courier, deletion: &Deletion) -> Result<Step, StoreError> {
    let mut called = false;
    for message in &deletion.messages {
        if courier.store.kommo_message(message)?.is_none() {
            continue;
        }
        called = true;
        let event = to_kommo::deleted(&deletion.conversation, *message, deletion.learnt_at);
        let answer = courier.chats.edit(&event).await.map_err(failure::of_status);
        courier.observe(answer.as_ref().err());
        match answer {
            Ok(()) => {}
            Err(Failure::Permanent(refusal)) => {
                tracing::info!(%message, why = refusal.sentence, "Kommo does not let a message be marked as deleted");
            }
            Err(later @ (Failure::Transient { .. } | Failure::Blocked { .. })) => return Ok(Step::called(Err(later))),
        }
    }
    Ok(if called { Step::called(Ok(done())) } else { Step::without_call(Ok(done())) })
}
