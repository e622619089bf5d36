//! Selects waiting and parked messages.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    config,
    domain::{
        address::Conversation,
        job::{Lane, Route},
        time::UnixMillis,
    },
    store::{ParkedSummary, WaitingLane},
};

/// Selects messages; all if nothing is given.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Filter {
    /// On this route, or on all routes of this kind, such as `outbound`.
    route: Option<String>,
    /// Of this conversation.
    conversation: Option<String>,
    /// Of this source.
    source: Option<String>,
    /// With this text in the reason, or with this code.
    reason: Option<String>,
    /// Waiting or parked for longer than this.
    #[serde(default, deserialize_with = "text::<_>")]
    older_than: Option<Duration>,
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    config::duration(&text).map(Some).map_err(|_| D::Error::custom("not a duration, such as 2h"))
}

/// The conversation of a lane. Some lanes of a conversation have a prefix.
pub(super) fn conversation_of(thread: &str) -> Option<Conversation> {
    thread.find("tg:").and_then(|at| thread[at..].parse().ok())
}

impl Filter {
    /// The messages of one conversation.
    pub(super) fn of_conversation(conversation: &Conversation) -> Self {
        Self { conversation: Some(conversation.to_string()), ..Self::default() }
    }

    /// Whether a parked message matches.
    pub(super) fn matches_parked(&self, parked: &ParkedSummary, now: UnixMillis) -> bool {
        self.is_on(&parked.route)
            && self.is_of(&parked.thread, &parked.route)
            && self.has_reason(Some(&parked.why), parked.code)
            && self.is_older(parked.since, now)
    }

    /// Whether messages of a lane may match.
    pub(super) fn may_match(&self, lane: &Lane) -> bool {
        let route = lane.route.to_string();
        self.is_on(&route) && self.is_of(&lane.thread, &route)
    }

    /// Whether the first message of a lane matches, if the lane may.
    pub(super) fn matches_waiting(&self, lane: &WaitingLane, now: UnixMillis) -> bool {
        let first = lane.first.as_ref();
        self.has_reason(first.and_then(|first| first.why.as_deref()), None)
            && self.is_older(first.map(|first| first.since), now)
    }

    fn is_on(&self, route: &str) -> bool {
        let is_kind = |kind: &String| route.strip_prefix(kind.as_str()).is_some_and(|rest| rest.starts_with(':'));
        self.route.as_ref().is_none_or(|expected| route == expected || is_kind(expected))
    }

    fn is_of(&self, thread: &str, route: &str) -> bool {
        let conversation = conversation_of(thread);
        let source = match route.parse() {
            Ok(Route::Outbound(source)) => Some(source.to_string()),
            _ => conversation.as_ref().map(|conversation| conversation.source.to_string()),
        };
        let conversation = conversation.map(|conversation| conversation.to_string());
        self.source.as_ref().is_none_or(|expected| source.as_ref() == Some(expected))
            && self.conversation.as_ref().is_none_or(|expected| conversation.as_ref() == Some(expected))
    }

    fn has_reason(&self, why: Option<&str>, code: Option<i32>) -> bool {
        self.reason.as_ref().is_none_or(|reason| {
            code.is_some_and(|code| *reason == code.to_string())
                || why.is_some_and(|why| why.to_lowercase().contains(&reason.to_lowercase()))
        })
    }

    fn is_older(&self, since: Option<UnixMillis>, now: UnixMillis) -> bool {
        self.older_than.is_none_or(|age| since.is_some_and(|since| since.until(now) > age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ParkedId, Readiness, WaitingJob};

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
    const DAY: Duration = Duration::from_hours(24);

    fn parked(route: &str, thread: &str, why: &str, code: Option<i32>, age: Option<Duration>) -> ParkedSummary {
        ParkedSummary {
            id: ParkedId(7),
            route: route.to_owned(),
            thread: thread.to_owned(),
            why: why.to_owned(),
            since: age.map(|age| NOW.minus(age)),
            code,
            expires_at: None,
            is_readable: true,
        }
    }

    fn filter(pairs: &[(&str, &str)]) -> Filter {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), serde_json::json!(value)));
        serde_json::from_str(&serde_json::Value::Object(pairs.collect()).to_string()).unwrap()
    }

    #[test]
    fn parked_messages_are_chosen_by_route_conversation_source_reason_and_age() {
        let blocked = parked("outbound:sales", "tg:sales:7", "Forbidden: bot was blocked", Some(901), Some(DAY * 3));
        let refused = parked("inbound", "tg:support:7", "Kommo refused it: 400", None, Some(DAY));
        let damaged = parked("inbound", "word tg:sales:8", "EOF while parsing", None, None);
        for (selection, expected) in [
            (&[][..], [true, true, true]),
            (&[("route", "inbound")], [false, true, true]),
            (&[("route", "outbound:sales")], [true, false, false]),
            (&[("route", "outbound")], [true, false, false]),
            (&[("route", "outbound:sal")], [false, false, false]),
            (&[("conversation", "tg:sales:7")], [true, false, false]),
            (&[("conversation", "tg:sales:8")], [false, false, true]),
            (&[("conversation", "tg:sales")], [false, false, false]),
            (&[("source", "sales")], [true, false, true]),
            (&[("source", "support"), ("route", "inbound")], [false, true, false]),
            (&[("reason", "BLOCKED")], [true, false, false]),
            (&[("reason", "901")], [true, false, false]),
            (&[("reason", "400")], [false, true, false]),
            (&[("older_than", "2d")], [true, false, false]),
            (&[("older_than", "3d")], [false, false, false]),
            (&[("route", "inbound"), ("reason", "kommo"), ("older_than", "12h")], [false, true, false]),
        ] {
            let filter = filter(selection);
            let taken = [&blocked, &refused, &damaged].map(|one| filter.matches_parked(one, NOW));
            assert_eq!(taken, expected, "{selection:?}");
        }
    }

    #[test]
    fn messages_that_wait_are_chosen_by_what_failed_and_since_when() {
        let lane = Lane { route: Route::Inbound, thread: "tg:sales:7".to_owned() };
        let job = serde_json::from_str(r#"{"kind":"hook","raw":"{}"}"#).unwrap();
        let first = WaitingJob { id: 7, since: NOW.minus(DAY), attempts: 2, why: Some("Kommo: 500".to_owned()), job };
        let waiting = |first| WaitingLane { lane: lane.clone(), id: 7, turn: Readiness::Now, jobs: 1, first };
        let (failed, fresh, unreadable) =
            (waiting(Some(first.clone())), waiting(Some(WaitingJob { why: None, since: NOW, ..first })), waiting(None));
        for (selection, expected) in [
            (&[][..], [true, true, true]),
            (&[("reason", "kommo")], [true, false, false]),
            (&[("older_than", "1h")], [true, false, false]),
        ] {
            let filter = filter(selection);
            let taken = [&failed, &fresh, &unreadable].map(|one| filter.matches_waiting(one, NOW));
            assert_eq!(taken, expected, "{selection:?}");
        }
        assert!(filter(&[("source", "sales")]).may_match(&lane) && !filter(&[("source", "support")]).may_match(&lane));
        assert!(filter(&[("route", "inbound")]).may_match(&lane) && !filter(&[("route", "report")]).may_match(&lane));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let refused: Result<Filter, _> = serde_json::from_str(r#"{"older_than":"soon"}"#);
        assert!(refused.unwrap_err().to_string().contains("not a duration, such as 2h"));
    }
}
