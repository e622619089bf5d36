//! The owner's own programs, which share a bot with Kommo: what of an update is whose.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether what a program sends makes leads in Kommo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leads {
    /// It is shown only where Kommo has the conversation already.
    #[default]
    Never,
    /// It also begins a conversation with a customer whom Kommo knows.
    Known,
    /// It begins a conversation with whoever gets it.
    Always,
}

/// Which updates a program gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sees {
    /// All of its bot.
    #[default]
    All,
    /// All but presses of Kommo's buttons, and starts with a payload of telekommo's links.
    NotOurs,
}

/// The longest time for which a program may be quiet after a manager's message, and so for how long such messages are
/// remembered.
pub const LONGEST_QUIET: Duration = Duration::from_hours(24);

/// Which updates a program keeps for itself, so that Kommo does not get them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Messages that begin with a command, such as `/order`.
    Command(Words),
    /// Presses of buttons with this data, such as `cb:cart:*`.
    Press(Words),
}

/// A text, or how it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    text: String,
    /// Whether anything may follow.
    is_beginning: bool,
}

/// What of an update patterns are held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked<'u> {
    /// The text of a message that is new or was edited.
    pub text: Option<&'u str>,
    /// The data of the button that was pressed.
    pub pressed: Option<&'u str>,
}

/// Begins a pattern of presses.
const PRESS: &str = "cb:";

impl Pattern {
    /// Reads a pattern: a command, or `cb:` and the data of a button. A `*` at its end stands for anything.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words = |text: &str| {
            let is_beginning = text.ends_with('*');
            let text = text.strip_suffix('*').unwrap_or(text);
            let fits = !text.contains(char::is_control) && !text.contains('*');
            (fits && (is_beginning || !text.is_empty())).then(|| Words { text: text.to_owned(), is_beginning })
        };
        if let Some(data) = text.strip_prefix(PRESS) {
            return words(data).map(Self::Press);
        }
        let command = words(text.strip_prefix('/')?)?;
        let is_name = command.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then_some(Self::Command(command))
    }

    /// Whether an update is meant by it.
    #[must_use]
    pub fn meets(&self, asked: Asked<'_>) -> bool {
        match self {
            Self::Press(words) => asked.pressed.is_some_and(|data| words.meet(data)),
            Self::Command(words) => asked.text.and_then(command).is_some_and(|command| words.meet(command)),
        }
    }
}

impl Words {
    fn meet(&self, text: &str) -> bool {
        if self.is_beginning { text.starts_with(&self.text) } else { text == self.text }
    }
}

/// The name of the command that a text begins with. In groups the bot may stand behind it (`/order@shop_bot`).
fn command(text: &str) -> Option<&str> {
    let first = text.strip_prefix('/')?.split_whitespace().next()?;
    first.split('@').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(pattern: &str, asked: Asked<'_>) -> bool {
        Pattern::parse(pattern).unwrap_or_else(|| unreachable!("{pattern}")).meets(asked)
    }

    #[test]
    fn commands_are_met_with_what_stands_behind_them() {
        for (pattern, text, want) in [
            ("/order", "/order", true),
            ("/order", "/order 17", true),
            ("/order", "/order@shop_bot", true),
            ("/order", "/order@shop_bot 17", true),
            ("/order", "/orders", false),
            ("/order", "order", false),
            ("/order", "I /order", false),
            ("/order*", "/orders", true),
            ("/*", "/anything", true),
            ("/order", "/", false),
        ] {
            assert_eq!(meets(pattern, Asked { text: Some(text), pressed: None }), want, "{pattern} {text}");
        }
    }

    #[test]
    fn presses_are_met_by_their_data() {
        for (pattern, data, want) in [
            ("cb:cart", "cart", true),
            ("cb:cart", "cart:1", false),
            ("cb:cart:*", "cart:1", true),
            ("cb:cart:*", "cart", false),
            ("cb:*", "x", true),
            ("/cart", "/cart", false),
        ] {
            assert_eq!(meets(pattern, Asked { text: None, pressed: Some(data) }), want, "{pattern} {data}");
        }
        assert!(!meets("cb:x", Asked { text: Some("x"), pressed: None }));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for none in ["", "order", "/", "cb:", "cb:a*b", "/or der", "/приказ", "*", "cb:a\u{7}"] {
            assert_eq!(Pattern::parse(none), None, "{none:?}");
        }
    }
}
