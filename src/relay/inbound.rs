//! A customer's update, to Kommo.

use crate::{
    clock,
    domain::{
        address::{BotId, KommoChatId, KommoMessageId, KommoUserId, SourceId},
        delivery::{ErrorCode, Refusal},
        message::{Inbound, Reaction, Skip, Tap},
        retry::Failure,
        time::UnixMillis,
    },
    kommo::{
        chats::CallError,
        failure,
        wire::{Accepted, Event},
    },
    relay::{
        courier::{Courier, Step, done},
        taps,
    },
    store::{Chat, Ending, Fact, StoreError},
    translate::{from_telegram, to_kommo},
};

/// How many attempts a message may fail that only this message fails: one that a firewall does not let through, or that
/// Kommo refuses while its history cannot be asked. Kommo being down is another matter; that is waited out.
const TRIES_OF_ITS_OWN: u32 = 10;

/// How a step ended. The outer error is the store's.
type Outcome = Result<Result<Ending, Failure>, StoreError>;

/// Relays one update. A press of a button, which Telegram does not date, is as old as its job.
pub(super) async fn step(
    courier: &Courier,
    source: &SourceId,
    bot: BotId,
    raw: &str,
    failed_before: u32,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let is_last_try = failed_before >= TRIES_OF_ITS_OWN;
    if let Some(tap) = from_telegram::decode_tap(raw, source, bot, enqueued_at) {
        return self::tap(courier, source, tap, is_last_try).await.map(Step::called);
    }
    if let Some(reaction) = from_telegram::decode_reaction(raw, source, bot) {
        return react(courier, &reaction).await;
    }
    match from_telegram::decode(raw, source, bot) {
        Ok(inbound) => message(courier, inbound, is_last_try).await.map(Step::called),
        Err(skip) => Ok(Step::without_call(skipped(source, &skip))),
    }
}

fn skipped(source: &SourceId, skip: &Skip) -> Result<Ending, Failure> {
    match skip {
        Skip::Unreadable => Err(Failure::Permanent(Refusal::new(ErrorCode::Internal, skip.to_string()))),
        Skip::NotAMessage(_) | Skip::NotPrivate(_) => {
            tracing::debug!(%source, reason = %skip, "update skipped");
            Ok(done())
        }
    }
}

async fn message(courier: &Courier, mut inbound: Inbound, is_last_try: bool) -> Outcome {
    if let Some(quote) = &mut inbound.quote {
        // Only what Kommo has accepted may be named: what it does to an unknown id is not documented.
        quote.kommo = quote.ours.map(|ours| courier.store.kommo_message(&ours)).transpose()?.flatten();
    }
    if inbound.edited && courier.store.kommo_message(&inbound.original())?.is_some() {
        return edit(courier, &inbound, is_last_try).await;
    }
    let outcome = send(courier, &inbound, is_last_try).await?;
    let named = inbound.quote.as_mut().and_then(|quote| quote.kommo.take());
    if named.is_some() && matches!(outcome, Err(Failure::Permanent(_))) {
        // Whatever Kommo has against the quoted message, the customer's own words must not stay behind with it.
        tracing::info!(message = %inbound.id, "refused with the message that it answers: sent with its words in front");
        return send(courier, &inbound, is_last_try).await;
    }
    Ok(outcome)
}

/// Gives a message a new wording. What cannot be told that way is told as a message of its own.
async fn edit(courier: &Courier, inbound: &Inbound, is_last_try: bool) -> Outcome {
    let Some(event) = to_kommo::edit(inbound) else { return send(courier, inbound, is_last_try).await };
    let answer = courier.chats.edit(&event).await.map_err(failure::of_status);
    courier.observe(answer.as_ref().err());
    match answer {
        Ok(()) => Ok(Ok(done())),
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(message = %inbound.id, why = refusal.sentence, "an edit was refused: told as a message");
            send(courier, inbound, is_last_try).await
        }
        Err(later @ (Failure::Transient { .. } | Failure::Blocked { .. })) => Ok(Err(later)),
    }
}

/// Shows a reaction below the message that it is about. One that Kommo does not take is not worth a person's time.
async fn react(courier: &Courier, reaction: &Reaction) -> Result<Step, StoreError> {
    let Some(id) = courier.store.kommo_message(&reaction.message)? else {
        tracing::debug!(message = %reaction.message, "a reaction to a message that Kommo does not know");
        return Ok(Step::without_call(Ok(done())));
    };
    let answer = courier.chats.react(&to_kommo::react(reaction, id)).await.map_err(failure::of_status);
    courier.observe(answer.as_ref().err());
    Ok(Step::called(match answer {
        Ok(()) => Ok(done()),
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(message = %reaction.message, why = refusal.sentence, "Kommo does not take this reaction");
            Ok(done())
        }
        Err(later @ (Failure::Transient { .. } | Failure::Blocked { .. })) => Err(later),
    }))
}

/// Neither side of a press waits for the other, and only the message decides how it ends.
async fn tap(courier: &Courier, source: &SourceId, tap: Tap, is_last_try: bool) -> Outcome {
    let tap = if courier.keep_buttons { tap } else { tap.once() };
    if courier.store.kommo_message(&tap.inbound.id)?.is_some() {
        taps::acknowledge(courier, source, &tap).await;
        tracing::debug!(message = %tap.inbound.id, "pressed again");
        return Ok(Ok(done()));
    }
    let event = to_kommo::tap(&tap, &courier.links.made_at(clock::now()));
    let send = send_as(courier, &tap.inbound, &event, is_last_try);
    let ((), outcome) = tokio::join!(taps::acknowledge(courier, source, &tap), send);
    outcome
}

