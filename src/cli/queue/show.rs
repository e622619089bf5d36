//! One message with all that is known of it.

use chrono::{DateTime, Local};

use crate::{
    admin::queue::{MessageState, QueueEntry},
    cli::{
        queue::{list::meaning, waiting::standing},
        table::plain,
        terminal::paragraph,
    },
    domain::{
        amount::{ago, counted},
        time::UnixMillis,
    },
};

/// A message in lines with labels. Alone, it says what can be done about it.
pub(super) fn message(row: &QueueEntry, now: UnixMillis, is_alone: bool) -> String {
    let name = row.name.as_ref().map_or_else(String::new, |name| format!(", {}", plain(name)));
    let mut lines = vec![
        ("Message", row.id.to_string()),
        ("State", standing(&QueueEntry { reason: None, ..row.clone() }, now)),
        ("Conversation", plain(&row.thread) + &name),
        ("Direction", format!("{} ({})", meaning(&row.route), plain(&row.route))),
        (
            if is_parked(row) { "Parked" } else { "Arrived" },
            row.since.map_or_else(unknown, |at| describe_time(at, now)),
        ),
    ];
    lines.extend(row.next_try.map(|at| ("Next try", local(at))));
    lines.extend(row.reason.as_ref().map(|reason| ("Reason", plain(reason))));
    lines.extend(row.code.map(|code| ("Code", code.to_string())));
    lines.extend(row.expires_at.map(|at| ("Removed", local(at))));
    if row.behind > 0 {
        lines.push(("Behind it", counted(row.behind, "message")));
    }
    lines.extend(row.text.as_ref().map(|text| ("Text", plain(text))));
    if is_alone {
        lines.push(("Next", next(row)));
    }
    lines.iter().map(|(label, text)| paragraph(label, text)).collect()
}

const fn is_parked(row: &QueueEntry) -> bool {
    matches!(row.state, MessageState::Parked | MessageState::Reported)
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn describe_time(at: UnixMillis, now: UnixMillis) -> String {
    format!("{}, {}", local(at), ago(at, now))
}

/// An instant in this machine's time zone.
fn local(at: UnixMillis) -> String {
    DateTime::from_timestamp_millis(at.0)
        .unwrap_or_default()
        .with_timezone(&Local)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// What an operator can do about it.
fn next(row: &QueueEntry) -> String {
    let id = row.id;
    match row.state {
        MessageState::Parked | MessageState::Reported => {
            format!(
                "`telekommo queue retry {id}` sends it after all, `telekommo queue drop {id}` deletes it for good, \
                 `telekommo trace {id}` shows what was tried"
            )
        }
        MessageState::Sending => "nothing: it is on its way".to_owned(),
        MessageState::Behind => format!("`telekommo queue show {}` shows what is before it", plain(&row.thread)),
        MessageState::Due | MessageState::Retrying | MessageState::Held => {
            format!(
                "`telekommo queue retry {id}` tries it at once, `telekommo queue park {id}` lets others go first, \
                 `telekommo trace {id}` shows what was tried"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::queue::waiting::tests::{NOW, row};

    #[test]
    fn a_message_says_what_can_be_done_about_it() {
        let text = message(&row(MessageState::Retrying), NOW, true);
        assert!(text.contains("Next            `telekommo queue retry 1041` tries it at once"), "{text}");
        for part in [
            "Message         1041\n",
            "State           is tried again in 20 seconds; failed 2 times\n",
            "Conversation    tg:sales:777000111, Anna [2J Petrova\n",
            "Direction       From the customer, for Kommo (inbound)\n",
            ", 5m ago\n",
            "Reason          Kommo answered 500\n",
            "Behind it       3 messages\n",
            "Text            Is it [2J ready?\n",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let parked = QueueEntry { next_try: None, behind: 0, ..row(MessageState::Parked) };
        let text = message(&parked, NOW, true);
        assert!(text.contains("\nParked          ") && text.contains("queue drop 1041"), "{text}");
        assert!(!message(&parked, NOW, false).contains("queue drop"), "one of many gives no advice");
    }
}
