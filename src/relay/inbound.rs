//! An update of Telegram's, to Kommo.

use crate::{
    clock,
    domain::{
        address::{BotId, ContactId, Conversation, KommoMessageId, MessageId, SourceId},
        delivery::Refusal,
        message::{Inbound, Reaction, Skip, Tap},
        retry::{Failure, Tries},
        time::UnixMillis,
        work::Work,
    },
    kommo::failure,
    relay::{
        courier::{Courier, Step, done},
        inbound::sending::{send, send_as},
        reach, reading, taps,
    },
    store::{Ending, StoreError},
    telegram::updates::ALLOWED_UPDATES,
    translate::{
        from_telegram::{self, Arrival, Place},
        to_kommo,
    },
};

mod chats;
mod editing;
mod order;
mod portrait;
mod presence;
pub(super) mod questions;
mod sending;

/// How many attempts a message may fail that only this message fails: one that a firewall does not let through, or that
/// Kommo refuses while its history cannot be asked. Kommo being down is another matter; that is waited out.
const TRIES_OF_ITS_OWN: u32 = 5;

/// How a step ended. The outer error is the store's.
type Outcome = Result<Result<Ending, Failure>, StoreError>;

/// What a step knows of its job.
#[derive(Clone, Copy)]
struct Attempt {
    is_first: bool,
    is_last: bool,
    failed_before: u32,
    enqueued_at: UnixMillis,
}

impl Attempt {
    const fn after(Tries { failed, is_first }: Tries, enqueued_at: UnixMillis) -> Self {
        Self { is_first, is_last: failed >= TRIES_OF_ITS_OWN, failed_before: failed, enqueued_at }
    }
}

/// Relays one update. What Telegram does not date, such as the press of a button, is as old as its job.
pub(super) async fn step(
    courier: &Courier,
    work: &Work,
    (source, bot, raw): (&SourceId, BotId, &str),
    tries: Tries,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let attempt = Attempt::after(tries, enqueued_at);
    let (connection, learnt) = match chats::connection(courier, source, bot, raw).await? {
        Ok(found) => found,
        Err(failure) => return Ok(Step::without_call(Err(failure))),
    };
    let place = Place {
        source,
        bot,
        connection: connection.as_ref(),
        groups: courier.groups,
        largest_file_bytes: courier.largest_file_bytes,
        language: courier.spoken.now(),
        now: enqueued_at,
    };
    let arrival = from_telegram::decode(raw, &place);
    let deed = arrival.as_ref().ok().and_then(reading::deed);
    let step = match arrival {
        Ok(Arrival::Message(inbound)) => message(courier, *inbound, attempt).await?,
        Ok(Arrival::Tap(tap)) => self::tap(courier, source, *tap, attempt).await?,
        Ok(Arrival::Reaction(reaction)) => react(courier, reaction).await?,
        Ok(Arrival::Presence(change)) => presence::step(courier, *change, work, attempt).await?,
        Ok(Arrival::Connection(connection)) => Step::without_call(Ok(chats::connected(source, bot, connection))),
        Ok(Arrival::Deletion(deletion)) => chats::deleted(courier, &deletion, (source, bot, raw)).await?,
        Ok(Arrival::Move(moved)) => Step::without_call(Ok(chats::moved(moved))),
        Err(skip) => {
            if let Some(query) = from_telegram::query(raw) {
                taps::dismiss(courier, (source, bot), &query).await;
            }
            Step::without_call(skipped(courier, (source, raw), &skip))
        }
    };
    let passed = if step.called || attempt.is_first { None } else { order::passed(courier, work)? };
    let (read, shown) = reading::shown(courier, deed)?;
    Ok(step.with_facts(learnt).with_facts(Vec::from_iter(passed)).followed_by(read, shown))
}

fn skipped(courier: &Courier, (source, raw): (&SourceId, &str), skip: &Skip) -> Result<Ending, Failure> {
    match skip {
        Skip::Unreadable => {
            let why = from_telegram::why_unreadable(raw, source);
            return Err(Failure::Permanent(Refusal::internal(why)));
        }
        Skip::Group { chat, title } if courier.says_first(&format!("group {source} {chat}")) => {
            tracing::info!(%source, chat, "a group or channel is not relayed: `telegram.groups` says so");
            tracing::debug!(%source, chat, title, "its title");
        }
        Skip::DirectMessages { chat } if courier.says_first(&format!("direct {source} {chat}")) => {
            tracing::warn!(
                %source, chat,
                "the direct messages of a channel are not relayed: whoever writes there has to be answered in Telegram"
            );
        }
        Skip::NotAMessage(kind) if may_hold_words(kind) && courier.says_first(&format!("kind {kind}")) => {
            tracing::info!(%source, kind, "updates of this kind are not relayed: what is written by them stays unseen");
        }
        Skip::NotAMessage(_) | Skip::NoNews | Skip::Own | Skip::OneOfMany => {
            tracing::debug!(%source, reason = %skip, "update skipped");
        }
        Skip::Group { .. } | Skip::DirectMessages { .. } => {}
    }
    Ok(done())
}

/// Whether somebody may have written by an update of a kind that is not read: to a bot that is a guest in a chat, or by
/// something that is newer than this program.
fn may_hold_words(kind: &str) -> bool {
    kind == "guest_message" || !ALLOWED_UPDATES.contains(&kind)
}

