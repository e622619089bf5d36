//! Sends one message to Kommo. If Kommo refuses it, asks the history whether it is there already.

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

/// Sends a message in the richest form that Kommo takes ([`to_kommo::variants`]). If Kommo refuses a form, the chat's
/// history is asked for the message before another form is tried.
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
    came(context, inbound, attempt);
    let begun = begun(context, inbound, attempt)?;
    let extras = Extras {
        picture: avatar::link(context, inbound).await?,
        begun: begun.clone().map(|chat| (chat.chat, chat.user)),
        ..extras
    };
    let answered =
        begun.map(|begun| StateChange::Answered { conversation: inbound.conversation.clone(), chat: begun.chat });
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

/// Counts a message at its first try.
fn came(context: &Context, inbound: &Inbound, attempt: AttemptInfo) {
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

/// The chat that a manager has begun and that this message answers, if the customer wrote it after that. An earlier
/// message may have been sent already, so it is sent as it was.
fn begun(context: &Context, inbound: &Inbound, attempt: AttemptInfo) -> Result<Option<Chat>, StoreError> {
    if inbound.author != Author::Customer {
        return Ok(None);
    }
    let begun = context.store.opening(&inbound.conversation)?;
    Ok(begun.filter(|begun| attempt.enqueued_at >= begun.begun_at).map(|begun| begun.chat))
}

/// Sends `event`. Kommo gives the same answer if it does not know the channel and if it does not know what the message
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
fn arrived(context: &Context, inbound: &Inbound, attempt: AttemptInfo) {
    let (written_at, came_at) = (Some(inbound.sent_at), attempt.enqueued_at);
    let way = DeliveryTimes { written_at, came_at, arrived_at: clock::now() };
    context.metrics.reached_kommo(&inbound.conversation.source, inbound.content.kind(), way);
}

async fn accepted(context: &Context, inbound: &Inbound, answer: Accepted, attempt: AttemptInfo) -> StepResult {
    context.observe(None);
    context.metrics.unconnected(None);
    arrived(context, inbound, attempt);
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

/// The chat of a message whose acceptance does not name it: known, or asked for, since without it what managers write
/// there could not be looked for. That something was said in it is noted with it. Where that fails, the next message
/// asks again.
async fn unnamed_chat(context: &Context, inbound: &Inbound) -> Result<Option<StateChange>, StoreError> {
    let conversation = inbound.conversation.clone();
    if let Some(chat) = context.store.chat(&conversation)? {
        return Ok(Some(StateChange::Chat { conversation, chat }));
    }
    if context.store.opening(&conversation)?.is_some() {
        // It may be in the chat that a manager has begun. Asking would make another one.
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

/// Kommo takes each message once, and what it answers to a repetition is not documented. So before a message is given
/// up, or tried again although Kommo seems to have taken it, the chat's history is asked whether it is there already.
async fn refused(context: &Context, inbound: &Inbound, error: CallError, attempt: AttemptInfo) -> StepResult {
    let (ambiguous, is_unknown) = (error.is_ambiguous(), error.is_unknown());
    let failure = Failure::from(error);
    if !ambiguous && !failure.is_final() {
        return Err(StepError::remote(failure));
    }
    Err(StepError::remote(match already_there(context, inbound).await? {
        Found::There(changes) => {
            arrived(context, inbound, attempt);
            tracing::info!(message = %inbound.id, "Kommo had this message already");
            return Ok(Step::remote(Outcome::Done { then: Vec::new(), changes }));
        }
        // Kommo takes messages before its history shows them. Where an earlier attempt may have arrived, it is looked
        // again.
        Found::Missing if attempt.failed_before > 0 && !attempt.is_last => Failure::transient(failure.why()),
        Found::Missing => failure,
        // A message makes its chat, and so does the question for it: neither is unknown to Kommo, but the channel may
        // be.
        Found::Untold(unknown) if is_unknown && unknown.is_unknown() => Failure::blocked(format!(
            "{}: Kommo seems not to know the channel. `telekommo check` says what is wrong",
            failure.why()
        )),
        Found::Untold(unknown) => match Failure::from(unknown) {
            // Nor does a channel that is not connected, for now, say anything against this message.
            later if !later.is_final() && !attempt.is_last => later,
            // Without a history to ask, the refusal stands; one message must not hold up all others.
            _ => failure,
        },
    }))
}

/// What a chat's history tells of a message.
enum Found {
    /// It is there. This is what the lost answer would have told.
    There(Vec<StateChange>),
    /// It is not.
    Missing,
    /// Kommo does not give the history.
    Untold(CallError),
}

impl Found {
    fn of(
        answer: Result<Option<HistoryMessage>, CallError>,
        changes: impl FnOnce(HistoryMessage) -> Vec<StateChange>,
    ) -> Self {
        match answer {
            Ok(Some(found)) => Self::There(changes(found)),
            Ok(None) => Self::Missing,
            Err(error) => Self::Untold(error),
        }
    }
}

/// What the lost answer would have told of a message that is there: edits, quotes and reactions name it by that.
///
/// If Kommo's answer to the very first message was lost, its id of the chat is not known either. Asking for it makes
/// the chat if there is none; one without messages is shown to nobody. It may also be in the chat that a manager has
/// begun.
async fn already_there(context: &Context, inbound: &Inbound) -> Result<Found, StoreError> {
    let ours = inbound.id.to_string();
    if let Some(opening) = context.store.opening(&inbound.conversation)? {
        match context.chats.find(&opening.chat.chat.0, &ours).await {
            Ok(Some(found)) => return Ok(Found::There(link(inbound, found).into_iter().collect())),
            Err(later) if Failure::from(later.clone()).may_pass() => return Ok(Found::Untold(later)),
            // Whether such a chat lets its history be read is not documented.
            Ok(None) | Err(_) => {}
        }
    }
    let chat = match context.store.chat(&inbound.conversation)? {
        Some(known) => known,
        None => match context.chats.chat(&to_kommo::chat(inbound)).await {
            Ok(id) => Chat { chat: KommoChatId(id), user: None },
            Err(unknown) => return Ok(Found::Untold(unknown)),
        },
    };
    let found = context.chats.find(&chat.chat.0, &ours).await;
    // More may have been learnt meanwhile.
    let chat = context.store.chat(&inbound.conversation)?.unwrap_or(chat);
    let change = StateChange::Chat { conversation: inbound.conversation.clone(), chat };
    Ok(Found::of(found, |found| link(inbound, found).into_iter().chain([change]).collect()))
}

fn link(inbound: &Inbound, found: HistoryMessage) -> Option<StateChange> {
    found.id.map(|id| StateChange::Link { ours: inbound.id, kommo: KommoMessageId(id) })
}

/// What Kommo's answer tells about ids. Older answers tell less.
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
    fn a_full_answer_tells_of_the_message_and_the_chat() {
        let changes = learned(include_str!("../../../tests/fixtures/kommo/answer_new.json"));
        assert!(matches!(&changes[..], [StateChange::Link { kommo, .. }, StateChange::Chat { chat, .. }]
            if kommo.0 == "c6af5fb1-5b00-48f7-98cf-95edb29c704d"
                && chat.chat.0 == "b52c987e-1ef0-4544-b4e7-6d2ba665f9e4"
                && chat.user.as_ref().is_some_and(|user| user.0 == "9320f3de-aa61-4d12-8cf8-39e91b347445")));
    }

    #[test]
    fn an_older_answer_tells_of_the_message_only() {
        let changes = learned(include_str!("../../../tests/fixtures/kommo/answer_old.json"));
        assert!(matches!(&changes[..], [StateChange::Link { .. }]));
    }

    #[test]
    fn our_own_ids_are_not_taken_for_kommos() {
        let changes =
            learned(r#"{"new_message":{"conversation_id":"tg:sales:7","sender_id":"tg-user:7","msgid":"m"}}"#);
        assert!(matches!(&changes[..], [StateChange::Link { .. }]));
    }
}
