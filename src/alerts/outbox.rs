//! What one target has still to be sent. Of each key there is one message at most: what is newer takes the place of
//! what was not sent, so that a target that comes back after a day gets no pile of what is over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alerts::state::{Event, EventKind, Key};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    events: BTreeMap<Key, Event>,
    daily: Option<String>,
}

impl Outbox {
    /// Adds an event. A reminder of what was not even told is what tells it.
    pub fn add(&mut self, event: Event) {
        let was_untold = self.events.get(&event.key).is_some_and(|before| before.kind == EventKind::Told);
        let kind = if was_untold && event.kind == EventKind::Reminder { EventKind::Told } else { event.kind };
        self.events.insert(event.key.clone(), Event { kind, ..event });
    }

    /// Adds the daily line, in the place of an older one.
    pub fn add_daily(&mut self, line: String) {
        self.daily = Some(line);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.daily.is_none()
    }

    /// What is to be sent, the oldest first.
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

    /// These were sent. What has come meanwhile stays.
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
    fn what_is_newer_takes_the_place_of_what_was_not_sent() {
        let mut outbox = Outbox::default();
        outbox.add(event("kommo", EventKind::Told, 10));
        outbox.add(event("disk", EventKind::Told, 20));
        outbox.add(event("kommo", EventKind::Reminder, 30));
        assert_eq!(kinds(&outbox), [("20".to_owned(), EventKind::Told), ("30".to_owned(), EventKind::Told)]);
        outbox.add(event("kommo", EventKind::Resolved, 40));
        assert_eq!(kinds(&outbox), [("20".to_owned(), EventKind::Told), ("40".to_owned(), EventKind::Resolved)]);
    }

    #[test]
    fn what_comes_while_a_message_is_sent_stays() {
        let mut outbox = Outbox::default();
        outbox.add(event("kommo", EventKind::Told, 10));
        outbox.add_daily("yesterday".to_owned());
        let under_way = outbox.events();
        outbox.add(event("kommo", EventKind::Resolved, 20));
        outbox.add(event("disk", EventKind::Told, 20));
        outbox.add_daily("today".to_owned());
        outbox.sent(&under_way, Some("yesterday"));
        assert_eq!((outbox.events().len(), outbox.daily()), (2, Some("today")));
        let under_way = outbox.events();
        outbox.sent(&under_way, Some("today"));
        assert!(outbox.is_empty());
    }
}