async fn send(courier: &Courier, inbound: &Inbound, is_last_try: bool) -> Outcome {
    let event = to_kommo::encode(inbound, &courier.links.made_at(clock::now()));
    send_as(courier, inbound, &event, is_last_try).await
}

async fn send_as(courier: &Courier, inbound: &Inbound, event: &Event, is_last_try: bool) -> Outcome {
    match courier.chats.send(event).await {
        Ok(accepted) => {
            courier.observe(None);
            tracing::debug!(conversation = %inbound.conversation, message = %inbound.id, "message accepted by Kommo");
            Ok(Ok(Ending::Done { then: Vec::new(), facts: facts(inbound, accepted) }))
        }
        Err(error) => {
            courier.observe(Some(&error.clone().into()));
            refused(courier, inbound, error, is_last_try).await
        }
    }
}

/// Kommo takes each message once, and what it answers to a repetition is not documented. So before a message is given
/// up, or tried again although Kommo seems to have taken it, the chat's history is asked whether it is there already.
async fn refused(courier: &Courier, inbound: &Inbound, error: CallError, is_last_try: bool) -> Outcome {
    let (ambiguous, why) = (error.is_ambiguous(), error.to_string());
    let is_of_its_own = error.may_be_of_one_message();
    let failure = Failure::from(error);
    if !ambiguous && !matches!(failure, Failure::Permanent(_)) {
        return Ok(Err(if is_of_its_own && is_last_try { hopeless(why) } else { failure }));
    }
    Ok(match already_there(courier, inbound).await? {
        Ok(true) => {
            tracing::info!(message = %inbound.id, "Kommo had this message already");
            Ok(done())
        }
        Ok(false) => Err(failure),
        Err(unknown) => Err(match Failure::from(unknown) {
            later @ Failure::Transient { .. } if !is_last_try => later,
            // Without a history to ask, the refusal stands; one message must not hold up all others.
            Failure::Transient { .. } | Failure::Blocked { .. } | Failure::Permanent(_) => failure,
        }),
    })
}

fn hopeless(why: String) -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::Internal, why))
}

/// If Kommo's answer to the very first message was lost, its id of the chat is not known either. Asking for it makes the
/// chat if there is none; one without messages is shown to nobody.
async fn already_there(courier: &Courier, inbound: &Inbound) -> Result<Result<bool, CallError>, StoreError> {
    let chat = match courier.store.chat(&inbound.conversation)? {
        Some(known) => Ok(known.chat.0),
        None => courier.chats.chat(&to_kommo::chat(inbound)).await,
    };
    match chat {
        Ok(chat) => Ok(courier.chats.knows(&chat, &inbound.id.to_string()).await),
        Err(unknown) => Ok(Err(unknown)),
    }
}

/// What Kommo's answer tells about ids. Older answers tell less.
fn facts(inbound: &Inbound, accepted: Accepted) -> Vec<Fact> {
    let link = accepted.msgid.map(|id| Fact::Link { ours: inbound.id, kommo: KommoMessageId(id) });
    let chat = accepted.conversation_id.filter(|id| is_uuid(id)).map(|id| Fact::Chat {
        conversation: inbound.conversation.clone(),
        chat: Chat { chat: KommoChatId(id), user: accepted.sender_id.filter(|id| is_uuid(id)).map(KommoUserId) },
    });
    link.into_iter().chain(chat).collect()
}

/// Some answers repeat our own ids in these fields; Kommo's are UUIDs.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            address::{Conversation, MessageId, UserId},
            message::{Content, Customer},
            time::UnixMillis,
        },
        kommo::wire::Answer,
    };

    fn learnt(answer: &str) -> Vec<Fact> {
        let inbound = Inbound {
            conversation: Conversation::new(SourceId::parse("sales").unwrap(), 7),
            id: MessageId { bot: BotId(1), chat: 7.into(), message: 43, update: None },
            customer: Customer { id: UserId(7), name: "Ann".to_owned(), username: None },
            sent_at: UnixMillis(0),
            content: Content::Text("x".to_owned()),
            quote: None,
            edited: false,
        };
        facts(&inbound, serde_json::from_str::<Answer>(answer).unwrap().new_message.unwrap())
    }

    #[test]
    fn a_full_answer_tells_of_the_message_and_the_chat() {
        let facts = learnt(include_str!("../../tests/fixtures/kommo/answer_new.json"));
        assert!(matches!(&facts[..], [Fact::Link { kommo, .. }, Fact::Chat { chat, .. }]
            if kommo.0 == "c6af5fb1-5b00-48f7-98cf-95edb29c704d"
                && chat.chat.0 == "b52c987e-1ef0-4544-b4e7-6d2ba665f9e4"
                && chat.user.as_ref().is_some_and(|user| user.0 == "9320f3de-aa61-4d12-8cf8-39e91b347445")));
    }

    #[test]
    fn an_older_answer_tells_of_the_message_only() {
        let facts = learnt(include_str!("../../tests/fixtures/kommo/answer_old.json"));
        assert!(matches!(&facts[..], [Fact::Link { .. }]));
    }

    #[test]
    fn our_own_ids_are_not_taken_for_kommos() {
        let facts = learnt(r#"{"new_message":{"conversation_id":"tg:sales:7","sender_id":"tg-user:7","msgid":"m"}}"#);
        assert!(matches!(&facts[..], [Fact::Link { .. }]));
    }
}
