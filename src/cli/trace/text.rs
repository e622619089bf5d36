//! Hops as people read them: a message, and below it each hop with its time.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Local};

use crate::{
    admin::trace::Answer,
    cli::table::{plain, wrapped},
    domain::{
        amount::{counted, soon},
        time::UnixMillis,
    },
    trace::{By, Event, Hop},
};

/// An instant in this machine's time zone.
pub(super) fn local(at: UnixMillis) -> String {
    let at = DateTime::from_timestamp_millis(at.0).unwrap_or_default().with_timezone(&Local);
    at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// All hops, message by message.
pub(super) fn hops(answer: &Answer, columns: usize) -> String {
    let messages = messages(&answer.hops);
    let shown: Vec<_> = messages.iter().map(|hops| message(hops, columns)).collect();
    let cut = if answer.is_cut { "Older hops were left out.\n\n" } else { "" };
    format!("{cut}{}", shown.join("\n"))
}

/// The hops of each message: those that share an id or the number of a job.
fn messages(hops: &[Hop]) -> Vec<Vec<&Hop>> {
    let mut messages: Vec<Vec<&Hop>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for hop in hops {
        let names: Vec<_> = hop.ids().chain(hop.numbers().map(|number| format!("#{number}"))).collect();
        let mut of: Vec<_> = names.iter().filter_map(|name| known.get(name).copied()).collect();
        of.sort_unstable();
        of.dedup();
        let first = of.first().copied().unwrap_or_else(|| {
            messages.push(Vec::new());
            messages.len() - 1
        });
        // What was taken for several is one.
        for other in of.into_iter().skip(1) {
            let moved = std::mem::take(&mut messages[other]);
            messages[first].extend(moved);
            known.values_mut().filter(|at| **at == other).for_each(|at| *at = first);
        }
        known.extend(names.into_iter().map(|name| (name, first)));
        messages[first].push(hop);
    }
    messages.retain(|hops| !hops.is_empty());
    for hops in &mut messages {
        hops.sort_by_key(|hop| hop.order());
    }
    messages
}

fn message(hops: &[&Hop], columns: usize) -> String {
    let title = wrapped(&title(hops), "", "    ", columns);
    let mut last: Option<&Hop> = None;
    let lines = hops.iter().map(|hop| {
        // The part of an answer that a hop is about is named where it changes.
        let is_new = last.is_none_or(|last| last.kind != hop.kind);
        last = Some(*hop);
        wrapped(&describe(hop, is_new), &format!("  {}  ", local(hop.at)), &" ".repeat(27), columns)
    });
    title + &lines.collect::<String>()
}

/// What the message is called, and where it was written.
fn title(hops: &[&Hop]) -> String {
    let conversation = hops.iter().find_map(|hop| hop.conversation.as_ref());
    let id = hops.iter().find_map(|hop| hop.messages.first());
    let what = match (id, hops.first()) {
        (Some(id), _) => format!("Message {}", plain(id)),
        (None, Some(hop)) if hop.event == Event::Missed => "Missing".to_owned(),
        (None, Some(hop)) if !hop.kind.is_empty() => capital(&plain(&hop.kind)),
        (None, _) => "Job".to_owned(),
    };
    conversation.map_or_else(|| what.clone(), |conversation| format!("{what} of {}", plain(&conversation.to_string())))
}

fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map(|first| first.to_uppercase().chain(signs).collect()).unwrap_or_default()
}

fn describe(hop: &Hop, names_kind: bool) -> String {
    let job = hop.job.map(|job| format!(", job {job}")).unwrap_or_default();
    let why = hop.why.as_ref().map(|why| format!(": {}", plain(why))).unwrap_or_default();
    let parked = hop.parked.map(|id| format!(" as {id}")).unwrap_or_default();
    match hop.event {
        Event::Received => {
            let is_usual = ["message", "hook", "answer"].contains(&hop.kind.as_str());
            let kind = if is_usual { String::new() } else { format!(" ({})", plain(&hop.kind)) };
            format!("{}{kind}{job}", received(hop.by))
        }
        Event::Claimed => {
            let kind = if names_kind { format!(" of the {}", plain(&hop.kind)) } else { String::new() };
            format!("try {}{kind}{job}", hop.attempt.unwrap_or(1))
        }
        Event::Done => done(hop),
        Event::Unfolded => format!("became {}", counted(hop.calls.unwrap_or_default(), "call")),
        Event::United => format!("was put together: {}", counted(hop.calls.unwrap_or_default(), "call")),
        Event::Retried => {
            let wait = hop.wait_ms.map(Duration::from_millis).unwrap_or_default();
            format!("failed{why}; tried again {}", soon(wait))
        }
        Event::Repeated => "may have arrived: sent once more".to_owned(),
        Event::Parked => {
            let code = hop.code.map(|code| format!("; the manager reads failure {code}")).unwrap_or_default();
            format!("parked{parked}{why}{code}")
        }
        Event::Dropped => "failed and was dropped: nobody misses it".to_owned(),
        Event::OperatorRetried => "the operator has retried it".to_owned(),
        Event::OperatorParked => format!("the operator has parked it{parked}"),
        Event::OperatorDropped => "the operator has deleted it".to_owned(),
        Event::Missed => {
            let missed = usize::try_from(hop.missed.unwrap_or_default()).unwrap_or(usize::MAX);
            format!("{} of any message are not in the trace", counted(missed, "hop"))
        }
    }
}

