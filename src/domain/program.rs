//! The owner's own programs, which share a bot with Kommo: which updates are whose.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether what a program sends makes leads in Kommo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leads {
    /// It is shown only in conversations that Kommo has already.
    #[default]
    Never,
    /// It also starts a conversation with a customer whom Kommo knows.
    Known,
    /// It starts a conversation with everybody who gets it.
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

/// The longest time that a program may be configured to stay quiet after a manager's message, and how long such
/// messages are remembered.
pub const LONGEST_QUIET: Duration = Duration::from_hours(24);

/// The updates that a program keeps for itself, so that Kommo does not get them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Messages that begin with a command, such as `/order`.
    Command(TextPattern),
    /// Presses of buttons with this data, such as `cb:cart:*`.
    Press(TextPattern),
}

/// A whole text or a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPattern {
    text: String,
    /// Whether any text may follow.
    is_prefix: bool,
}

/// The parts of an update that patterns are matched against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatternInput<'u> {
    /// The text of a new or edited message.
    pub text: Option<&'u str>,
    /// The data of the button that was pressed.
    pub pressed: Option<&'u str>,
}

/// The prefix of a pattern for presses.
const PRESS: &str = "cb:";

impl Pattern {
    /// Reads a pattern: a command, or `cb:` and the data of a button. A `*` at its end stands for anything.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let pattern = |text: &str| {
            let is_prefix = text.ends_with('*');
            let text = text.strip_suffix('*').unwrap_or(text);
            let fits = !text.contains(char::is_control) && !text.contains('*');
            (fits && (is_prefix || !text.is_empty())).then(|| TextPattern { text: text.to_owned(), is_prefix })
        };
        if let Some(data) = text.strip_prefix(PRESS) {
            return pattern(data).map(Self::Press);
        }
        let command = pattern(text.strip_prefix('/')?)?;
        let is_name = command.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then_some(Self::Command(command))
    }

    /// Whether it matches an update.
    #[must_use]
    pub fn matches(&self, input: PatternInput<'_>) -> bool {
        match self {
            Self::Press(pattern) => input.pressed.is_some_and(|data| pattern.matches(data)),
            Self::Command(pattern) => input.text.and_then(command).is_some_and(|command| pattern.matches(command)),
        }
    }
}

impl TextPattern {
    fn matches(&self, text: &str) -> bool {
        if self.is_prefix { text.starts_with(&self.text) } else { text == self.text }
    }
}

/// The name of the command that a text begins with. In groups the bot's name may follow it (`/order@shop_bot`).
fn command(text: &str) -> Option<&str> {
    let first = text.strip_prefix('/')?.split_whitespace().next()?;
    first.split('@').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, input: PatternInput<'_>) -> bool {
        Pattern::parse(pattern).unwrap_or_else(|| unreachable!("{pattern}")).matches(input)
    }

    #[test]
    fn commands_match_with_their_arguments() {
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
            assert_eq!(matches(pattern, PatternInput { text: Some(text), pressed: None }), want, "{pattern} {text}");
        }
    }

    #[test]
    fn presses_match_by_their_data() {
        for (pattern, data, want) in [
            ("cb:cart", "cart", true),
            ("cb:cart", "cart:1", false),
            ("cb:cart:*", "cart:1", true),
            ("cb:cart:*", "cart", false),
            ("cb:*", "x", true),
            ("/cart", "/cart", false),
        ] {
            assert_eq!(matches(pattern, PatternInput { text: None, pressed: Some(data) }), want, "{pattern} {data}");
        }
        assert!(!matches("cb:x", PatternInput { text: Some("x"), pressed: None }));
    }

    #[test]
    fn invalid_patterns_are_refused() {
        for none in ["", "order", "/", "cb:", "cb:a*b", "/or der", "/приказ", "*", "cb:a\u{7}"] {
            assert_eq!(Pattern::parse(none), None, "{none:?}");
        }
    }
}