async fn message(courier: &Courier, mut inbound: Inbound, attempt: Attempt) -> Result<Step, StoreError> {
    chats::settle_in(courier, &mut inbound.conversation, &mut inbound.customer.id)?;
    inbound.customer.phone = phone(courier, inbound.customer.id)?;
    inbound.content = courier.crm.without_campaign(inbound.content);
    if !courier.may_speak(&mut inbound.author) || (!inbound.edited && is_known(courier, &inbound)?) {
        return Ok(Step::without_call(Ok(done())));
    }
    let mut news = chats::news(courier, &inbound, attempt.enqueued_at)?;
    news.extend(order::stand(courier, &mut inbound)?);
    news.extend(questions::news(courier, &inbound)?);
    let due = questions::due(&inbound);
    Ok(Step::called(relay(courier, inbound, attempt).await?).with_facts(news).followed_by(due, Vec::new()))
}

/// The customer's own phone number, if they have shared it with any of the bots.
fn phone(courier: &Courier, customer: ContactId) -> Result<Option<String>, StoreError> {
    match customer {
        ContactId::Person(customer) => Ok(courier.store.number_of(customer)?.map(|number| number.phone)),
        ContactId::Group(_) => Ok(None),
    }
}

/// Whether Kommo is known to have a message: it came by another way, such as our own answer in a channel.
fn is_known(courier: &Courier, inbound: &Inbound) -> Result<bool, StoreError> {
    Ok(courier.store.kommo_message(&inbound.id)?.is_some())
}

async fn relay(courier: &Courier, mut inbound: Inbound, attempt: Attempt) -> Outcome {
    if let Some(quote) = &mut inbound.quote {
        let named = quote.ours.map(|ours| nameable(courier, &inbound.conversation, &ours));
        quote.kommo = named.transpose()?.flatten();
    }
    if inbound.edited && courier.store.kommo_message(&inbound.original())?.is_some() {
        return editing::edit(courier, &inbound, attempt).await;
    }
    let latest = if inbound.edited { order::stand_unnumbered(courier, &mut inbound)? } else { None };
    let mut outcome = send(courier, &inbound, attempt).await?;
    let named = inbound.quote.as_mut().and_then(|quote| quote.kommo.take());
    if named.is_some() && matches!(outcome, Err(Failure::Permanent(_))) {
        // Whatever Kommo has against the quoted message, the customer's own words must not stay behind with it.
        tracing::info!(message = %inbound.id, "refused with the message that it answers: sent with its words in front");
        outcome = send(courier, &inbound, attempt).await?;
    }
    if let Ok(Ending::Done { facts, .. }) = &mut outcome {
        facts.extend(latest);
    }
    Ok(outcome)
}

/// What Kommo calls a message that what follows in its conversation may name. Only what Kommo has accepted may be named, and
/// in the same chat: what it does to other ids is not documented. While a manager's new chat waits for the customer's words,
/// they go there, and all that was said before is elsewhere.
fn nameable(
    courier: &Courier,
    conversation: &Conversation,
    ours: &MessageId,
) -> Result<Option<KommoMessageId>, StoreError> {
    let is_elsewhere = courier.store.opening(conversation)?.is_some();
    if is_elsewhere { Ok(None) } else { courier.store.kommo_message(ours) }
}

/// Shows a reaction below the message that it is about. One that Kommo does not take is not worth a person's time.
async fn react(courier: &Courier, mut reaction: Reaction) -> Result<Step, StoreError> {
    chats::settle_in(courier, &mut reaction.conversation, &mut reaction.customer)?;
    let Some(id) = courier.store.kommo_message(&reaction.message)? else {
        tracing::debug!(message = %reaction.message, "a reaction to a message that Kommo does not know");
        return Ok(Step::without_call(Ok(done())));
    };
    let answer = courier.chats.react(&to_kommo::react(&reaction, id)).await.map_err(failure::of_status);
    courier.observe(answer.as_ref().err());
    let outcome = match answer {
        Ok(()) => {
            let (conversation, message_id) = (&reaction.conversation, reaction.message);
            tracing::info!(%conversation, %message_id, kind = "reaction", "reaction accepted by Kommo");
            Ok(done())
        }
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(message = %reaction.message, why = refusal.why(), "Kommo does not take this reaction");
            Ok(done())
        }
        Err(later) => Err(later),
    };
    Ok(Step::called(outcome).of_courtesy())
}

/// Neither side of a press waits for the other, and only the message decides how it ends.
async fn tap(courier: &Courier, source: &SourceId, mut tap: Tap, attempt: Attempt) -> Result<Step, StoreError> {
    let here = reach::target(courier, &tap.inbound.conversation)?;
    chats::settle_in(courier, &mut tap.inbound.conversation, &mut tap.inbound.customer.id)?;
    tap.inbound.customer.phone = phone(courier, tap.inbound.customer.id)?;
    let latest = order::stand_unnumbered(courier, &mut tap.inbound)?;
    let topic = Vec::from_iter(chats::topic(courier, &tap.inbound)?);
    let tap = if courier.keep_buttons { tap } else { tap.once() };
    if courier.store.kommo_message(&tap.inbound.id)?.is_some() {
        taps::acknowledge(courier, source, &tap, here.clone()).await;
        tracing::debug!(message = %tap.inbound.id, "pressed again");
        return Ok(Step::without_call(Ok(done())).with_facts(topic));
    }
    let event = to_kommo::tap(&tap, &courier.links.made_at(clock::now()), courier.spoken.now());
    let send = send_as(courier, &tap.inbound, event, attempt);
    let ((), outcome) = tokio::join!(taps::acknowledge(courier, source, &tap, here.clone()), send);
    Ok(Step::called(outcome?).with_facts(topic).with_facts(Vec::from_iter(latest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_wrote_is_passed_over_in_silence() {
        for (kind, said) in [("guest_message", true), ("from_the_future", true), ("poll_answer", false)] {
            assert_eq!(may_hold_words(kind), said, "{kind}");
        }
    }
}
