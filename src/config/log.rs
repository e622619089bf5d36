//! Settings of the log.

use tracing_subscriber::filter::{EnvFilter, LevelFilter};

use crate::config::error::Wrong;

/// Which lines are logged: a level, or a list of directives such as `info,telekommo::relay=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`Wrong`] if a part of it is neither a level nor a directive that has one.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        // `EnvFilter` takes a misspelt level for a module of that name, and then logs nothing else.
        let has_level =
            |part: &str| part.contains(['=', '[']) || (!part.is_empty() && part.parse::<LevelFilter>().is_ok());
        if !text.split(',').all(has_level) || EnvFilter::try_new(text).is_err() {
            return Err(Wrong::new(
                "is not a log filter: write error, warn, info, debug or trace, or a list such as \
                 \"info,telekommo::relay=debug\"",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The filter in the syntax of [`EnvFilter`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// One JSON object per line, for programs.
    Json,
}

impl LogFormat {
    /// Reads `text` or `json`.
    ///
    /// # Errors
    /// [`Wrong`] if it is neither.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(Wrong::new("is not a log format: write text or json")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_filters() {
        for good in ["error", "info", "INFO", "off", "info,telekommo::relay=debug", "[span]=debug"] {
            assert!(LogFilter::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "inof", "verbose", "info,", "info,telekommo=loud", "telekommo", "[==", "warn, telekommo=trace"]
        {
            assert!(LogFilter::parse(bad).is_err(), "{bad}");
        }
    }
}
