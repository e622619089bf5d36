//! Sends one message to Kommo. If Kommo refuses it, checks the history whether Kommo has it already.

use crate::{
    clock,
    domain::{
        address::{KommoChatId, KommoMessageId, KommoUserId, is_uuid},
        message::{Author, Inbound},
        retry::Failure,
    },
    kommo::{
        chats::CallError,
        wire::{Accepted, Event, HistoryMessage},
    },
    metrics::DeliveryTimes,
    relay::{
        context::Context,
        inbound::avatar,
        incoming::AttemptInfo,
        step::{Step, StepError, StepResult},
    },
    store::{Chat, Outcome, StateChange, StoreError},
    translate::to_kommo::{self, Extras, Variant},
};

/// Sends a message in the richest form that Kommo accepts ([`to_kommo::variants`]). If Kommo refuses a form, the chat's
/// history is checked for the message before another form is tried.
pub(super) async fn send(context: &Context, inbound: &Inbound, attempt: AttemptInfo) -> StepResult {
    send_with(context, inbound, Extras::of(inbound), attempt).await
}

/// The same with more than the message itself has.
pub(super) async fn send_with(
    context: &Context,
    inbound: &Inbound,
    extras: Extras,
    attempt: AttemptInfo,
) -> StepResult {
    count_received(context, inbound, attempt);
    let opened_chat = opened_chat(context, inbound, attempt)?;
    let extras = Extras {
        picture: avatar::link(context, inbound).await?,
        begun: opened_chat.clone().map(|chat| (chat.chat, chat.user)),
        ..extras
    };
    let answered = opened_chat.map(|opened_chat| StateChange::Answered {
        conversation: inbound.conversation.clone(),
        chat: opened_chat.chat,
    });
    let (links, language) = (context.links.made_at(clock::now()), context.spoken.now());
    let mut variants = to_kommo::variants(inbound, &extras, &links, language);
    let mut sent = Ok(Step::done());
    let mut tried = variants.next();
    while let Some(variant) = tried {
        sent = deliver(context, inbound, &variant.event, attempt).await;
        let Err(StepError::Failed { failure, .. }) = &sent else { break };
        tried = variants.find(|next| may_help(failure, &variant, next, attempt));
        if let Some(next) = &tried {
            let (without, why) = (next.without, failure.why());
            tracing::info!(message = %inbound.id, ?without, %why, "Kommo refused this form: sending a plainer one");
        }
    }
    Ok(sent?.with_changes(Vec::from_iter(answered)))
}

/// Counts a message at its first attempt.
fn count_received(context: &Context, inbound: &Inbound, attempt: AttemptInfo) {
    if attempt.is_first {
        context.metrics.customer_wrote(&inbound.conversation, inbound.content.kind());
    }
}

/// Whether to try a plainer form of a message that Kommo has not accepted. If Kommo refuses the chat that a manager
/// started, for whatever reason, send to the old chat: only a refusal there is about the message itself.
fn may_help(failure: &Failure, tried: &Variant, next: &Variant, attempt: AttemptInfo) -> bool {
    let is_given_up = attempt.is_last || !failure.may_pass();
    matches!(failure, Failure::Permanent(_)) || (tried.is_begun && !next.is_begun && is_given_up)
}

/// The chat that a manager has started and that this message answers, if the customer wrote it after that. An earlier
/// message may have been sent already, so it is repeated unchanged.
fn opened_chat(context: &Context, inbound: &Inbound, attempt: AttemptInfo) -> Result<Option<Chat>, StoreError> {
    if inbound.author != Author::Customer {
        return Ok(None);
    }
    let opening = context.store.opening(&inbound.conversation)?;
    Ok(opening.filter(|opening| attempt.enqueued_at >= opening.begun_at).map(|opening| opening.chat))
}

/// Sends `event`. Kommo's response is the same if it does not know the channel and if it does not know what the message
/// refers to. If the history then shows that Kommo knows the channel, it may have been connected a moment ago: only a
/// second refusal is about this message.
async fn deliver(context: &Context, inbound: &Inbound, event: &Event, attempt: AttemptInfo) -> StepResult {
    let mut is_repeated = false;
    loop {
        let error = match context.chats.send(event).await {
            Ok(answer) => return accepted(context, inbound, answer, attempt).await,
            Err(error) => error,
        };
        context.observe(Some(&error.clone().into()));
        let is_unknown = error.is_unknown();
        let refused = refused(context, inbound, error, attempt).await;
        let is_final = matches!(&refused, Err(StepError::Failed { failure: Failure::Permanent(_), .. }));
        if is_repeated || !is_unknown || !is_final {
            return refused;
        }
        is_repeated = true;
    }
}

