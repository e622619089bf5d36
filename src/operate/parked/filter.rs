//! Which parked messages are meant.

use std::time::Duration;

use clap::Args;
use reqwest::Url;
use serde::Deserialize;

use crate::{domain::time::UnixMillis, operate::values, store::SetAside};

/// What of the parked messages is wanted; all of them without a word.
#[derive(Clone, Debug, Default, Args, Deserialize)]
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
    #[serde(default, deserialize_with = "text::<_>")]
    older_than: Option<Duration>,
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    values::duration(&text).map(Some).map_err(serde::de::Error::custom)
}

impl Filter {
    /// Whether a message is among them.
    pub(in crate::operate) fn takes(&self, aside: &SetAside, now: UnixMillis) -> bool {
        let is_on = |route: &String| {
            aside.route == *route || aside.route.strip_prefix(route.as_str()).is_some_and(|rest| rest.starts_with(':'))
        };
        let says = |reason: &String| {
            aside.code.is_some_and(|code| *reason == code.to_string())
                || aside.why.to_lowercase().contains(&reason.to_lowercase())
        };
        let is_older = |age: Duration| aside.since.is_some_and(|since| since.until(now) > age);
        self.route.as_ref().is_none_or(is_on)
            && self.reason.as_ref().is_none_or(says)
            && self.older_than.is_none_or(is_older)
    }

    /// Where the bridge tells of them: so many of those that came before one.
    pub(super) fn path(&self, before: Option<u64>, limit: usize) -> String {
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
    use crate::store::ParkedId;

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

    fn aside(route: &str, why: &str, code: Option<i32>, age: Option<Duration>) -> SetAside {
        SetAside {
            id: ParkedId(7),
            route: route.to_owned(),
            thread: "tg:sales:7".to_owned(),
            why: why.to_owned(),
            since: age.map(|age| NOW.minus(age)),
            code,
            expires_at: None,
            is_readable: true,
        }
    }

    #[test]
    fn messages_are_chosen_by_route_reason_and_age() {
        const DAY: Duration = Duration::from_hours(24);
        let blocked = aside("outbound:sales", "Forbidden: bot was blocked", Some(901), Some(DAY * 3));
        let refused = aside("inbound", "Kommo refused it: 400", None, Some(DAY));
        let damaged = aside("inbound", "EOF while parsing", None, None);
        let filter = |route: &str, reason: &str, older_than: Option<Duration>| Filter {
            route: (!route.is_empty()).then(|| route.to_owned()),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            older_than,
        };
        for (filter, takes) in [
            (filter("", "", None), [true, true, true]),
            (filter("inbound", "", None), [false, true, true]),
            (filter("outbound:sales", "", None), [true, false, false]),
            (filter("outbound", "", None), [true, false, false]),
            (filter("outbound:sal", "", None), [false, false, false]),
            (filter("", "BLOCKED", None), [true, false, false]),
            (filter("", "901", None), [true, false, false]),
            (filter("", "400", None), [false, true, false]),
            (filter("", "", Some(DAY * 2)), [true, false, false]),
            (filter("", "", Some(DAY * 3)), [false, false, false]),
            (filter("inbound", "kommo", Some(DAY / 2)), [false, true, false]),
        ] {
            assert_eq!([&blocked, &refused, &damaged].map(|one| filter.takes(one, NOW)), takes, "{filter:?}");
        }
    }

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
