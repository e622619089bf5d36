//! Programs other than the bridge that use a bot's token.

use serde::{Deserialize, Serialize};

use crate::domain::program::Leads;

/// A program of the owner's, as it was when it sent something. This is a stored format: fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Speaker {
    /// The author's name in Kommo; `None` for that of the bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it may start a conversation in Kommo.
    pub leads: Leads,
    /// The labels of the buttons that came in place of the customer's keyboard, row by row. Telegram's response does
    /// not have them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keyboard: Vec<Vec<String>>,
    /// Whether it is a copy, for which Telegram returns nothing but its number.
    #[serde(skip_serializing_if = "is_false")]
    pub is_copy: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}
