//! How the gateway treats each method of the Bot API: `methods.tsv`.
//!
//! A line has the method, who answers it, the rate limits that apply, and what Kommo shows of it. A method that is not
//! in the file is newer: its calls are forwarded, and the beginning of its name decides the rest.

use std::{collections::HashMap, sync::LazyLock};

use crate::gateway::answer::Answer;

const TABLE: &str = include_str!("methods.tsv");
/// The longest name that counts as a method's.
const MAX_NAME_LEN: usize = 64;

/// Who answers a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Telegram.
    Passed,
    /// The gateway.
    Ours,
    /// Nobody: it would take the bot from all its other users.
    Refused,
}

/// The rate limits of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// None: the call only reads something, or answers a query that expires within seconds.
    None,
    /// The bot's.
    Bot,
    /// The bot's, and that of the chat that gets the messages.
    Chat,
}

/// What Kommo shows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    /// The messages in Telegram's response.
    Messages,
    /// The message in Telegram's response, as an edit.
    Edit,
    /// A note that there is a copy, because the response has ids only.
    Copies,
    Deletion,
    Reaction,
}

/// A method, and how its calls are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Method {
    /// As the Bot API spells it, or as it came if the table does not have it.
    pub(super) name: String,
    pub(super) way: Way,
    pub(super) pace: Pace,
    pub(super) shown: Shown,
}

impl Method {
    /// Whether it answers a query that expires within seconds.
    pub(super) fn is_answer(&self) -> bool {
        self.pace == Pace::None && self.name.starts_with("answer")
    }
}

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let read = TABLE.lines().filter_map(line);
    read.map(|method| (method.name.to_ascii_lowercase(), method)).collect()
});

fn line(line: &str) -> Option<Method> {
    let mut parts = line.split('\t');
    let (name, way, pace, shown) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(Method {
        name: name.to_owned(),
        way: match way {
            "passed" => Way::Passed,
            "ours" => Way::Ours,
            "refused" => Way::Refused,
            _ => return None,
        },
        pace: match pace {
            "-" => Pace::None,
            "bot" => Pace::Bot,
            "chat" => Pace::Chat,
            _ => return None,
        },
        shown: match shown {
            "-" => Shown::Nothing,
            "message" => Shown::Messages,
            "edit" => Shown::Edit,
            "copy" => Shown::Copies,
            "deletion" => Shown::Deletion,
            "reaction" => Shown::Reaction,
            _ => return None,
        },
    })
}

/// Finds a method; `None` if no method can have such a name. Case does not matter, as on Telegram's server.
pub(super) fn of(name: &str) -> Option<Method> {
    let is_allowed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_allowed || name.is_empty() || name.len() > MAX_NAME_LEN {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    Some(METHODS.get(&lower).cloned().unwrap_or_else(|| unknown(name, &lower)))
}

fn unknown(name: &str, lower: &str) -> Method {
    let (pace, shown) = match lower {
        _ if lower.starts_with("send") || lower.starts_with("forward") => (Pace::Chat, Shown::Messages),
        _ if lower.starts_with("copy") => (Pace::Chat, Shown::Copies),
        _ if lower.starts_with("edit") => (Pace::Bot, Shown::Edit),
        _ => (Pace::None, Shown::Nothing),
    };
    Method { name: name.to_owned(), way: Way::Passed, pace, shown }
}

/// The error response to a call that is not forwarded.
pub(super) fn refusal(method: &Method) -> Answer {
    let name = &method.name;
    Answer::refused(400, &format!("Bad Request: {name} is not forwarded, because others use this bot as well"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The methods of Bot API 10.3, read from the machine-readable specification that the file names.
    const FACTS: &str = include_str!("../../tests/fixtures/telegram/bot_api.json");

    #[test]
    fn the_table_has_every_method_of_the_bot_api_once() {
        let facts: serde_json::Value = serde_json::from_str(FACTS).unwrap();
        let mut known: Vec<_> = facts["methods"].as_object().unwrap().keys().cloned().collect();
        known.sort_by_key(|name| name.to_ascii_lowercase());
        let read: Vec<_> = TABLE.lines().filter_map(line).map(|method| method.name).collect();
        assert_eq!(read.len(), TABLE.lines().count(), "a line cannot be read");
        assert_eq!(read, known);
    }

    #[test]
    fn the_manual_describes_each_method() {
        let manual = include_str!("../docs/programs.md");
        let description = |method: &Method| match (method.way, method.shown) {
            (Way::Ours, _) => "telekommo answers them, for this program alone.",
            (Way::Refused, _) => "They are refused: they would take the bot from everybody.",
            (Way::Passed, Shown::Nothing) => "They pass.",
            (Way::Passed, Shown::Messages) => "They pass, and Kommo shows the message.",
            (Way::Passed, Shown::Copies) => "They pass, and Kommo shows that there is a copy.",
            (Way::Passed, Shown::Edit) => "They pass, and Kommo shows the new wording.",
            (Way::Passed, Shown::Deletion) => "They pass, and Kommo shows the message as deleted.",
            (Way::Passed, Shown::Reaction) => "It passes, and Kommo is told of the reaction.",
        };
        for method in TABLE.lines().filter_map(line) {
            let named = manual.lines().find(|row| row.starts_with('|') && row.contains(&format!("`{}`", method.name)));
            let row = named.unwrap_or("| all others | They pass. |");
            assert!(row.ends_with(&format!(" | {} |", description(&method))), "{}: {row}", method.name);
        }
    }

    #[test]
    fn answers_to_queries_that_expire_are_never_delayed() {
        for name in
            ["answerPreCheckoutQuery", "answerCallbackQuery", "answerShippingQuery", "answerInlineQuery", "getMe"]
        {
            assert_eq!(of(name).map(|method| method.pace), Some(Pace::None), "{name}");
        }
    }

    #[test]
    fn case_does_not_matter_and_tomorrows_methods_pass() {
        assert_eq!(of("SENDmessage"), of("sendMessage"));
        let way = |name| of(name).map(|method| method.way);
        assert_eq!((way("logout"), way("getupdates")), (Some(Way::Refused), Some(Way::Ours)));
        for (name, pace, shown) in [
            ("sendHologram", Pace::Chat, Shown::Messages),
            ("editMessageHologram", Pace::Bot, Shown::Edit),
            ("setMyHologram", Pace::None, Shown::Nothing),
        ] {
            let way = Way::Passed;
            assert_eq!(of(name), Some(Method { name: name.to_owned(), way, pace, shown }));
        }
    }

    #[test]
    fn malformed_names_are_no_methods() {
        for name in ["", "a/b", "send.Message", "sendMessage\n", "ä", "a".repeat(MAX_NAME_LEN + 1).as_str()] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
