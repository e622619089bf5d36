//! An update of Telegram's, to Kommo.

use crate::{
    clock,
    domain::{
        address::{BotId, ContactId, Conversation, KommoMessageId, MessageId, SourceId},
        delivery::Refusal,
        job::Job,
        message::{ButtonPress, Inbound, Reaction, Skip},
        retry::{Failure, Tries},
        time::UnixMillis,
    },
    kommo::failure,
    relay::{
        callback_ack,
        context::{Context, Step, done},
        destination,
        inbound::sending::{came, send, send_as},
        read_receipts,
    },
    store::{Outcome, StoreError},
    telegram::updates::ALLOWED_UPDATES,
    translate::{
        from_telegram::{self, Arrival, Place},
        to_kommo,
    },
};

mod avatar;
mod chats;
mod editing;
mod membership;
pub(super) mod questions;
mod sending;
mod timestamps;

/// Attempts before a failure that seems specific to this message counts as permanent: a firewall does not let it
/// through, or Kommo refuses it while its history cannot be asked. While Kommo is down, no attempt counts.
const TRIES_OF_ITS_OWN: u32 = 5;

/// How a step ended. The outer error is the store's.
type StepOutcome = Result<Result<Outcome, Failure>, StoreError>;

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
    context: &Context,
    job: &Job,
    (source, bot, raw): (&SourceId, BotId, &str),
    tries: Tries,
    enqueued_at: UnixMillis,
) -> Result<Step, StoreError> {
    let attempt = Attempt::after(tries, enqueued_at);
    let (connection, learned) = match chats::connection(context, source, bot, raw).await? {
        Ok(found) => found,
        Err(failure) => return Ok(Step::local(Err(failure))),
    };
    let place = Place {
        source,
        bot,
        connection: connection.as_ref(),
        groups: context.groups,
        largest_file_bytes: context.largest_file_bytes,
        language: context.spoken.now(),
        now: enqueued_at,
    };
    let arrival = from_telegram::decode(raw, &place);
    let activity = arrival.as_ref().ok().and_then(read_receipts::activity);
    let step = match arrival {
        Ok(Arrival::Message(inbound)) => message(context, *inbound, attempt).await?,
        Ok(Arrival::ButtonPress(press)) => self::press(context, source, *press, attempt).await?,
        Ok(Arrival::Reaction(reaction)) => react(context, reaction).await?,
        Ok(Arrival::Membership(change)) => membership::step(context, *change, job, attempt).await?,
        Ok(Arrival::Connection(connection)) => Step::local(Ok(chats::connected(source, bot, connection))),
        Ok(Arrival::Deletion(deletion)) => chats::deleted(context, &deletion, (source, bot, raw)).await?,
        Ok(Arrival::Move(moved)) => Step::local(Ok(chats::moved(moved))),
        Err(skip) => {
            if let Some(query) = from_telegram::query(raw) {
                callback_ack::dismiss(context, (source, bot), &query).await;
            }
            Step::local(skipped(context, (source, raw), &skip))
        }
    };
    let passed = if step.reached_remote || attempt.is_first { None } else { timestamps::passed(context, job)? };
    let (read, shown) = read_receipts::shown(context, activity)?;
    Ok(step.with_changes(learned).with_changes(Vec::from_iter(passed)).followed_by(read, shown))
}

