//! Manager-initiated chats: a manager writes to a phone number, in a chat that Kommo has created for it.
//!
//! The customer who has shared that number as their own gets the message. Kommo learns the conversation of the chat
//! from the customer's next message; until then only the store knows it.

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

/// How long a refusal may wait for the bot's address, which it contains.
const USERNAME_TIMEOUT: Duration = Duration::from_secs(3);

/// Which lane should handle an answer.
pub(super) enum LaneChoice {
    /// The lane that it waits in.
    Here,
    /// Another one: its recipient was not known when it came.
    Elsewhere(Lane),
    /// None, for this reason.
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

/// Sets the conversation of an answer that names none, if its recipient is known, and returns the manager-initiated
/// chat that it starts. A chat that has become the conversation's chat since is not started again.
pub(super) fn resolve(context: &Context, outbound: &mut Outbound) -> Result<Option<ManagerInitiatedChat>, StoreError> {
    let Recipient::UnknownRecipient(stranger) = &outbound.to else { return Ok(None) };
    let opening = stranger.opening.clone();
    let Addressee::Known(to) = find(context, outbound)? else { return Ok(None) };
    let known = context.store.chat(&to)?;
    outbound.to = Recipient::Known(to);
    Ok(opening.filter(|opening| known.is_none_or(|known| known.chat != opening.chat)))
}

/// The calls of an answer; the first one has the manager-initiated chat, if the answer starts one.
pub(super) fn beginning(opening: Option<&ManagerInitiatedChat>, mut calls: Vec<Call>) -> Vec<Call> {
    if let Some(first) = calls.first_mut() {
        first.opening = opening.cloned();
    }
    calls
}

/// The outcome of calls, with the state changes and jobs for a manager-initiated chat whose first message has arrived.
pub(super) fn with_opening(mut outcome: Outcome, calls: &[Call]) -> Outcome {
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

/// The sentence that says how the customer reaches the bot, with its address if Telegram returns that in time.
async fn invitation(context: &Context, source: Option<&SourceId>) -> Sentence {
    let Some((source, bot)) = source.and_then(|source| Some((source, context.bots.get(source)?))) else {
        return refusal::open_one_of_the_bots();
    };
    match timeout(USERNAME_TIMEOUT, bot.username()).await.ok().and_then(Result::ok).flatten() {
        Some(username) => refusal::open_the_bot(format!("https://t.me/{username}")),
        None => refusal::open_the_bot_named(source.as_str()),
    }
}