/// Counts a message that Kommo has.
fn count_delivered(context: &Context, inbound: &Inbound, attempt: AttemptInfo) {
    let (written_at, came_at) = (Some(inbound.sent_at), attempt.enqueued_at);
    let way = DeliveryTimes { written_at, came_at, arrived_at: clock::now() };
    context.metrics.reached_kommo(&inbound.conversation.source, inbound.content.kind(), way);
}

async fn accepted(context: &Context, inbound: &Inbound, answer: Accepted, attempt: AttemptInfo) -> StepResult {
    context.observe(None);
    context.metrics.unconnected(None);
    count_delivered(context, inbound, attempt);
    let took_ms = attempt.enqueued_at.until(clock::now()).as_millis();
    tracing::info!(
        conversation = %inbound.conversation, message_id = %inbound.id, kommo_id = answer.msgid.as_deref(),
        kind = inbound.content.kind(), took_ms = u64::try_from(took_ms).unwrap_or(u64::MAX),
        "message accepted by Kommo"
    );
    let mut changes = changes(inbound, answer);
    if !changes.iter().any(|change| matches!(change, StateChange::Chat { .. })) {
        changes.extend(Box::pin(unnamed_chat(context, inbound)).await?);
    }
    Ok(Step::remote(Outcome::Done { then: Vec::new(), changes }))
}

/// The chat of a message whose response does not name it: from the store, or by another request, since without it
/// managers' messages there could not be reconciled. The change also records the chat's activity. If the request fails,
/// the next message repeats it.
async fn unnamed_chat(context: &Context, inbound: &Inbound) -> Result<Option<StateChange>, StoreError> {
    let conversation = inbound.conversation.clone();
    if let Some(chat) = context.store.chat(&conversation)? {
        return Ok(Some(StateChange::Chat { conversation, chat }));
    }
    if context.store.opening(&conversation)?.is_some() {
        // It may be in the chat that a manager has started. A request would create another one.
        return Ok(None);
    }
    match context.chats.chat(&to_kommo::chat(inbound)).await {
        Ok(id) => Ok(Some(StateChange::Chat { conversation, chat: Chat { chat: KommoChatId(id), user: None } })),
        Err(error) => {
            tracing::debug!(%conversation, %error, "Kommo did not name its id of the chat");
            Ok(None)
        }
    }
}

/// Kommo accepts each message once, and its response to a repetition is not documented. So before a message is given
/// up, or tried again although Kommo seems to have accepted it, the chat's history is checked for it.
async fn refused(context: &Context, inbound: &Inbound, error: CallError, attempt: AttemptInfo) -> StepResult {
    let (ambiguous, is_unknown) = (error.is_ambiguous(), error.is_unknown());
    let failure = Failure::from(error);
    if !ambiguous && !failure.is_final() {
        return Err(StepError::remote(failure));
    }
    Err(StepError::remote(match already_there(context, inbound).await? {
        Found::Present(changes) => {
            count_delivered(context, inbound, attempt);
            tracing::info!(message = %inbound.id, "Kommo had this message already");
            return Ok(Step::remote(Outcome::Done { then: Vec::new(), changes }));
        }
        // Kommo accepts messages before its history shows them. If an earlier attempt may have arrived, check again.
        Found::Missing if attempt.failed_before > 0 && !attempt.is_last => Failure::transient(failure.why()),
        Found::Missing => failure,
        // A message creates its chat, and so does the request for it: neither can be unknown to Kommo, but the channel
        // can.
        Found::Unavailable(unknown) if is_unknown && unknown.is_unknown() => Failure::blocked(format!(
            "{}: Kommo does not seem to know the channel. `telekommo check` says what is wrong",
            failure.why()
        )),
        Found::Unavailable(unknown) => match Failure::from(unknown) {
            // A channel that is not connected for now says nothing about this message either.
            later if !later.is_final() && !attempt.is_last => later,
            // Without a history, the refusal stands; one message must not block all others.
            _ => failure,
        },
    }))
}

/// The result of looking for a message in the history.
enum Found {
    /// Kommo has it. These are the changes that the lost response would have caused.
    Present(Vec<StateChange>),
    Missing,
    /// The history could not be read.
    Unavailable(CallError),
}

impl Found {
    fn of(
        answer: Result<Option<HistoryMessage>, CallError>,
        changes: impl FnOnce(HistoryMessage) -> Vec<StateChange>,
    ) -> Self {
        match answer {
            Ok(Some(found)) => Self::Present(changes(found)),
            Ok(None) => Self::Missing,
            Err(error) => Self::Unavailable(error),
        }
    }
}

