//! What stands between a bot and the Bot API until somebody does something, and what that is.

use crate::telegram::error::ApiError;

/// Something that only a person can mend. Once it is mended, the bridge goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The token was revoked, or its bot deleted (401).
    #[error(
        "Telegram does not accept this bot's token (401 Unauthorized): it was revoked, or the bot was deleted. \
         @BotFather shows the token that is good now: put it into the configuration. If Telegram accepts the old one \
         again, the bot goes on by itself"
    )]
    Revoked,
    /// Another Bot API server serves the bot now (400 "Logged out").
    #[error(
        "this Bot API server has logged the bot out, because another one serves it now. Its token is good. Set \
         `telegram.api_url` to the other server, or call logOut there (close, if it is your own) to bring the bot \
         back: then it goes on by itself, in Telegram's cloud 10 minutes after it was logged out"
    )]
    LoggedOut,
    /// The server has no bot under the address (404, or 401 for what it does not even take for a token).
    #[error(
        "the Bot API server has no bot under this address ({0}): check the path in `telegram.api_url`. If that is \
         right, check that the token is written as @BotFather shows it"
    )]
    NoBotThere(&'static str),
    /// The server leaves this bot to others (421).
    #[error(
        "this Bot API server does not serve the bot (421 Misdirected Request): its --filter leaves it out. Change \
         that, or set `telegram.api_url` to the server that serves it"
    )]
    NotServed,
}

impl Obstacle {
    /// What an error says of the bot as a whole, whatever was called. The texts are those of the published server.
    #[must_use]
    pub fn of(error: &ApiError) -> Option<Self> {
        match (error.code, error.description.as_str()) {
            // If a well-formed token is refused like this, the address has something in its path before it.
            (401, text) if text.contains("invalid token") => Some(Self::NoBotThere("401 Unauthorized: invalid token")),
            (401, _) => Some(Self::Revoked),
            (400, text) if text.starts_with("Logged out") => Some(Self::LoggedOut),
            // A server that lacks a method says more, and that is about the one call.
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
            let told = of(code, description).unwrap().to_string();
            assert!(told.contains(advice), "{code} {description}: {told}");
            assert!(!told.contains("restart"), "{told}");
        }
        let told: std::collections::BTreeSet<_> =
            cases.iter().map(|(code, text, _)| of(*code, text).unwrap().to_string()).collect();
        assert_eq!(told.len(), cases.len());
    }

    #[test]
    fn what_is_about_one_call_is_no_obstacle() {
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
