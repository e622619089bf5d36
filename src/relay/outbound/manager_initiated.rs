//! A manager writes first: to a phone number, in a chat that Kommo has made for it.
//!
//! The customer who has shared that number as their own gets the message. Kommo learns which conversation its chat is
//! from the customer's next words; until then the store knows it alone.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    clock,
    domain::{
        address::SourceId,
        delivery::{ErrorCode, Refusal},
        job::{AssignClientId, Call, Lane},
        manager_initiated::ManagerInitiatedChat,
        message::{Outbound, Recipient},
    },
    intake::recipient::{self, Addressee},
    relay::context::Context,
    store::{Chat, NewJob, Outcome, StateChange, StoreError},
    words::{Sentence, refusal},
};

/// How long a refusal may wait for the bot's address, which it names.
const ASKED_WITHIN: Duration = Duration::from_secs(3);

/// Which lane should handle an answer.
pub(super) enum LaneChoice {
    /// The lane that it waits in.
    Here,
    /// Another one: its recipient was not known when it came.
    Elsewhere(Lane),
    /// None: this is what the manager reads.
    Nowhere(Refusal),
}

fn find(context: &Context, outbound: &Outbound) -> Result<Addressee, StoreError> {
    recipient::find(&context.store, context.bots.keys(), outbound, &context.crm.phone_region, clock::now())
}

/// Which lane should handle an answer that waits in `here`.
pub(super) async fn place(context: &Context, outbound: &Outbound, here: &Lane) -> Result<LaneChoice, StoreError> {
    let Recipient::UnknownRecipient(_) = outbound.to else { return Ok(LaneChoice::Here) };
    let source = recipient::source(context.bots.keys(), outbound.source.as_deref());
    let why = match find(context, outbound)? {
        Addressee::Known(to) => {
            let lane = Some(Lane::outbound(&to)).filter(|lane| lane != here && context.bots.contains_key(&to.source));
            return Ok(lane.map_or(LaneChoice::Here, LaneChoice::Elsewhere));
        }
        Addressee::Foreign => return Ok(LaneChoice::Here),
        Addressee::Nobody => refusal::no_addressee(),
        Addressee::Unknown => refusal::number_unknown().and(invitation(context, source).await),
        Addressee::Several => refusal::several_customers(),
        Addressee::SomeBot => refusal::which_bot(),
        Addressee::Two => refusal::two_customers(),
    };
    Ok(LaneChoice::Nowhere(Refusal::new(ErrorCode::ConversationImpossible, why)))
}

/// Says where an answer goes that names no conversation, if that is known, and tells of the chat that it begins. One
/// that an answer or a hook has since told to be the conversation's is not begun any more.
pub(super) fn resolve(context: &Context, outbound: &mut Outbound) -> Result<Option<ManagerInitiatedChat>, StoreError> {
    let Recipient::UnknownRecipient(stranger) = &outbound.to else { return Ok(None) };
    let opening = stranger.opening.clone();
    let Addressee::Known(to) = find(context, outbound)? else { return Ok(None) };
    let known = context.store.chat(&to)?;
    outbound.to = Recipient::Known(to);
    Ok(opening.filter(|opening| known.is_none_or(|known| known.chat != opening.chat)))
}

/// The calls of an answer that begins a chat, if it does: the first of them tells of it.
pub(super) fn beginning(opening: Option<&ManagerInitiatedChat>, mut calls: Vec<Call>) -> Vec<Call> {
    if let Some(first) = calls.first_mut() {
        first.opening = opening.cloned();
    }
    calls
}

/// What follows from a chat that was begun, once its first words have arrived.
pub(super) fn begun(mut outcome: Outcome, calls: &[Call]) -> Outcome {
    let Outcome::Done { then, changes } = &mut outcome else { return outcome };
    for call in calls {
        let Some(opening) = &call.opening else { continue };
        let ours = changes.iter().find_map(|change| match change {
            StateChange::Link { ours, kommo } if *kommo == call.message => Some(*ours),
            _ => None,
        });
        let chat = Chat { chat: opening.chat.clone(), user: opening.user.clone() };
        changes.push(StateChange::ManagerInitiatedChat { conversation: call.to.clone(), chat });
        then.extend(ours.map(|ours| {
            let job = AssignClientId { message: call.message.clone(), ours, opening: opening.clone() };
            NewJob { id: None, lane: Lane::names(&call.to), job: job.into() }
        }));
    }
    outcome
}

/// How the customer gets to the bot: by its address, if Telegram tells it in time.
async fn invitation(context: &Context, source: Option<&SourceId>) -> Sentence {
    let Some((source, bot)) = source.and_then(|source| Some((source, context.bots.get(source)?))) else {
        return refusal::open_one_of_the_bots();
    };
    match timeout(ASKED_WITHIN, bot.username()).await.ok().and_then(Result::ok).flatten() {
        Some(username) => refusal::open_the_bot(format!("https://t.me/{username}")),
        None => refusal::open_the_bot_named(source.as_str()),
    }
}
