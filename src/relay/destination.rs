//! The destination of messages to a conversation.

use crate::{
    domain::{
        address::{BotId, Conversation},
        delivery::{ErrorCode, Refusal},
        membership::Connection,
        retry::Failure,
    },
    relay::{context::Context, step::StepError},
    store::{StateChange, Store, StoreError},
    telegram::{bot::Bot, routing::Target},
    translate::from_telegram,
    words::{Sentence, refusal},
};

/// What the store knows of a destination.
pub(super) enum DestinationState {
    Open(Destination),
    /// Answers need a connection of Telegram Business that does not allow them, by what Telegram last reported.
    Shut(Connection),
    /// Answers need a connection of which the store knows nothing.
    Unknown,
}

/// The chat of a conversation.
pub(super) struct Destination {
    /// Its parameters in calls.
    pub(super) target: Target,
    /// Whether its messages may be marked as read.
    pub(super) can_read: bool,
}

/// The destination of a conversation, by what the store knows.
pub(super) fn known(store: &Store, bot: BotId, to: &Conversation) -> Result<DestinationState, StoreError> {
    let chat_id = store.moved_to(to)?.unwrap_or(to.chat.id);
    let Some(owner) = to.chat.owner else {
        let target = Target { chat_id, business_connection_id: None, topic: store.topic(to)? };
        return Ok(DestinationState::Open(Destination { target, can_read: false }));
    };
    Ok(match store.connection_of(bot, owner)? {
        Some(connection) if connection.is_open() => DestinationState::Open(through(&connection, chat_id)),
        Some(connection) => DestinationState::Shut(connection),
        None => DestinationState::Unknown,
    })
}

fn through(connection: &Connection, chat_id: i64) -> Destination {
    let target = Target { chat_id, business_connection_id: Some(connection.id.clone()), topic: None };
    Destination { target, can_read: connection.can_read }
}

/// The target of a conversation, if it is open by what the store knows.
pub(super) fn target(context: &Context, to: &Conversation) -> Result<Option<Target>, StoreError> {
    let Some(bot) = context.bots.get(&to.source) else { return Ok(None) };
    Ok(match known(&context.store, bot.id(), to)? {
        DestinationState::Open(destination) => Some(destination.target),
        DestinationState::Shut(_) | DestinationState::Unknown => None,
    })
}

/// The destination of an answer, and the changes from finding it. Telegram is asked before an answer is refused: we may
/// have missed that the owner has allowed answers again.
pub(super) async fn for_answer(
    context: &Context,
    bot: &Bot,
    to: &Conversation,
) -> Result<(Destination, Vec<StateChange>), StepError> {
    let connection = match known(&context.store, bot.id(), to)? {
        DestinationState::Open(destination) => return Ok((destination, Vec::new())),
        DestinationState::Shut(connection) => connection,
        DestinationState::Unknown => return Err(refused(refusal::way_unknown())),
    };
    match bot.business_connection(&connection.id).await.map(|wire| from_telegram::connection(&wire)) {
        Ok(Some(now)) if now.is_open() => {
            let destination = through(&now, to.chat.id);
            Ok((destination, vec![StateChange::Connection { bot: bot.id(), connection: now }]))
        }
        Err(later) if !later.is_final() => Err(StepError::remote(later)),
        Ok(_) | Err(_) => {
            Err(refused(if connection.enabled { refusal::only_reads() } else { refusal::no_connection() }))
        }
    }
}

fn refused(sentence: Sentence) -> StepError {
    StepError::remote(Failure::Permanent(Refusal::new(ErrorCode::IntegrationOff, sentence)))
}
