//! Which messages are meant.

use std::time::Duration;

use clap::Args;
use reqwest::Url;

use crate::cli::values;

/// Which messages to select; all if nothing is given.
#[derive(Clone, Debug, Default, Args)]
pub struct Filter {
    /// On this route: inbound (to Kommo), outbound or outbound:SOURCE (to customers), report (delivery statuses),
    /// account (links and notes in Kommo), stray (for conversations that are not telekommo's).
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// Of this conversation, such as tg:sales:777000111.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// Of this source: a section [sources.NAME].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// With these words in the reason, or with this code (901 to 905).
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Waiting or parked for longer than this, such as 2h or 7d.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    older_than: Option<Duration>,
}

impl Filter {
    /// Where the bridge tells of them, below `path`: so many of those beyond one.
    pub(super) fn path(&self, path: &str, beyond: Option<(&'static str, u64)>, limit: usize) -> String {
        let texts = [
            ("route", &self.route),
            ("conversation", &self.conversation),
            ("source", &self.source),
            ("reason", &self.reason),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?)));
        let age = self.older_than.map(|age| ("older_than", humantime::format_duration(age).to_string()));
        let beyond = beyond.map(|(name, id)| (name, id.to_string()));
        encoded(path, [("limit", limit.to_string())].into_iter().chain(beyond).chain(texts).chain(age))
    }
}

/// A path with a query.
pub(in crate::cli) fn encoded(path: &str, pairs: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let query = Url::parse_with_params("http://localhost", pairs);
    query.map_or_else(|_| path.to_owned(), |url| format!("{path}?{}", url.query().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_asked_for_as_it_was_written() {
        let filter = Filter {
            route: Some("outbound:ä b&c".to_owned()),
            conversation: Some("tg:sales:7".to_owned()),
            source: Some("sales".to_owned()),
            reason: Some("a+b %?".to_owned()),
            older_than: Some(Duration::from_mins(90)),
        };
        assert_eq!(
            filter.path("/parked", Some(("before", 12)), 200),
            "/parked?limit=200&before=12&route=outbound%3A%C3%A4+b%26c&conversation=tg%3Asales%3A7&source=sales&\
             reason=a%2Bb+%25%3F&older_than=1h+30m"
        );
        assert_eq!(Filter::default().path("/queue", None, 5), "/queue?limit=5");
    }
}
