//! Obstacles between a bot and the Bot API that a person has to remove, and how.

use crate::telegram::error::ApiError;

/// An obstacle that only a person can remove. After that, the bridge continues without a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The token was revoked, or its bot deleted (401).
    #[error(
        "Telegram does not accept this bot's token (401 Unauthorized): it was revoked, or the bot was deleted. \
         @BotFather shows the token that is good now: put it into the configuration. If Telegram accepts the old one \
         again, the bot goes on by itself"
    )]
    Revoked,
    /// The bot was moved to another Bot API server (400 "Logged out").
    #[error(
        "this Bot API server has logged the bot out, because another one serves it now. Its token is good. Set \
         `telegram.api_url` to the other server, or call logOut there (close, if it is your own) to bring the bot \
         back: then it goes on by itself, in Telegram's cloud 10 minutes after it was logged out"
    )]
    LoggedOut,
    /// The server has no bot under the address (404, or 401 for a malformed token).
    #[error(
        "the Bot API server has no bot under this address ({0}): check the path in `telegram.api_url`. If that is \
         right, check that the token is written as @BotFather shows it"
    )]
    NoBotThere(&'static str),
    /// The server is configured not to serve this bot (421).
    #[error(
        "this Bot API server does not serve the bot (421 Misdirected Request): its --filter leaves it out. Change \
         that, or set `telegram.api_url` to the server that serves it"
    )]
    NotServed,
}

impl Obstacle {
    /// Recognises errors that are about the bot and not about the call. The texts are those of the published server.
    #[must_use]
    pub fn of(error: &ApiError) -> Option<Self> {
        match (error.code, error.description.as_str()) {
            // A well-formed token is refused like this if the address has a wrong path before it.
            (401, text) if text.contains("invalid token") => Some(Self::NoBotThere("401 Unauthorized: invalid token")),
            (401, _) => Some(Self::Revoked),
            (400, text) if text.starts_with("Logged out") => Some(Self::LoggedOut),
            // The text for an unknown method is longer, and is about the call.
            (404, "Not Found") => Some(Self::NoBotThere("404 Not Found")),
            (421, _) => Some(Self::NotServed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: u16, description: &str) -> Option<Obstacle> {
        let description = description.to_owned();
        Obstacle::of(&ApiError { code, description, retry_after: None, migrate_to_chat_id: None })
    }

    #[test]
    fn each_cause_has_its_own_advice() {
        let cases = [
            (401, "Unauthorized", "@BotFather"),
            (400, "Logged out", "call logOut there"),
            (404, "Not Found", "check the path in `telegram.api_url`"),
            (401, "Unauthorized: invalid token specified", "check the path in `telegram.api_url`"),
            (421, "Misdirected Request: unallowed token specified", "--filter"),
        ];
        for (code, description, advice) in cases {
            let text = of(code, description).unwrap().to_string();
            assert!(text.contains(advice), "{code} {description}: {text}");
            assert!(!text.contains("restart"), "{text}");
        }
        let texts: std::collections::BTreeSet<_> =
            cases.iter().map(|(code, text, _)| of(*code, text).unwrap().to_string()).collect();
        assert_eq!(texts.len(), cases.len());
    }

    #[test]
    fn errors_of_one_call_are_no_obstacles() {
        for (code, text) in [
            (404, "Not Found: method not found"),
            (400, "Bad Request: chat not found"),
            (403, "Forbidden: bot was blocked by the user"),
            (429, "Too Many Requests: retry after 3"),
            (409, "Conflict: terminated by other getUpdates request"),
            (500, "Internal Server Error"),
        ] {
            assert_eq!(of(code, text), None, "{code} {text}");
        }
    }
}
