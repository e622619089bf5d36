//! Waiting messages for a terminal.

use crate::{
    admin::queue::{MessageState, QueueEntry},
    cli::{
        queue::list::meaning,
        table::{COLUMNS, fit, plain},
    },
    domain::{
        amount::{age, counted, soon},
        time::UnixMillis,
    },
};

/// What was listed so far.
#[derive(Default)]
pub(super) struct Summary {
    /// How wide the terminal is; `None` if there is none, so that nothing is broken or cut.
    columns: Option<usize>,
    lanes: usize,
    messages: usize,
}

impl Summary {
    /// For a terminal of so many columns, or for whatever reads whole lines.
    pub(super) fn for_columns(columns: Option<usize>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Counts messages, and returns their text.
    pub(super) fn add(&mut self, rows: &[QueueEntry], now: UnixMillis) -> String {
        self.lanes += rows.len();
        self.messages += rows.iter().map(|row| row.behind + 1).sum::<usize>();
        rows.iter().map(|row| self.fitted(&shown(row, now))).collect()
    }

    fn fitted(&self, text: &str) -> String {
        self.columns.map_or_else(|| text.to_owned(), |columns| fit(text, columns.min(COLUMNS)))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lanes == 0
    }

    /// How many there are.
    pub(super) fn end(&self) -> String {
        match self.messages {
            0 => "Nothing waits.\n".to_owned(),
            1 => "\n1 message waits.\n".to_owned(),
            messages if messages == self.lanes => format!("\n{messages} messages wait.\n"),
            messages => {
                let behind = messages - self.lanes;
                format!(
                    "\n{messages} messages wait: {} next in their conversations, {behind} behind them.\n",
                    self.lanes
                )
            }
        }
    }
}

fn shown(row: &QueueEntry, now: UnixMillis) -> String {
    let age = row.since.map_or_else(|| "?".to_owned(), |at| age(at, now));
    let name = row.name.as_ref().map_or_else(String::new, |name| format!("  {}", plain(name)));
    let text = row.text.as_ref().map_or_else(String::new, |text| format!(": {}", plain(text)));
    let behind = match row.behind {
        0 => String::new(),
        1 => "        1 more waits behind it\n".to_owned(),
        more => format!("        {more} more wait behind it\n"),
    };
    format!(
        "{:>6}  {age:>4}  {}  {}{name}\n        {}{text}\n        {}\n{behind}",
        row.id,
        plain(&row.route),
        plain(&row.thread),
        meaning(&row.route),
        standing(row, now)
    )
}

/// What becomes of a message, in plain words.
pub(super) fn standing(row: &QueueEntry, now: UnixMillis) -> String {
    if row.unreadable {
        return "cannot be read by this version of telekommo".to_owned();
    }
    let what = match row.state {
        MessageState::Due => "is sent when its turn comes".to_owned(),
        MessageState::Retrying => {
            let wait = row.next_try.map(|at| now.until(at)).unwrap_or_default();
            format!("is tried again {}", soon(wait))
        }
        MessageState::Sending => "is being sent".to_owned(),
        MessageState::Held => "waits until older, missing messages have been looked for".to_owned(),
        MessageState::Behind => "waits behind those before it".to_owned(),
        MessageState::Parked => "is parked, and needs a person".to_owned(),
        MessageState::Reported => "is parked; its author was told, and it is removed by itself".to_owned(),
    };
    let failed = match row.attempts {
        0 => String::new(),
        1 => "; failed once".to_owned(),
        times => format!("; failed {}", counted(usize::try_from(times).unwrap_or(usize::MAX), "time")),
    };
    let reason = row.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", plain(reason)));
    format!("{what}{failed}{reason}")
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;

    pub(in crate::cli::queue) const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

    pub(in crate::cli::queue) fn row(state: MessageState) -> QueueEntry {
        QueueEntry {
            id: 1041,
            state,
            route: "inbound".to_owned(),
            thread: "tg:sales:777000111".to_owned(),
            conversation: "tg:sales:777000111".parse().ok(),
            name: Some("Anna\u{1b}[2J Petrova".to_owned()),
            since: Some(NOW.minus(Duration::from_mins(5))),
            attempts: 2,
            next_try: Some(NOW.plus(Duration::from_secs(20))),
            reason: Some("Kommo answered 500".to_owned()),
            code: None,
            expires_at: None,
            unreadable: false,
            behind: 3,
            text: Some("Is it\u{1b}[2J ready?".to_owned()),
        }
    }

    #[test]
    fn a_message_is_told_with_its_number_age_place_name_and_what_becomes_of_it() {
        let mut summary = Summary::for_columns(Some(80));
        let text = summary.add(&[row(MessageState::Retrying)], NOW);
        assert_eq!(
            text,
            "  1041    5m  inbound  tg:sales:777000111  Anna [2J Petrova\n        From the customer, for Kommo: Is it \
             [2J ready?\n        is tried again in 20 seconds; failed 2 times: Kommo answered 500\n        3 more wait \
             behind it\n"
        );
        assert_eq!(summary.end(), "\n4 messages wait: 1 next in their conversations, 3 behind them.\n");
        assert_eq!(Summary::default().end(), "Nothing waits.\n");
        let mut alone = Summary::default();
        let fresh = QueueEntry { attempts: 0, next_try: None, reason: None, behind: 0, ..row(MessageState::Due) };
        assert!(alone.add(&[fresh], NOW).ends_with("        is sent when its turn comes\n"));
        assert_eq!(alone.end(), "\n1 message waits.\n");
    }

    #[test]
    fn every_line_fits_the_terminal() {
        let mut summary = Summary::for_columns(Some(60));
        let wide = QueueEntry { reason: Some("no answer ".repeat(20)), ..row(MessageState::Retrying) };
        let text = summary.add(&[wide], NOW);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }
}
