//! Asks a person, or takes the answers from a file.

use std::io;

use anyhow::{anyhow, bail};

use crate::cli::{init::answers::Answers, terminal};

/// Who answers.
pub(super) struct Prompt(Option<Answers>);

/// What is asked, and the name of its answer in a file.
pub(super) struct Question {
    pub(super) key: &'static str,
    pub(super) text: &'static str,
    /// What holds if nothing is answered.
    pub(super) default: Option<&'static str>,
    /// The answer as it is written down, or what is wrong with it.
    pub(super) check: fn(&str) -> Result<String, String>,
}

impl Prompt {
    /// Takes `answers`, or asks whoever sits there.
    ///
    /// # Errors
    /// If nobody does.
    pub(super) fn new(answers: Option<Answers>) -> anyhow::Result<Self> {
        if answers.is_none() && !terminal::is_interactive() {
            bail!("nobody sits at a terminal: give the answers in a file, with --answers FILE");
        }
        Ok(Self(answers))
    }

    /// The answers of a file.
    pub(super) const fn answers(&self) -> Option<&Answers> {
        self.0.as_ref()
    }

    /// Tells something, on stderr as the questions.
    #[expect(clippy::unused_self, reason = "whoever talks does all of it")]
    pub(super) fn note(&self, text: &str) {
        terminal::note(text);
    }

    /// Begins a part of the talk.
    pub(super) fn begin(&self, title: &str, text: &str) {
        self.note(&format!("\n{title}"));
        if self.0.is_none() && !text.is_empty() {
            self.note(text);
        }
    }

    /// The answer to a question: that of the file, `given`, or what is typed, asked again until it is right.
    pub(super) fn answer(&self, ask: &Question, given: Option<&String>) -> anyhow::Result<String> {
        if self.0.is_some() {
            let given = given.map(String::as_str).or(ask.default);
            let given = given.ok_or_else(|| anyhow!("the answers lack {}: {}", ask.key, ask.text))?;
            return (ask.check)(given.trim()).map_err(|wrong| anyhow!("{}: {wrong}", ask.key));
        }
        loop {
            match (ask.check)(&terminal::line(ask.text, ask.default)?) {
                Ok(answer) => return Ok(answer),
                Err(wrong) => self.note(&format!("  {wrong}")),
            }
        }
    }

    /// The same for a secret, which is not shown while it is typed, and of which nothing is shown if it is wrong.
    pub(super) fn secret(&self, ask: &Question, given: Option<String>) -> anyhow::Result<String> {
        if self.0.is_some() {
            let given = given.ok_or_else(|| anyhow!("the answers lack {}: {}", ask.key, ask.text))?;
            return (ask.check)(&given).map_err(|wrong| anyhow!("{}: what was given {wrong}", ask.key));
        }
        loop {
            match (ask.check)(&terminal::secret(ask.text)?) {
                Ok(answer) => return Ok(answer),
                Err(wrong) => self.note(&format!("  What you typed {wrong}.")),
            }
        }
    }

    /// Whether something is wanted. A file has said it beforehand.
    pub(super) fn agrees(&self, question: &str, is_default: bool, given: Option<bool>) -> io::Result<bool> {
        if self.0.is_some() {
            return Ok(given.unwrap_or(is_default));
        }
        loop {
            let default = if is_default { "yes" } else { "no" };
            match terminal::line(&format!("{question} (yes or no)"), Some(default))?.to_lowercase().as_str() {
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.note("  write yes or no"),
            }
        }
    }

    /// Waits until whoever sits there has done something else. A file cannot.
    pub(super) fn wait(&self, what: &str) -> io::Result<String> {
        if self.0.is_some() { Ok(String::new()) } else { terminal::line(what, None) }
    }
}
