//! Quotations of the message that another one answers.

use serde::{Deserialize, Serialize};

use crate::domain::address::{KommoMessageId, MessageId};

/// The message that another one answers, as far as it is known. This is a stored format: fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quote {
    /// Our id of it.
    pub ours: Option<MessageId>,
    /// Kommo's id of it.
    pub kommo: Option<KommoMessageId>,
    /// Its text, which is shown if the other side does not have the message; may be empty.
    pub words: String,
    /// Whether the text is a part of the message that the author of the answer has selected. A reference to the message
    /// does not show which part.
    pub is_part: bool,
}

impl Quote {
    /// The quote as lines before a text; empty if nothing is known. A whole message is shortened to its first line, by
    /// which it is recognised. A selected part has all of its lines.
    #[must_use]
    pub fn in_front(&self) -> String {
        const FIRST_LINE: usize = 100;
        const PART: usize = 300;
        let words = self.words.trim();
        let (meant, most) =
            if self.is_part { (words, PART) } else { (words.lines().next().unwrap_or_default(), FIRST_LINE) };
        let shown: String = meant.chars().take(most).collect();
        let more = if shown.len() < words.len() { "…" } else { "" };
        let lines: Vec<_> = shown.lines().map(|line| format!("> {line}")).collect();
        if lines.is_empty() { String::new() } else { format!("{}{more}\n\n", lines.join("\n")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_one_short_line_or_the_part_that_is_meant() {
        let quote = |words: &str, is_part| Quote { words: words.to_owned(), is_part, ..Quote::default() }.in_front();
        let in_front = |words: &str| quote(words, false);
        assert_eq!(in_front(" Hello \n"), "> Hello\n\n");
        assert_eq!(in_front("one\ntwo"), "> one…\n\n");
        assert_eq!(in_front(&"é".repeat(101)), format!("> {}…\n\n", "é".repeat(100)));
        assert_eq!(in_front("  "), "");
        assert_eq!(quote(" one\n\ntwo\n", true), "> one\n> \n> two\n\n");
        assert_eq!(quote(&"é".repeat(301), true), format!("> {}…\n\n", "é".repeat(300)));
        assert_eq!(quote(&format!("{}\nlast", "é".repeat(299)), true), format!("> {}…\n\n", "é".repeat(299)));
        assert_eq!(quote(" ", true), "");
    }
}
