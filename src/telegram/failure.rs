//! What Telegram's errors mean.
//!
//! teloxide throws the error number away and knows fewer than half of the real error texts, so the text decides, by its
//! beginning. The texts are those of Telegram's own server.

use serde_json::Value;
use teloxide::{ApiError, RequestError};

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
    },
    telegram::place::Detour,
};

/// The result of a call that sends something, with the verdict if it failed.
pub(super) fn of_send(answer: Result<Value, RequestError>) -> Result<Value, Failure> {
    answer.map_err(|error| match error {
        RequestError::Api(error) => by_text(&text(&error)),
        RequestError::RetryAfter(wait) => {
            Failure::Throttled { why: "too many messages (429)".to_owned(), after: Some(wait.duration()) }
        }
        RequestError::MigrateToChatId(_) => Failure::Permanent(refused("the group has become a supergroup")),
        // Whoever could not connect has sent nothing. Anything later may have arrived.
        RequestError::Network(error) if error.is_connect() => Failure::unreachable("Telegram cannot be reached"),
        RequestError::Network(_) => Failure::Uncertain(uncertain()),
        RequestError::InvalidJson { raw, .. } if may_have_succeeded(&raw) => Failure::Uncertain(uncertain()),
        RequestError::InvalidJson { .. } => Failure::transient("the answer is not Telegram's"),
        RequestError::Io(error) => Failure::transient(error.to_string()),
    })
}

/// The result of a call that does the same when it is made twice: what is uncertain is tried again.
pub(super) fn of_repeatable(answer: Result<Value, RequestError>) -> Result<Value, Failure> {
    match answer {
        Err(RequestError::Network(_)) => Err(Failure::transient("Telegram cannot be reached")),
        Err(RequestError::InvalidJson { .. }) => Err(Failure::transient("the answer is not Telegram's")),
        Err(RequestError::Api(error)) if text(&error).starts_with(GATEWAY_TIMEOUT) => {
            Err(Failure::transient("Telegram does not answer in time"))
        }
        answer => of_send(answer),
    }
}

/// The result of a call whose refusal may mean that there is nothing left to do.
pub(super) fn unless_moot(answer: Result<Value, RequestError>) -> Result<(), Failure> {
    match answer {
        Err(RequestError::Api(error)) if is_moot(&text(&error)) => Ok(()),
        answer => of_send(answer).map(drop),
    }
}

fn is_moot(text: &str) -> bool {
    ["query is too old", "message is not modified", "message to edit not found"].iter().any(|moot| text.contains(moot))
}

/// Whether Telegram refused a message for its buttons alone.
pub(super) fn is_about_buttons(error: &RequestError) -> bool {
    let RequestError::Api(error) = error else { return false };
    let text = text(error).to_lowercase();
    text.starts_with("bad request")
        && ["button", "inline keyboard", "reply markup", "reply_markup", "reply keyboard"]
            .iter()
            .any(|part| text.contains(part))
}

/// Where a message goes that Telegram refused for its place alone.
pub(super) fn detour(error: &RequestError) -> Option<Detour> {
    match error {
        RequestError::MigrateToChatId(now) => Some(Detour::Chat(now.0)),
        RequestError::Api(error) => by_place(&text(error)),
        RequestError::RetryAfter(_)
        | RequestError::Network(_)
        | RequestError::InvalidJson { .. }
        | RequestError::Io(_) => None,
    }
}

fn by_place(text: &str) -> Option<Detour> {
    let why = text.strip_prefix("Bad Request: ")?;
    ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED", "message to be replied not found"]
        .iter()
        .any(|start| why.starts_with(start))
        .then_some(Detour::Within)
}

/// Whether Telegram refused what a message holds, and may take it in another form.
pub(super) fn is_about_content(error: &RequestError) -> bool {
    let RequestError::Api(error) = error else { return false };
    let text = text(error);
    text.starts_with("Bad Request") && !REFUSALS.iter().any(|(start, ..)| text.starts_with(start))
}

/// Why a poll brought no updates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// Another program polls with the same token (409).
    #[error("another program is polling with this bot's token: stop it, or give telekommo a bot of its own")]
    Conflict,
    /// A webhook is set (409). Kommo's own Telegram integration sets one.
    #[error(
        "a webhook is set for this bot, so Telegram does not let it be polled: disconnect the bot from the service that set it, or call deleteWebhook"
    )]
    Webhook,
    /// The token is wrong or was revoked (401, 404).
    #[error("Telegram does not accept this bot's token: get a new one from @BotFather and restart")]
    Revoked,
    /// Anything that time heals.
    #[error("{why}")]
    Unreachable {
        /// What happened.
        why: String,
        /// How many seconds the server asked us to wait.
        after_seconds: u32,
    },
}

