//! Buttons below an answer.

use serde::{Deserialize, Serialize};

use crate::domain::address::TelegramChat;

/// Buttons in rows. This is a stored format: fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keyboard(pub Vec<Vec<Button>>);

/// A button of a [`Keyboard`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Its text, which is also what the customer answers by pressing it; never empty.
    pub label: String,
    /// The address that it opens; `None` if it answers with its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The id of the choice, for Kommo: choices of a list have one besides their label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
}

/// Where the buttons of an answer are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Inline,
    /// In place of the customer's keyboard: pressing one sends its label.
    Keyboard {
        /// Whether it hides once a button was pressed.
        is_one_time: bool,
    },
}

impl Layout {
    /// The layout of `keyboard` in `chat`. Buttons with addresses are possible below a message only. Buttons in place
    /// of the keyboard are possible only in the customer's own chat with the bot.
    #[must_use]
    pub fn of(self, keyboard: &Keyboard, chat: TelegramChat) -> Self {
        let is_private = chat.owner.is_none() && chat.id > 0;
        if is_private && keyboard.buttons().all(|button| button.url.is_none()) { self } else { Self::Inline }
    }
}

impl Keyboard {
    /// Whether it has no button.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buttons().next().is_none()
    }

    /// All buttons, row by row.
    pub fn buttons(&self) -> impl Iterator<Item = &Button> {
        self.0.iter().flatten()
    }

    /// The buttons for which `keep` is true, in their rows, without empty rows.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Button) -> bool) -> Self {
        let row = |row: &Vec<Button>| row.iter().filter(|button| keep(button)).cloned().collect::<Vec<_>>();
        Self(self.0.iter().map(row).filter(|row| !row.is_empty()).collect())
    }
}

impl Button {
    /// A button that answers with its label.
    #[must_use]
    pub fn answer(label: impl Into<String>) -> Self {
        Self { label: label.into(), url: None, choice: None }
    }

    /// A button that opens `url`.
    #[must_use]
    pub fn link(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { label: label.into(), url: Some(url.into()), choice: None }
    }

    /// The button as a line of text: a customer who types its label answers as the button would.
    #[must_use]
    pub fn line(&self) -> String {
        let url = self.url.as_ref().map(|url| format!(": {url}")).unwrap_or_default();
        format!("• {}{url}", self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::UserId;

    #[test]
    fn a_keyboard_is_replaced_only_if_the_chat_and_all_buttons_allow_it() {
        let keyboard = Layout::Keyboard { is_one_time: true };
        let (yes, site) = (vec![Button::answer("Yes")], vec![Button::link("Site", "https://example.com")]);
        let (answers, mixed) = (Keyboard(vec![yes.clone()]), Keyboard(vec![yes, site]));
        let private = TelegramChat::from(7);
        assert_eq!(keyboard.of(&answers, private), keyboard);
        assert_eq!(keyboard.of(&mixed, private), Layout::Inline);
        assert_eq!(keyboard.of(&answers, (-7).into()), Layout::Inline, "a group");
        assert_eq!(
            keyboard.of(&answers, TelegramChat { owner: Some(UserId(1)), ..private }),
            Layout::Inline,
            "an owner's"
        );
        assert_eq!(Layout::Inline.of(&answers, private), Layout::Inline);
    }
}
