//! Where buttons are shown.

use crate::config::error::Wrong;

/// Where the buttons of an answer are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonPlace {
    Inline,
    /// In place of the customer's keyboard.
    Keyboard,
}

impl ButtonPlace {
    /// Reads `inline` or `keyboard`.
    ///
    /// # Errors
    /// [`Wrong`] if it is neither.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "inline" => Ok(Self::Inline),
            "keyboard" => Ok(Self::Keyboard),
            _ => Err(Wrong::new("is not a place for buttons: write inline or keyboard")),
        }
    }
}