const fn received(by: Option<By>) -> &'static str {
    match by {
        Some(By::Telegram) => "received from Telegram and stored",
        Some(By::Hook) => "received by Kommo's hook and stored",
        Some(By::History) => "found in Kommo's history and stored",
        None => "received and stored",
    }
}

fn done(hop: &Hop) -> String {
    if let Some(status) = &hop.status {
        let code = hop.code.map(|code| format!(" ({code})")).unwrap_or_default();
        return format!("Kommo was told: {}{code}", plain(status));
    }
    if hop.reached_remote == Some(false) {
        return "done, with nothing to send".to_owned();
    }
    let to = if hop.route.starts_with("outbound") { "Telegram" } else { "Kommo" };
    match &hop.other_side[..] {
        [] => format!("{to} has accepted it"),
        ids => format!("delivered to {to} as {}", plain(&ids.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(event: Event, at: i64, set: impl FnOnce(&mut Hop)) -> Hop {
        let mut hop = Hop {
            at: UnixMillis(1_786_017_600_000 + at),
            event,
            conversation: "tg:sales:777000111".parse().ok(),
            route: "inbound".to_owned(),
            kind: "message".to_owned(),
            messages: vec!["tg:7000000001:777000111:43".to_owned()],
            job: Some(12),
            ..Hop::default()
        };
        set(&mut hop);
        hop
    }

    #[test]
    fn each_message_has_its_hops_below_it_and_fits_a_terminal() {
        let kommo = "c6af5fb1-5b00-48f7-98cf-95edb29c704d";
        let answer = Answer {
            is_on: true,
            hops: vec![
                hop(Event::Received, 0, |hop| hop.by = Some(By::Telegram)),
                hop(Event::Claimed, 4, |hop| hop.attempt = Some(1)),
                hop(Event::Received, 5, |hop| {
                    hop.by = Some(By::Hook);
                    (hop.messages, hop.job) = (vec!["b".to_owned()], Some(13));
                    hop.kind = "hook".to_owned();
                }),
                hop(Event::Retried, 9, |hop| {
                    hop.why = Some("Kommo answered 500 \u{1b}[2J with a long page of words about itself".to_owned());
                    hop.wait_ms = Some(5000);
                }),
                hop(Event::Done, 5100, |hop| {
                    hop.reached_remote = Some(true);
                    hop.other_side = vec![kommo.to_owned()];
                }),
                hop(Event::OperatorParked, 6000, |hop| {
                    (hop.messages, hop.job, hop.conversation) = (vec![], Some(13), None);
                    hop.parked = Some(20);
                }),
            ],
            ..Answer::default()
        };
        let text = hops(&answer, 80);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
        let parts = [
            "Message tg:7000000001:777000111:43 of tg:sales:777000111\n  2026-08-0",
            "  received from Telegram and stored, job 12\n",
            ".004  try 1, job 12\n",
            "  failed: Kommo answered 500 [2J with a long page of\n",
            "                           words about itself; tried again in 5 seconds\n",
            "  delivered to Kommo as\n                           c6af5fb1-5b00-48f7-98cf-95edb29c704d\n\nMessage b of tg:",
            "  the operator has parked it as 20\n",
        ];
        for part in parts {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn what_was_taken_for_two_messages_is_shown_as_one() {
        let one = hop(Event::Received, 0, |hop| hop.job = Some(1));
        let other = hop(Event::Claimed, 1, |hop| (hop.messages, hop.job) = (vec!["k".to_owned()], Some(2)));
        let both = hop(Event::Done, 2, |hop| (hop.other_side, hop.job) = (vec!["k".to_owned()], Some(1)));
        let all = [one, other, both];
        assert_eq!(messages(&all[..2]).len(), 2);
        assert_eq!(messages(&all), [all.iter().collect::<Vec<_>>()]);
    }
}
