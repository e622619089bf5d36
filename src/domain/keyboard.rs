//! The choices under an answer.

use serde::{Deserialize, Serialize};

/// Buttons in rows. This is a stored format: fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keyboard(pub Vec<Vec<Button>>);

/// A button of a [`Keyboard`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What stands on it, and what the customer says by pressing it; never empty.
    pub label: String,
    /// Where it leads; `None` for one that answers with its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Keyboard {
    /// Whether there is nothing to press.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buttons().next().is_none()
    }

    /// All buttons, row by row.
    pub fn buttons(&self) -> impl Iterator<Item = &Button> {
        self.0.iter().flatten()
    }

    /// The buttons that `keep` chooses, in their rows; a row without any goes.
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
        Self { label: label.into(), url: None }
    }

    /// The button as a line of text: a customer who types what it says answers as the button would.
    #[must_use]
    pub fn line(&self) -> String {
        let url = self.url.as_ref().map(|url| format!(": {url}")).unwrap_or_default();
        format!("• {}{url}", self.label)
    }
}