/// Reads why a poll failed.
pub(super) fn of_poll(error: &RequestError) -> PollError {
    let unreachable = |why: &str, after_seconds| PollError::Unreachable { why: why.to_owned(), after_seconds };
    match error {
        RequestError::Api(error) => match text(error) {
            // The poll that waits while a webhook is set is told so in other words than those after it.
            text if text.contains("webhook is active") || text.contains("setWebhook") => PollError::Webhook,
            text if text.starts_with("Conflict") => PollError::Conflict,
            text if is_revoked(&text) => PollError::Revoked,
            text => unreachable(&format!("Telegram answered: {text}"), 0),
        },
        RequestError::RetryAfter(wait) => unreachable("too many requests (429)", wait.seconds()),
        RequestError::Network(error) if error.is_timeout() => unreachable("Telegram does not answer in time", 0),
        RequestError::Network(_) => unreachable("Telegram cannot be reached", 0),
        RequestError::InvalidJson { .. } => unreachable("the answer is not Telegram's", 0),
        RequestError::MigrateToChatId(_) | RequestError::Io(_) => unreachable("an answer without sense", 0),
    }
}

/// A success that is cut off, or a gateway that gave up waiting for an answer.
fn may_have_succeeded(raw: &str) -> bool {
    let start: String = raw.chars().filter(|c| !c.is_whitespace()).take(10).collect();
    start == "{\"ok\":true" || raw.contains("504 Gateway")
}

/// The text as Telegram wrote it.
pub(super) fn text(error: &ApiError) -> String {
    match error {
        ApiError::Unknown(text) => text.clone(),
        // The one known error that is not written as it came.
        ApiError::InvalidToken => "Unauthorized".to_owned(),
        known => known.to_string(),
    }
}

fn by_text(text: &str) -> Failure {
    if is_revoked(text) {
        return Failure::blocked(format!("Telegram does not accept the bot's token: {text}"));
    }
    if let Some((_, code, sentence)) = REFUSALS.iter().find(|(start, ..)| text.starts_with(start)) {
        return Failure::Permanent(Refusal::new(*code, *sentence));
    }
    if text.starts_with(GATEWAY_TIMEOUT) {
        return Failure::Uncertain(uncertain());
    }
    if ["Bad Request", "Forbidden", NOT_FOUND].iter().any(|start| text.starts_with(start)) {
        return Failure::Permanent(refused(text));
    }
    Failure::transient(format!("Telegram answered: {text}"))
}

/// A malformed token is "Not Found", since it is part of the address. An older server of one's own says more of a method that
/// it does not have, and that is about the one call.
fn is_revoked(text: &str) -> bool {
    text == NOT_FOUND
        || ["Unauthorized", "Logged out", "Misdirected Request"].iter().any(|start| text.starts_with(start))
}

const NOT_FOUND: &str = "Not Found";
const GATEWAY_TIMEOUT: &str = "Gateway Timeout";
const BLOCKED: &str = "Not delivered: the customer has blocked the bot. Messages arrive again once they unblock it.";
const NO_CHAT: &str =
    "Not delivered: Telegram knows no such chat for this bot. The customer has to open the bot and press Start.";

const REMOVED: &str = "Not delivered: the bot was removed from the group.";
const NO_CONNECTION: &str = "Not delivered: the bot is not connected any more to the Telegram account in whose name it answers. The account's owner connects it in Telegram under Settings, Telegram Business, Chatbots.";
const NO_RIGHT: &str = "Not delivered: the account's owner does not let the bot answer in this chat. The owner allows it in Telegram under Settings, Telegram Business, Chatbots.";
const NOT_RECENT: &str = "Not delivered: the bot may not answer in this chat. It may where the customer has written within the last 24 hours, if the account's owner has not left the chat out.";

/// How a refusal begins, its code, and what the manager reads.
const REFUSALS: &[(&str, ErrorCode, &str)] = &[
    ("Forbidden: bot was blocked by the user", ErrorCode::ConversationDeleted, BLOCKED),
    (
        "Forbidden: user is deactivated",
        ErrorCode::ConversationDeleted,
        "Not delivered: the customer's Telegram account has been deleted.",
    ),
    ("Forbidden: bot was kicked", ErrorCode::ConversationDeleted, REMOVED),
    ("Forbidden: bot is not a member", ErrorCode::ConversationDeleted, REMOVED),
    ("Bad Request: business connection not found", ErrorCode::IntegrationOff, NO_CONNECTION),
    ("Bad Request: BUSINESS_CONNECTION_INVALID", ErrorCode::IntegrationOff, NO_CONNECTION),
    ("Bad Request: BOT_ACCESS_FORBIDDEN", ErrorCode::IntegrationOff, NO_RIGHT),
    ("Bad Request: BUSINESS_PEER_USAGE_MISSING", ErrorCode::ConversationImpossible, NOT_RECENT),
    ("Bad Request: BUSINESS_PEER_INVALID", ErrorCode::ConversationImpossible, NOT_RECENT),
    ("Forbidden: bot can't initiate conversation", ErrorCode::ConversationImpossible, NO_CHAT),
    ("Bad Request: chat not found", ErrorCode::ConversationImpossible, NO_CHAT),
    ("Bad Request: PEER_ID_INVALID", ErrorCode::ConversationImpossible, NO_CHAT),
    ("Bad Request: message text is empty", ErrorCode::Other, "Not delivered: the message is empty."),
];

fn refused(text: &str) -> Refusal {
    Refusal::new(ErrorCode::Other, format!("Not delivered: Telegram refused the message ({text})."))
}

pub(super) fn uncertain() -> Refusal {
    Refusal::new(
        ErrorCode::Other,
        "May not have been delivered: the connection to Telegram broke before it answered. Ask the customer before sending it again.",
    )
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
