//! Which parked messages are meant.

use std::time::Duration;

use serde::Deserialize;

use crate::{config, domain::time::UnixMillis, store::SetAside};

/// What of the parked messages is wanted; all of them without a word.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Filter {
    /// On this route, or on all that begin with this word.
    route: Option<String>,
    /// With these words in the reason, or with this code.
    reason: Option<String>,
    /// Parked longer ago than this.
    #[serde(default, deserialize_with = "text::<_>")]
    older_than: Option<Duration>,
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    config::duration(&text).map(Some).map_err(|_| serde::de::Error::custom("it is no duration, such as 2h"))
}

impl Filter {
    /// Whether a message is among them.
    pub(super) fn takes(&self, aside: &SetAside, now: UnixMillis) -> bool {
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
}
