//! Errors and warnings about the configuration.

use std::{borrow::Cow, cell::RefCell};

/// The configuration cannot be used. One problem a line; each names its file or variable, the key and the remedy.
///
/// Contains no secret, neither as text nor as `Debug`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.join("\n"))]
pub struct ConfigError {
    problems: Vec<String>,
}

impl From<String> for ConfigError {
    fn from(problem: String) -> Self {
        Self { problems: vec![problem] }
    }
}

/// Why a text is not valid: the end of a sentence that begins with the text. It never quotes the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(Cow<'static, str>);

impl Wrong {
    /// A reason, with what to write instead.
    pub(super) fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }
}

/// Collects problems, so that all of them are reported at once, and warnings, which stop nothing.
#[derive(Default)]
pub(super) struct Problems {
    found: RefCell<Vec<String>>,
    warnings: RefCell<Vec<String>>,
}

/// A marker: the value is missing, and the problem has been reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported;

impl Problems {
    pub(super) fn report(&self, problem: String) -> Reported {
        self.found.borrow_mut().push(problem);
        Reported
    }

    /// Records a warning: a sentence.
    pub(super) fn warn(&self, warning: String) {
        self.warnings.borrow_mut().push(warning);
    }

    /// Takes the warnings so far.
    pub(super) fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// `value`, if no problem was reported.
    ///
    /// # Errors
    /// [`ConfigError`] with all problems.
    pub(super) fn unless_any<T>(self, value: Result<T, Reported>) -> Result<T, ConfigError> {
        let problems = self.found.into_inner();
        match value {
            Ok(value) if problems.is_empty() => Ok(value),
            Ok(_) | Err(Reported) => Err(ConfigError { problems }),
        }
    }
}