fn skipped(context: &Context, (source, raw): (&SourceId, &str), skip: &Skip) -> Result<Outcome, Failure> {
    match skip {
        Skip::Unreadable => {
            let why = from_telegram::why_unreadable(raw, source);
            return Err(Failure::Permanent(Refusal::internal(why)));
        }
        Skip::Group { chat, title } if context.says_first(&format!("group {source} {chat}")) => {
            tracing::info!(%source, chat, "a group or channel is not relayed: `telegram.groups` says so");
            tracing::debug!(%source, chat, title, "its title");
        }
        Skip::DirectMessages { chat } if context.says_first(&format!("direct {source} {chat}")) => {
            tracing::warn!(
                %source, chat,
                "the direct messages of a channel are not relayed: answer them in Telegram"
            );
        }
        Skip::NotAMessage(kind) if may_hold_words(kind) && context.says_first(&format!("kind {kind}")) => {
            tracing::info!(%source, kind, "updates of this kind are not relayed, so what is written in them stays \
                                           unseen");
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

async fn message(context: &Context, mut inbound: Inbound, attempt: Attempt) -> Result<Step, StoreError> {
    chats::canonical(context, &mut inbound.conversation, &mut inbound.customer.id)?;
    inbound.customer.phone = phone(context, inbound.customer.id)?;
    inbound.content = context.crm.without_campaign(inbound.content);
    if !context.may_speak(&mut inbound.author) || (!inbound.edited && is_known(context, &inbound)?) {
        return Ok(Step::local(Ok(done())));
    }
    let mut news = chats::news(context, &inbound, attempt.enqueued_at)?;
    news.extend(timestamps::assign(context, &mut inbound)?);
    news.extend(questions::news(context, &inbound)?);
    let due = questions::due(&inbound);
    Ok(Step::remote(relay(context, inbound, attempt).await?).with_changes(news).followed_by(due, Vec::new()))
}

/// The customer's own phone number, if they have shared it with any of the bots.
fn phone(context: &Context, customer: ContactId) -> Result<Option<String>, StoreError> {
    match customer {
        ContactId::Person(customer) => Ok(context.store.number_of(customer)?.map(|number| number.phone)),
        ContactId::Group(_) => Ok(None),
    }
}

/// Whether Kommo is known to have a message: it came by another way, such as our own answer in a channel.
fn is_known(context: &Context, inbound: &Inbound) -> Result<bool, StoreError> {
    Ok(context.store.kommo_message(&inbound.id)?.is_some())
}

async fn relay(context: &Context, mut inbound: Inbound, attempt: Attempt) -> StepOutcome {
    if let Some(quote) = &mut inbound.quote {
        let named = quote.ours.map(|ours| nameable(context, &inbound.conversation, &ours));
        quote.kommo = named.transpose()?.flatten();
    }
    if inbound.edited && context.store.kommo_message(&inbound.original())?.is_some() {
        return editing::edit(context, &inbound, attempt).await;
    }
    let last_sent = if inbound.edited { timestamps::stand_unnumbered(context, &mut inbound)? } else { None };
    let mut outcome = send(context, &inbound, attempt).await?;
    let named = inbound.quote.as_mut().and_then(|quote| quote.kommo.take());
    if named.is_some() && matches!(outcome, Err(Failure::Permanent(_))) {
        // Whatever Kommo has against the quoted message, the customer's own words must not stay behind with it.
        tracing::info!(message = %inbound.id, "Kommo refused the quotation: sent with the quoted words in front");
        outcome = send(context, &inbound, attempt).await?;
    }
    if let Ok(Outcome::Done { changes, .. }) = &mut outcome {
        changes.extend(last_sent);
    }
    Ok(outcome)
}

/// What Kommo calls a message that what follows in its conversation may name. Only what Kommo has accepted may be named, and
/// in the same chat: what it does to other ids is not documented. While a manager's new chat waits for the customer's words,
/// they go there, and all that was said before is elsewhere.
fn nameable(
    context: &Context,
    conversation: &Conversation,
    ours: &MessageId,
) -> Result<Option<KommoMessageId>, StoreError> {
    let is_elsewhere = context.store.opening(conversation)?.is_some();
    if is_elsewhere { Ok(None) } else { context.store.kommo_message(ours) }
}

/// Shows a reaction below the message that it is about. One that Kommo does not take is not worth a person's time.
async fn react(context: &Context, mut reaction: Reaction) -> Result<Step, StoreError> {
    chats::canonical(context, &mut reaction.conversation, &mut reaction.customer)?;
    let Some(id) = context.store.kommo_message(&reaction.message)? else {
        tracing::debug!(message = %reaction.message, "a reaction to a message that Kommo does not know");
        return Ok(Step::local(Ok(done())));
    };
    let answer = context.chats.react(&to_kommo::react(&reaction, id)).await.map_err(failure::of_status);
    context.observe(answer.as_ref().err());
    let outcome = match answer {
        Ok(()) => {
            let (conversation, message_id) = (&reaction.conversation, reaction.message);
            tracing::info!(%conversation, %message_id, kind = "reaction", "reaction accepted by Kommo");
            Ok(done())
        }
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(message = %reaction.message, why = refusal.why(), "Kommo refused this reaction");
            Ok(done())
        }
        Err(later) => Err(later),
    };
    Ok(Step::remote(outcome).best_effort())
}

/// Neither side of a press waits for the other, and only the message decides how it ends.
async fn press(
    context: &Context,
    source: &SourceId,
    mut press: ButtonPress,
    attempt: Attempt,
) -> Result<Step, StoreError> {
    let here = destination::target(context, &press.inbound.conversation)?;
    chats::canonical(context, &mut press.inbound.conversation, &mut press.inbound.customer.id)?;
    press.inbound.customer.phone = phone(context, press.inbound.customer.id)?;
    let last_sent = timestamps::stand_unnumbered(context, &mut press.inbound)?;
    let topic = Vec::from_iter(chats::topic(context, &press.inbound)?);
    let press = if context.keep_buttons { press } else { press.once() };
    if context.store.kommo_message(&press.inbound.id)?.is_some() {
        callback_ack::acknowledge(context, source, &press, here.clone()).await;
        tracing::debug!(message = %press.inbound.id, "pressed again");
        return Ok(Step::local(Ok(done())).with_changes(topic));
    }
    let event = to_kommo::press(&press, &context.links.made_at(clock::now()), context.spoken.now());
    came(context, &press.inbound, attempt);
    let send = send_as(context, &press.inbound, event, attempt);
    let ((), outcome) = tokio::join!(callback_ack::acknowledge(context, source, &press, here.clone()), send);
    Ok(Step::remote(outcome?).with_changes(topic).with_changes(Vec::from_iter(last_sent)))
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
