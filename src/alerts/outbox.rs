//! Unsent events of one target. Each key has one event at most: a newer one replaces an unsent one, so that a target
//! that recovers after a day gets no pile of old events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alerts::state::{Event, EventKind, Key};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    events: BTreeMap<Key, Event>,
    daily: Option<String>,
}

impl Outbox {
    /// Adds an event. A reminder of an unsent alert becomes that alert.
    pub fn add(&mut self, event: Event) {
        let is_unsent = self.events.get(&event.key).is_some_and(|before| before.kind == EventKind::Firing);
        let kind = if is_unsent && event.kind == EventKind::Reminder { EventKind::Firing } else { event.kind };
        self.events.insert(event.key.clone(), Event { kind, ..event });
    }

    /// Adds the daily line, replacing an older one.
    pub fn add_daily(&mut self, line: String) {
        self.daily = Some(line);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.daily.is_none()
    }

    /// The unsent events, the oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let mut events: Vec<_> = self.events.values().cloned().collect();
        events.sort_by_key(|event| event.at);
        events
    }

    #[must_use]
    pub fn daily(&self) -> Option<&str> {
        self.daily.as_deref()
    }

    /// Removes what was sent. Newer events stay.
    pub fn sent(&mut self, events: &[Event], daily: Option<&str>) {
        self.events.retain(|_, event| !events.contains(event));
        if self.daily.as_deref() == daily {
            self.daily = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixMillis;

    fn event(name: &str, kind: EventKind, at: i64) -> Event {
        Event { key: Key::new(name, None), kind, text: format!("{at}"), since: UnixMillis(0), at: UnixMillis(at) }
    }

    fn kinds(outbox: &Outbox) -> Vec<(String, EventKind)> {
        outbox.events().into_iter().map(|event| (event.text, event.kind)).collect()
    }

    #[test]
    fn a_newer_event_replaces_an_unsent_one() {
        let mut outbox = Outbox::default();
        outbox.add(event("kommo", EventKind::Firing, 10));
        outbox.add(event("disk", EventKind::Firing, 20));
        outbox.add(event("kommo", EventKind::Reminder, 30));
        assert_eq!(kinds(&outbox), [("20".to_owned(), EventKind::Firing), ("30".to_owned(), EventKind::Firing)]);
        outbox.add(event("kommo", EventKind::Resolved, 40));
        assert_eq!(kinds(&outbox), [("20".to_owned(), EventKind::Firing), ("40".to_owned(), EventKind::Resolved)]);
    }

    #[test]
    fn events_that_arrive_during_sending_stay() {
        let mut outbox = Outbox::default();
        outbox.add(event("kommo", EventKind::Firing, 10));
        outbox.add_daily("yesterday".to_owned());
        let under_way = outbox.events();
        outbox.add(event("kommo", EventKind::Resolved, 20));
        outbox.add(event("disk", EventKind::Firing, 20));
        outbox.add_daily("today".to_owned());
        outbox.sent(&under_way, Some("yesterday"));
        assert_eq!((outbox.events().len(), outbox.daily()), (2, Some("today")));
        let under_way = outbox.events();
        outbox.sent(&under_way, Some("today"));
        assert!(outbox.is_empty());
    }
}
