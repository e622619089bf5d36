//! What becomes of each method of the Bot API: `methods.tsv`.
//!
//! A line has the method, the way that its calls go, whose pace they keep, and what of them is shown in Kommo. A method
//! that is not in it is newer than the file: its calls pass, and what its name begins with says the rest.

use std::{collections::HashMap, sync::LazyLock};

use crate::gateway::answer::Answer;

const TABLE: &str = include_str!("methods.tsv");
/// The longest name that is taken for one of a method.
const LONGEST_NAME: usize = 64;

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To Telegram.
    Passed,
    /// Nowhere else: we answer it ourselves.
    Ours,
    /// Nowhere: it would take the bot away from all others.
    Refused,
}

/// Which limits a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// None: it asks something, or is the answer to what waits for seconds only.
    None,
    /// That of the bot.
    Bot,
    /// That of the bot, and that of the chat to which it brings messages.
    Chat,
}

/// What of a call is shown in Kommo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    /// The messages that Telegram answers with.
    Messages,
    /// The message that Telegram answers with, as a new wording.
    Edit,
    /// That there is a copy: Telegram answers with numbers alone.
    Copies,
    Deletion,
    Reaction,
}

/// A method, and what becomes of its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Method {
    /// As the Bot API spells it, if it is known here, else as it came.
    pub(super) name: String,
    pub(super) way: Way,
    pub(super) pace: Pace,
    pub(super) shown: Shown,
}

impl Method {
    /// Whether it answers what waits for seconds only.
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

/// What becomes of a method; `None` if no method can have such a name. Case does not matter, as at Telegram's server.
pub(super) fn of(name: &str) -> Option<Method> {
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !fits || name.is_empty() || name.len() > LONGEST_NAME {
        return None;
    }
    let small = name.to_ascii_lowercase();
    Some(METHODS.get(&small).cloned().unwrap_or_else(|| unknown(name, &small)))
}

fn unknown(name: &str, small: &str) -> Method {
    let (pace, shown) = match small {
        _ if small.starts_with("send") || small.starts_with("forward") => (Pace::Chat, Shown::Messages),
        _ if small.starts_with("copy") => (Pace::Chat, Shown::Copies),
        _ if small.starts_with("edit") => (Pace::Bot, Shown::Edit),
        _ => (Pace::None, Shown::Nothing),
    };
    Method { name: name.to_owned(), way: Way::Passed, pace, shown }
}

/// The answer to a call that is not passed on.
pub(super) fn refusal(method: &Method) -> Answer {
    let name = &method.name;
    Answer::refused(400, &format!("Bad Request: {name} is not passed on: others use this bot as well"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The methods of Bot API 10.3, read from the machine-readable specification that the file names.
    const FACTS: &str = include_str!("../../tests/fixtures/telegram/bot_api.json");

    #[test]
    fn every_method_of_the_bot_api_stands_in_the_table_once() {
        let facts: serde_json::Value = serde_json::from_str(FACTS).unwrap();
        let mut known: Vec<_> = facts["methods"].as_object().unwrap().keys().cloned().collect();
        known.sort_by_key(|name| name.to_ascii_lowercase());
        let read: Vec<_> = TABLE.lines().filter_map(line).map(|method| method.name).collect();
        assert_eq!(read.len(), TABLE.lines().count(), "a line cannot be read");
        assert_eq!(read, known);
    }

    #[test]
    fn the_manual_says_what_becomes_of_each() {
        let manual = include_str!("../docs/programs.md");
        let told = |method: &Method| match (method.way, method.shown) {
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
            assert!(row.ends_with(&format!(" | {} |", told(&method))), "{}: {row}", method.name);
        }
    }

    #[test]
    fn what_waits_for_seconds_only_is_never_delayed() {
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
    fn what_is_no_name_is_no_method() {
        for name in ["", "a/b", "send.Message", "sendMessage\n", "ä", "a".repeat(LONGEST_NAME + 1).as_str()] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
