//! One message, to Kommo: sent, and looked for where Kommo does not take it.

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
    relay::{
        context::Context,
        inbound::{Attempt, StepOutcome, avatar},
    },
    store::{Chat, Outcome, StateChange, StoreError},
    translate::to_kommo,
};

/// Sends a message. What Kommo refuses is looked for in the chat's history before it is given up, and a file that Kommo
/// does not take is told as a text with the link to it.
pub(super) async fn send(context: &Context, inbound: &Inbound, attempt: Attempt) -> StepOutcome {
    came(context, inbound, attempt);
    let (links, language) = (context.links.made_at(clock::now()), context.spoken.now());
    let outcome = send_as(context, inbound, to_kommo::encode(inbound, &links, language), attempt).await?;
    match to_kommo::linked(inbound, &links, language) {
        Some(text) if matches!(outcome, Err(Failure::Permanent(_))) => {
            tracing::info!(message = %inbound.id, "Kommo refused this file: sent as a text with its link");
            send_as(context, inbound, text, attempt).await
        }
        Some(_) | None => Ok(outcome),
    }
}

/// Counts a message when it is tried first.
pub(super) fn came(context: &Context, inbound: &Inbound, attempt: Attempt) {
    if attempt.is_first {
        context.metrics.customer_wrote(&inbound.conversation);
    }
}

/// Sends `event`. If a manager has begun a chat with the customer, first tries to join that chat to this conversation;
/// on any refusal, sends again without joining, because only that answer says what is wrong with the message itself.
pub(super) async fn send_as(context: &Context, inbound: &Inbound, event: Event, attempt: Attempt) -> StepOutcome {
    let Some(chat) = begun(context, inbound, attempt)? else {
        return send_pictured(context, inbound, event, attempt).await;
    };
    let answering = to_kommo::answering(event.clone(), &chat.chat, chat.user.as_ref());
    let mut outcome = Box::pin(send_pictured(context, inbound, answering, attempt)).await?;
    let is_given_up = match &outcome {
        Err(failure) => attempt.is_last || !failure.may_pass(),
        Ok(_) => false,
    };
    if is_given_up {
        let why = outcome.as_ref().err().map(Failure::why);
        tracing::info!(message = %inbound.id, outcome = why.as_deref(), "Kommo refused to join the chat that a manager \
                                                                         began: sent without joining");
        outcome = Box::pin(send_pictured(context, inbound, event, attempt)).await?;
    }
    if let Ok(Outcome::Done { changes, .. }) = &mut outcome {
        changes.push(StateChange::Answered { conversation: inbound.conversation.clone(), chat: chat.chat });
    }
    Ok(outcome)
}

/// The chat that a manager has begun and that these words answer: those of the customer that came after it. What was there
/// before may have been sent already, and is sent again as it was.
fn begun(context: &Context, inbound: &Inbound, attempt: Attempt) -> Result<Option<Chat>, StoreError> {
    if inbound.author != Author::Customer {
        return Ok(None);
    }
    let begun = context.store.opening(&inbound.conversation)?;
    Ok(begun.filter(|begun| attempt.enqueued_at >= begun.begun_at).map(|begun| begun.chat))
}

/// Shows the customer's picture; whatever Kommo has against that, the words must not stay behind with it.
async fn send_pictured(context: &Context, inbound: &Inbound, event: Event, attempt: Attempt) -> StepOutcome {
    // In boxes, since the future of a step would grow too large with them.
    let Some(picture) = Box::pin(avatar::link(context, inbound)).await? else {
        return Box::pin(deliver(context, inbound, &event, attempt)).await;
    };
    let outcome = Box::pin(deliver(context, inbound, &to_kommo::pictured(event.clone(), picture), attempt)).await?;
    if matches!(outcome, Err(Failure::Permanent(_))) {
        tracing::debug!(message = %inbound.id, "Kommo refused the customer's picture: sent without it");
        return Box::pin(deliver(context, inbound, &event, attempt)).await;
    }
    Ok(outcome)
}

