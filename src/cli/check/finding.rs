//! One thing that was looked at, and how it stands.

use serde::{Serialize, Serializer};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What it is about. Programs read it in lower case, with `_` for a blank; it does not change.
    #[serde(rename = "check", serialize_with = "as_name")]
    pub(super) about: &'static str,
    /// Which one, where there are several: a source, a side.
    pub(super) of: Option<String>,
    pub(super) state: State,
    /// How it stands, and what to do if it does not stand well.
    pub(super) text: String,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    /// Messages pass, and somebody should read it all the same.
    Warning,
    /// Somebody has to do something.
    Wrong,
    /// It could not be checked.
    Unknown,
}

impl Finding {
    const fn new(about: &'static str, state: State, text: String) -> Self {
        Self { about, of: None, state, text }
    }

    pub(super) fn is_fine(&self) -> bool {
        matches!(self.state, State::Ok | State::Warning)
    }

    /// The same about one of several.
    pub(super) fn of(self, of: &(impl ToString + ?Sized)) -> Self {
        Self { of: Some(of.to_string()), ..self }
    }
}

pub(super) fn fine(about: &'static str, text: impl Into<String>) -> Finding {
    Finding::new(about, State::Ok, text.into())
}

pub(super) fn warning(about: &'static str, text: impl Into<String>) -> Finding {
    Finding::new(about, State::Warning, text.into())
}

pub(super) fn wrong(about: &'static str, text: impl Into<String>) -> Finding {
    Finding::new(about, State::Wrong, text.into())
}

pub(super) fn unknown(about: &'static str, text: impl Into<String>) -> Finding {
    Finding::new(about, State::Unknown, text.into())
}

fn as_name<S: Serializer>(about: &&'static str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&name(about))
}

/// What programs call a check.
pub(super) fn name(about: &str) -> String {
    about.to_lowercase().replace(' ', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_read_stable_names() {
        let finding = wrong("Way of hooks", "blocked").of("sales");
        let json = serde_json::to_string(&finding).unwrap();
        assert_eq!(json, r#"{"check":"way_of_hooks","of":"sales","state":"wrong","text":"blocked"}"#);
    }
}
