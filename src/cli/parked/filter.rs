//! Which parked messages are meant.

use std::time::Duration;

use clap::Args;
use reqwest::Url;

use crate::cli::values;

/// What of the parked messages is wanted; all of them without a word.
#[derive(Clone, Debug, Default, Args)]
pub struct Filter {
    /// On this route: inbound (to Kommo), outbound or outbound:SOURCE (to customers), report (delivery statuses),
    /// account (links and notes in Kommo), stray (for conversations that are not telekommo's).
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// With these words in the reason, or with this code (901 to 905).
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Parked longer ago than this, such as 2h or 7d.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    older_than: Option<Duration>,
}

impl Filter {
    /// Where the bridge tells of them: so many of those that came before one.
    pub(crate) fn path(&self, before: Option<u64>, limit: usize) -> String {
        let mut pairs = vec![("limit", limit.to_string())];
        pairs.extend(before.map(|id| ("before", id.to_string())));
        pairs.extend(self.route.clone().map(|route| ("route", route)));
        pairs.extend(self.reason.clone().map(|reason| ("reason", reason)));
        pairs.extend(self.older_than.map(|age| ("older_than", humantime::format_duration(age).to_string())));
        let query = Url::parse_with_params("http://localhost/parked", pairs);
        query.map_or_else(|_| "/parked".to_owned(), |url| format!("/parked?{}", url.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_asked_for_as_it_was_written() {
        let filter = Filter {
            route: Some("outbound:ä b&c".to_owned()),
            reason: Some("a+b %?".to_owned()),
            older_than: Some(Duration::from_mins(90)),
        };
        let path = filter.path(Some(12), 200);
        assert_eq!(
            path,
            "/parked?limit=200&before=12&route=outbound%3A%C3%A4+b%26c&reason=a%2Bb+%25%3F&older_than=1h+30m"
        );
        assert_eq!(Filter::default().path(None, 5), "/parked?limit=5");
    }
}