/// Looks for a message in the history, to recover the ids of a lost response: edits, quotes and reactions need them.
///
/// If the response to the very first message was lost, the id of the chat is not known either. The request for it
/// creates the chat if there is none; Kommo shows a chat without messages to nobody. The message may also be in the
/// chat that a manager has started.
async fn already_there(context: &Context, inbound: &Inbound) -> Result<Found, StoreError> {
    let ours = inbound.id.to_string();
    if let Some(opening) = context.store.opening(&inbound.conversation)? {
        match context.chats.find(&opening.chat.chat.0, &ours).await {
            Ok(Some(found)) => return Ok(Found::Present(link(inbound, found).into_iter().collect())),
            Err(later) if Failure::from(later.clone()).may_pass() => return Ok(Found::Unavailable(later)),
            // It is not documented whether the history of such a chat can be read.
            Ok(None) | Err(_) => {}
        }
    }
    let chat = match context.store.chat(&inbound.conversation)? {
        Some(known) => known,
        None => match context.chats.chat(&to_kommo::chat(inbound)).await {
            Ok(id) => Chat { chat: KommoChatId(id), user: None },
            Err(unknown) => return Ok(Found::Unavailable(unknown)),
        },
    };
    let found = context.chats.find(&chat.chat.0, &ours).await;
    // The store may have more by now.
    let chat = context.store.chat(&inbound.conversation)?.unwrap_or(chat);
    let change = StateChange::Chat { conversation: inbound.conversation.clone(), chat };
    Ok(Found::of(found, |found| link(inbound, found).into_iter().chain([change]).collect()))
}

fn link(inbound: &Inbound, found: HistoryMessage) -> Option<StateChange> {
    found.id.map(|id| StateChange::Link { ours: inbound.id, kommo: KommoMessageId(id) })
}

/// The changes by the ids in Kommo's response. Older responses have fewer.
fn changes(inbound: &Inbound, accepted: Accepted) -> Vec<StateChange> {
    let link = accepted.msgid.map(|id| StateChange::Link { ours: inbound.id, kommo: KommoMessageId(id) });
    let customer = match inbound.author {
        Author::Customer => accepted.sender_id,
        Author::Business { .. } => accepted.receiver_id,
    };
    let customer = customer.filter(|id| is_uuid(id)).map(KommoUserId);
    let chat = accepted.conversation_id.filter(|id| is_uuid(id)).map(|id| StateChange::Chat {
        conversation: inbound.conversation.clone(),
        chat: Chat { chat: KommoChatId(id), user: customer },
    });
    link.into_iter().chain(chat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            address::{BotId, ContactId, Conversation, MessageId, SourceId, UserId},
            message::{Content, Customer},
            time::UnixMillis,
        },
        kommo::wire::Answer,
    };

    fn learned(answer: &str) -> Vec<StateChange> {
        let inbound = Inbound {
            conversation: Conversation::new(SourceId::parse("sales").unwrap(), 7),
            id: MessageId { bot: BotId(1), chat: 7.into(), message: 43, update: None },
            customer: Customer {
                id: ContactId::Person(UserId(7)),
                name: "Ann".to_owned(),
                username: None,
                phone: None,
            },
            author: Author::Customer,
            sent_at: UnixMillis(0),
            content: Content::Text("x".to_owned()),
            quote: None,
            edited: false,
            topic: None,
            unattended: false,
        };
        changes(&inbound, serde_json::from_str::<Answer>(answer).unwrap().new_message.unwrap())
    }

    #[test]
    fn a_full_response_has_the_ids_of_the_message_and_the_chat() {
        let changes = learned(include_str!("../../../tests/fixtures/kommo/answer_new.json"));
        assert!(matches!(&changes[..], [StateChange::Link { kommo, .. }, StateChange::Chat { chat, .. }]
            if kommo.0 == "c6af5fb1-5b00-48f7-98cf-95edb29c704d"
                && chat.chat.0 == "b52c987e-1ef0-4544-b4e7-6d2ba665f9e4"
                && chat.user.as_ref().is_some_and(|user| user.0 == "9320f3de-aa61-4d12-8cf8-39e91b347445")));
    }

    #[test]
    fn an_older_response_has_the_id_of_the_message_only() {
        let changes = learned(include_str!("../../../tests/fixtures/kommo/answer_old.json"));
        assert!(matches!(&changes[..], [StateChange::Link { .. }]));
    }

    #[test]
    fn our_own_ids_do_not_count_as_kommos() {
        let changes =
            learned(r#"{"new_message":{"conversation_id":"tg:sales:7","sender_id":"tg-user:7","msgid":"m"}}"#);
        assert!(matches!(&changes[..], [StateChange::Link { .. }]));
    }
}
