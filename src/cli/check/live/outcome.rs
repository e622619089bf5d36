//! What was found out about one question.

use serde::{Serialize, Serializer};

use crate::cli::{check::finding, table::wrapped, terminal};

/// How wide the mark and the question are.
const INDENT: usize = 23;

/// What was found out about one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ProbeOutcome {
    /// Programs read it in lower case, with `_` for a blank; it does not change.
    #[serde(serialize_with = "as_name")]
    pub(super) question: &'static str,
    pub(super) state: Answered,
    /// What telekommo does without knowing.
    pub(super) assumed: &'static str,
    /// What is true of this account, or why nobody knows.
    pub(super) found: String,
    /// What works differently here because of it, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<String>,
    /// The line of the configuration that says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) setting: Option<String>,
    /// What Kommo answered, in the order of the calls.
    pub(super) answers: Vec<String>,
}

/// How an assumption stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answered {
    AsAssumed,
    Differs,
    /// It could not be found out.
    Open,
}

impl ProbeOutcome {
    pub(super) fn new(
        question: &'static str,
        state: Answered,
        assumed: &'static str,
        found: impl Into<String>,
    ) -> Self {
        let (effect, setting) = (None, None);
        Self { question, state, assumed, found: found.into(), effect, setting, answers: Vec::new() }
    }

    pub(super) fn with_effect(self, effect: &str) -> Self {
        Self { effect: Some(effect.to_owned()), ..self }
    }

    pub(super) fn with_setting(self, setting: String) -> Self {
        Self { setting: Some(setting), ..self }
    }

    pub(super) fn with_answers(self, answers: Vec<String>) -> Self {
        Self { answers, ..self }
    }

    /// For a person.
    pub(super) fn text(&self) -> String {
        let (mark, verdict) = match self.state {
            Answered::AsAssumed => ("✓", "as assumed"),
            Answered::Differs => ("!", "otherwise"),
            Answered::Open => ("?", "not known"),
        };
        let mut text = format!("{verdict}: {}. Assumed: {}.", self.found, self.assumed);
        if let Some(effect) = &self.effect {
            text = format!("{text} {effect}.");
        }
        if let Some(setting) = &self.setting {
            text = format!("{text} Setting: {setting}");
        }
        let first = format!("{:<INDENT$}", format!("{mark} {}", self.question));
        wrapped(&text, &first, &" ".repeat(INDENT), terminal::text_columns())
    }
}

fn as_name<S: Serializer>(question: &&'static str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&finding::name(question))
}