async fn deliver(context: &Context, inbound: &Inbound, event: &Event, attempt: Attempt) -> StepOutcome {
    match context.chats.send(event).await {
        Ok(accepted) => {
            context.observe(None);
            context.metrics.unconnected(None);
            context.metrics.reached_kommo();
            let took_ms = attempt.enqueued_at.until(clock::now()).as_millis();
            tracing::info!(
                conversation = %inbound.conversation, message_id = %inbound.id, kommo_id = accepted.msgid.as_deref(),
                kind = inbound.content.kind(), took_ms = u64::try_from(took_ms).unwrap_or(u64::MAX),
                "message accepted by Kommo"
            );
            let mut changes = changes(inbound, accepted);
            if !changes.iter().any(|fact| matches!(fact, StateChange::Chat { .. })) {
                changes.extend(Box::pin(unnamed_chat(context, inbound)).await?);
            }
            Ok(Ok(Outcome::Done { then: Vec::new(), changes }))
        }
        Err(error) => {
            context.observe(Some(&error.clone().into()));
            refused(context, inbound, error, attempt).await
        }
    }
}

/// The chat of a message whose acceptance does not name it: known, or asked for, since without it what managers write there
/// could not be looked for. That something was said in it is noted with it. Where that fails, the next message asks again.
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
async fn refused(context: &Context, inbound: &Inbound, error: CallError, attempt: Attempt) -> StepOutcome {
    let (ambiguous, is_unknown) = (error.is_ambiguous(), error.is_unknown());
    let failure = Failure::from(error);
    if !ambiguous && !failure.is_final() {
        return Ok(Err(failure));
    }
    Ok(match already_there(context, inbound).await? {
        Ok(Some(changes)) => {
            context.metrics.reached_kommo();
            tracing::info!(message = %inbound.id, "Kommo had this message already");
            Ok(Outcome::Done { then: Vec::new(), changes })
        }
        // Kommo takes messages before its history shows them. Where an earlier attempt may have arrived, it is looked again.
        Ok(None) if attempt.failed_before > 0 && !attempt.is_last => Err(Failure::transient(failure.why())),
        Ok(None) => Err(failure),
        // A message makes its chat, and so does the question for it: neither is unknown to Kommo, but the channel may be.
        Err(unknown) if is_unknown && unknown.is_unknown() => Err(Failure::blocked(format!(
            "{}: Kommo seems not to know the channel. `telekommo check` says what is wrong",
            failure.why()
        ))),
        Err(unknown) => Err(match Failure::from(unknown) {
            // Nor does a channel that is not connected, for now, say anything against this message.
            later if !later.is_final() && !attempt.is_last => later,
            // Without a history to ask, the refusal stands; one message must not hold up all others.
            _ => failure,
        }),
    })
}

/// What the lost answer would have told of a message that is there: edits, quotes and reactions name it by that.
///
/// If Kommo's answer to the very first message was lost, its id of the chat is not known either. Asking for it makes the
/// chat if there is none; one without messages is shown to nobody. It may also be in the chat that a manager has begun.
async fn already_there(
    context: &Context,
    inbound: &Inbound,
) -> Result<Result<Option<Vec<StateChange>>, CallError>, StoreError> {
    let ours = inbound.id.to_string();
    if let Some(opening) = context.store.opening(&inbound.conversation)? {
        match context.chats.find(&opening.chat.chat.0, &ours).await {
            Ok(Some(found)) => return Ok(Ok(Some(link(inbound, found).into_iter().collect()))),
            Err(later) if Failure::from(later.clone()).may_pass() => return Ok(Err(later)),
            // Whether such a chat lets its history be read is not documented.
            Ok(None) | Err(_) => {}
        }
    }
    let chat = match context.store.chat(&inbound.conversation)? {
        Some(known) => known,
        None => match context.chats.chat(&to_kommo::chat(inbound)).await {
            Ok(id) => Chat { chat: KommoChatId(id), user: None },
            Err(unknown) => return Ok(Err(unknown)),
        },
    };
    let found = context.chats.find(&chat.chat.0, &ours).await;
    // More may have been learnt meanwhile.
    let chat = context.store.chat(&inbound.conversation)?.unwrap_or(chat);
    let fact = StateChange::Chat { conversation: inbound.conversation.clone(), chat };
    Ok(found.map(|found| found.map(|found| link(inbound, found).into_iter().chain([fact]).collect())))
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
