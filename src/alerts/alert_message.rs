//! The text of a message to a target. It contains no text or name of a customer, and no secret.

use std::fmt::Write as _;

use chrono::{DateTime, Local};
use serde::Serialize;

use crate::{
    alerts::{
        state::{Event, EventKind},
        watches,
    },
    domain::{amount::duration_in_words, time::UnixMillis},
};

/// The most characters of one problem. Some texts quote a server.
const TEXT_CHARS: usize = 600;
/// The most characters of a message. Telegram allows 4096.
const ALERT_CHARS: usize = 3500;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertMessage {
    /// One line.
    pub title: String,
    /// The rest.
    pub text: String,
    pub urgency: Urgency,
    /// The events, for programs.
    pub events: Vec<ReportedEvent>,
}

/// The urgency of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// The daily message, and problems that are over.
    Quiet,
    /// Reminders, and tests.
    Normal,
    /// New problems.
    High,
}

/// One event, for programs. Field names stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedEvent {
    /// The name of the watch.
    pub watch: String,
    /// What it concerns, if there are several of a kind.
    pub of: Option<String>,
    /// `told`, `reminder` or `resolved`.
    pub kind: EventKind,
    pub title: String,
    pub text: String,
    /// Times in RFC 3339.
    pub since: String,
    pub at: String,
}

/// Builds the message about `events` and the daily line. `host` names the bridge.
#[must_use]
pub fn alert(host: &str, events: &[Event], daily: Option<&str>) -> AlertMessage {
    let reported: Vec<_> = events.iter().map(report).collect();
    let urgency = events.iter().map(|event| urgency(event.kind)).max().unwrap_or(Urgency::Quiet);
    let title = match &reported[..] {
        [] => format!("telekommo at {host}: the last day"),
        [one] => format!("telekommo at {host}: {}", one.title),
        [first, rest @ ..] => format!("telekommo at {host}: {}, and {} more", first.title, rest.len()),
    };
    let mut text = String::new();
    for (event, report) in events.iter().zip(&reported) {
        if events.len() > 1 {
            _ = writeln!(text, "{}", report.title);
        }
        _ = writeln!(text, "{}\n{}\n", report.text, when(event));
    }
    text.extend(daily);
    AlertMessage { title, text: cut(text.trim_end(), ALERT_CHARS), urgency, events: reported }
}

/// A test message.
#[must_use]
pub fn test(host: &str, name: &str) -> AlertMessage {
    let title = format!("telekommo at {host}: a test");
    let text = format!("This is a test of the target {name}. Alerts arrive here.");
    AlertMessage { title, text, urgency: Urgency::Normal, events: Vec::new() }
}

/// The event for programs. A resolved one repeats the problem.
fn report(event: &Event) -> ReportedEvent {
    let of = event.key.of();
    let title = watches::named(event.key.watch()).map_or(event.key.watch(), |watch| watch.title);
    let title = title.replace("{}", of.unwrap_or_default());
    let title = match event.kind {
        EventKind::Firing => title,
        EventKind::Reminder => format!("Still: {title}"),
        EventKind::Resolved => format!("Resolved: {title}"),
    };
    let text = cut(&event.text, TEXT_CHARS);
    let text = if event.kind == EventKind::Resolved { format!("It was: {text}") } else { text };
    ReportedEvent {
        watch: event.key.watch().to_owned(),
        of: of.map(str::to_owned),
        kind: event.kind,
        title,
        text,
        since: local(event.since).to_rfc3339(),
        at: local(event.at).to_rfc3339(),
    }
}

fn when(event: &Event) -> String {
    let (since, lasted) = (shown(event.since), duration_in_words(event.since.until(event.at)));
    match event.kind {
        EventKind::Firing | EventKind::Reminder => format!("Since {since}, for {lasted}."),
        EventKind::Resolved => format!("From {since} to {}, {lasted}.", shown(event.at)),
    }
}

const fn urgency(kind: EventKind) -> Urgency {
    match kind {
        EventKind::Firing => Urgency::High,
        EventKind::Reminder => Urgency::Normal,
        EventKind::Resolved => Urgency::Quiet,
    }
}

/// An instant in local time.
pub(super) fn local(at: UnixMillis) -> DateTime<Local> {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().with_timezone(&Local)
}

/// The same for people, with the UTC offset: the reader may be elsewhere.
pub(super) fn shown(at: UnixMillis) -> String {
    local(at).format("%Y-%m-%d %H:%M %:z").to_string()
}

/// Cuts a text at so many characters.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::alerts::state::Key;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn event(watch: &str, of: Option<&str>, kind: EventKind) -> Event {
        let since = NOW.minus(Duration::from_mins(90));
        Event { key: Key::new(watch, of), kind, text: "It is broken: mend it.".to_owned(), since, at: NOW }
    }

    #[test]
    fn a_single_problem_is_the_title() {
        let alert = alert("tk.acme.com", &[event("bot_revoked", Some("sales"), EventKind::Firing)], None);
        assert_eq!(alert.title, "telekommo at tk.acme.com: The token of bot sales is not accepted");
        let since = shown(NOW.minus(Duration::from_mins(90)));
        assert_eq!(alert.text, format!("It is broken: mend it.\nSince {since}, for 1 hour 30 minutes."));
        assert_eq!(alert.urgency, Urgency::High);
    }

    #[test]
    fn several_problems_are_in_one_message_followed_by_the_daily_line() {
        let events = [event("kommo", None, EventKind::Reminder), event("disk", None, EventKind::Resolved)];
        let alert = alert("tk.acme.com", &events, Some("Received 3."));
        assert_eq!(alert.title, "telekommo at tk.acme.com: Still: Kommo does not answer, and 1 more");
        let lines: Vec<_> = alert.text.lines().collect();
        assert_eq!((lines[0], lines[4]), ("Still: Kommo does not answer", "Resolved: The disk is nearly full"));
        assert_eq!((lines[5], lines[8]), ("It was: It is broken: mend it.", "Received 3."));
        assert!(lines[6].starts_with("From ") && lines[6].ends_with("1 hour 30 minutes."), "{}", lines[6]);
        assert_eq!(alert.urgency, Urgency::Normal);
        assert_eq!(super::alert("x", &[], Some("Received 3.")).urgency, Urgency::Quiet);
    }

    #[test]
    fn long_texts_are_cut() {
        let long = Event { text: "é".repeat(5000), ..event("kommo", None, EventKind::Firing) };
        let alert = alert("x", &vec![long; 20], None);
        assert_eq!(alert.text.chars().count(), ALERT_CHARS + 1);
        assert_eq!(alert.events[0].text.chars().count(), TEXT_CHARS + 1);
    }

    #[test]
    fn programs_get_the_same_events() {
        let alert = alert("x", &[event("files", Some("sales"), EventKind::Firing)], None);
        let json = serde_json::to_value(&alert.events).unwrap();
        assert_eq!(
            (&json[0]["watch"], &json[0]["of"], &json[0]["kind"]),
            (&"files".into(), &"sales".into(), &"told".into())
        );
        assert!(DateTime::parse_from_rfc3339(json[0]["since"].as_str().unwrap()).is_ok());
    }
}
