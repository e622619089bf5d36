//! A manager writes first: to a phone number, in a chat that Kommo has made for it.
//!
//! The customer who has shared that number as their own gets the message. Kommo learns which conversation its chat is from
//! the customer's next words, and until then from nobody else; what of it is known by whom is in the store.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    clock,
    domain::{
        address::{KommoMessageId, MessageId, SourceId},
        delivery::{ErrorCode, Refusal},
        message::{Outbound, Recipient},
        opening::Opening,
        retry::Failure,
        work::{Call, Lane, Work},
    },
    kommo::{addressee, failure},
    relay::courier::{Courier, done},
    store::{Chat, Ending, Fact, NewJob, StoreError},
    translate::to_kommo,
};

/// How long the manager may wait for the address of the bot in a refusal.
const ASKED_WITHIN: Duration = Duration::from_secs(3);

/// Says where an answer goes that names no conversation, if that is known, and tells of the chat that it begins. A chat in
/// which the customer has written since is not begun any more.
pub(super) fn resolve(courier: &Courier, outbound: &mut Outbound) -> Result<Option<Opening>, StoreError> {
    let Recipient::Stranger(stranger) = &outbound.to else { return Ok(None) };
    let opening = stranger.opening.clone();
    let Some(to) = addressee::find(&courier.store, courier.bots.keys(), outbound)? else { return Ok(None) };
    let known = courier.store.chat(&to)?;
    outbound.to = Recipient::Known(to);
    Ok(opening.filter(|opening| known.is_none_or(|known| known.chat != opening.chat)))
}

/// Where an answer is to be taken care of.
pub(super) enum Place {
    /// In the lane that it waits in.
    Here,
    /// In another one: whom it is for was not known when it came.
    Elsewhere(Lane),
    /// Whom it is for is not known.
    Nowhere,
}

/// Where an answer is to be taken care of that waits in the lane `here`.
pub(super) fn place(courier: &Courier, outbound: &Outbound, here: &Lane) -> Result<Place, StoreError> {
    let Recipient::Stranger(_) = outbound.to else { return Ok(Place::Here) };
    let Some(to) = addressee::find(&courier.store, courier.bots.keys(), outbound)? else { return Ok(Place::Nowhere) };
    let lane = Some(Lane::outbound(&to)).filter(|lane| lane != here && courier.bots.contains_key(&to.source));
    Ok(lane.map_or(Place::Here, Place::Elsewhere))
}

/// What follows from a chat that was begun, once its messages have arrived.
pub(super) fn begun(courier: &Courier, mut ending: Ending, calls: &[Call], lane: &Lane) -> Result<Ending, StoreError> {
    let Ending::Done { then, facts } = &mut ending else { return Ok(ending) };
    for call in calls.iter().filter(|call| call.is_last()) {
        let Some(opening) = &call.opening else { continue };
        let ours = facts.iter().find_map(|fact| match fact {
            Fact::Link { ours, kommo } if *kommo == call.message => Some(*ours),
            _ => None,
        });
        let chat = Chat { chat: opening.chat.clone(), user: opening.user.clone() };
        if courier.store.chat(&call.to)?.is_none() {
            facts.push(Fact::Chat { conversation: call.to.clone(), chat: chat.clone() });
        }
        facts.push(Fact::Opening { conversation: call.to.clone(), opening: Some(chat) });
        then.extend(ours.map(|ours| {
            let work = Work::Name { message: call.message.clone(), ours, opening: opening.clone() };
            NewJob { id: None, lane: lane.reports(), work }
        }));
    }
    Ok(ending)
}

/// Gives a manager's first message its id of ours. What Kommo does not take of that is not worth a person's time.
pub(in crate::relay) async fn name(
    courier: &Courier,
    message: &KommoMessageId,
    ours: MessageId,
    opening: &Opening,
) -> Result<Ending, Failure> {
    let Some(event) = to_kommo::named(message, ours, opening, clock::now()) else { return Ok(done()) };
    let answer = courier.chats.edit(&event).await.map_err(failure::of_status);
    courier.observe(answer.as_ref().err());
    match answer {
        Ok(()) => Ok(done()),
        Err(Failure::Permanent(refusal)) => {
            tracing::info!(%message, why = refusal.sentence, "Kommo does not take our id of a manager's message");
            Ok(done())
        }
        Err(later @ (Failure::Transient { .. } | Failure::Blocked { .. })) => Err(later),
    }
}

/// What the manager reads where nobody is known by the number, with the way to get to know the customer.
pub(super) async fn unknown(courier: &Courier, outbound: &Outbound) -> Refusal {
    let way = match addressee::source(courier.bots.keys(), outbound.source.as_deref()) {
        Some(source) => invitation(courier, source).await,
        None => "Choose one of the bots as the source, or ask the customer to open one and press Start.".to_owned(),
    };
    Refusal::new(ErrorCode::ConversationImpossible, format!("{NOBODY} {way}"))
}

const NOBODY: &str =
    "Not sent: a Telegram bot cannot write first to somebody who has not shared this phone number with it.";

/// How the customer gets to the bot: by its address, if Telegram tells it in time.
async fn invitation(courier: &Courier, source: &SourceId) -> String {
    let username = match courier.bots.get(source) {
        Some(bot) => timeout(ASKED_WITHIN, bot.username()).await.ok().and_then(Result::ok).flatten(),
        None => None,
    };
    let bot = username.map_or_else(|| format!("the bot \"{source}\""), |username| format!("https://t.me/{username}"));
    format!(
        "Ask the customer to open {bot} and press Start; whoever runs the Telegram bridge makes a link that leads to this \
         very contact (telekommo link --source {source} --contact NUMBER)."
    )
}
