//! `getMe`: a bot's names and abilities, and probes of the connection.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use teloxide::requests::Payload;
use tokio::time::timeout;

use crate::{
    domain::retry::Failure,
    net::Endpoint,
    telegram::{bot::Bot, error::CallError, failure, wire::RawObject},
};

/// How long a probe may take.
const PROBED_WITHIN: Duration = Duration::from_secs(3);

/// `getMe`.
#[derive(Serialize)]
struct GetMe {}

impl Payload for GetMe {
    type Output = Value;
    const NAME: &'static str = "GetMe";
}

/// A bot, as `getMe` describes it. Missing fields are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// Its public name, without `@`; every bot has one.
    pub username: Option<String>,
    /// Whether it gets all messages of its groups. Otherwise (privacy mode) it gets only those meant for it, unless it
    /// is an administrator there.
    pub sees_groups: Option<bool>,
    /// Whether people can connect it to their own chats (Business Mode).
    pub can_answer_for_people: Option<bool>,
}

impl Me {
    /// Reads the result of `getMe`: a `User`, or from Bot API 10.5 on a `BotFullInfo`, which may or may not have the
    /// user in a field of its own.
    fn read(answer: &str) -> Self {
        let bot: RawObject = serde_json::from_str(answer).unwrap_or_default();
        let nested = ["user", "bot"].map(|field| bot.part(field));
        let all = || std::iter::once(&bot).chain(&nested);
        let flag = |name: &str| all().find_map(|part| part.read::<bool>(name));
        Self {
            username: all().find_map(|part| part.text("username")),
            sees_groups: flag("can_read_all_group_messages"),
            can_answer_for_people: flag("can_connect_to_business"),
        }
    }
}

impl Bot {
    /// The address of its server.
    #[must_use]
    pub fn place(&self) -> Endpoint {
        self.sender.place()
    }

    /// Calls `getMe`.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn me(&self) -> Result<Me, CallError> {
        self.acquire().await;
        Ok(Me::read(self.sender.call(&GetMe {}).await?.get()))
    }

    /// The bot's public name, without `@`; every bot has one.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn username(&self) -> Result<Option<String>, CallError> {
        Ok(self.me().await?.username)
    }

    /// Checks that the server accepts this bot.
    ///
    /// # Errors
    /// Why there is no response, or why the token is refused. It does not contain the address, because that contains
    /// the token.
    pub async fn greet(&self) -> Result<(), Failure> {
        self.acquire().await;
        self.sender.call(&GetMe {}).await.map(drop).map_err(failure::of_repeatable)
    }

    /// Probes the connection that messages use. It ignores the rate limit, because nothing else is sent meanwhile.
    ///
    /// # Errors
    /// Why the probe has failed, within 3 s.
    pub async fn probe(&self) -> Result<(), Failure> {
        let answer = timeout(PROBED_WITHIN, self.sender.call(&GetMe {})).await;
        let late = |_| Err(CallError::late(&self.sender.place(), PROBED_WITHIN, false));
        answer.unwrap_or_else(late).map(drop).map_err(failure::of_repeatable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bot_is_read_from_the_result_of_any_version() {
        let known =
            Me { username: Some("acme_bot".to_owned()), sees_groups: Some(false), can_answer_for_people: Some(true) };
        let flags = r#""can_read_all_group_messages":false,"can_connect_to_business":true"#;
        for answer in [
            format!(r#"{{"id":1,"is_bot":true,"first_name":"Acme","username":"acme_bot",{flags}}}"#),
            format!(r#"{{"user":{{"id":1,"username":"acme_bot"}},{flags},"new":{{"deep":[1]}}}}"#),
            format!(r#"{{"bot":{{"id":1,"username":"acme_bot",{flags}}}}}"#),
        ] {
            assert_eq!(Me::read(&answer), known, "{answer}");
        }
        for answer in ["{}", "[]", "7", r#"{"username":7,"can_connect_to_business":"yes"}"#] {
            assert_eq!(Me::read(answer), Me::default(), "{answer}");
        }
    }
}
