//! Parked messages for a terminal.

use std::collections::BTreeMap;

use crate::{
    domain::time::UnixMillis,
    operate::{
        parked::Row,
        table::{COLUMNS, fit, table},
    },
};

/// How many kinds of reasons are summed up.
const KINDS: usize = 20;

/// What was listed so far.
#[derive(Default)]
pub(super) struct Summary {
    kinds: BTreeMap<(String, String), usize>,
    for_person: usize,
    told: usize,
}

impl Summary {
    /// Counts messages, and gives their text.
    pub(super) fn add(&mut self, rows: &[Row], now: UnixMillis) -> String {
        for row in rows {
            let told = row.expires_at.is_some();
            self.told += usize::from(told);
            self.for_person += usize::from(!told);
            *self.kinds.entry((row.route.clone(), line(&row.why))).or_default() += 1;
        }
        rows.iter().map(|row| fit(&shown(row, now), COLUMNS)).collect()
    }

    /// How many there are of each kind.
    pub(super) fn end(&self) -> String {
        if self.kinds.is_empty() {
            return "Nothing is parked.\n".to_owned();
        }
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), *kind));
        let head = ["COUNT", "ROUTE", "REASON"].map(str::to_owned);
        let lines =
            kinds.iter().take(KINDS).map(|((route, why), count)| [count.to_string(), route.clone(), why.clone()]);
        let more = match kinds.len().saturating_sub(KINDS) {
            0 => String::new(),
            more => format!("and {more} more kinds\n"),
        };
        let (all, told) = (self.for_person + self.told, self.told);
        let sum = match (all, told) {
            (1, 0) => "1 message, which needs a person.".to_owned(),
            (1, _) => "1 message, whose author was told: it goes by itself.".to_owned(),
            (_, 0) => format!("{all} messages, which need a person."),
            (_, _) => format!(
                "{all} messages: {} need a person; of {told} the authors were told, and they go by themselves.",
                self.for_person
            ),
        };
        format!("\n{}{more}\n{}", table(&[vec![head], lines.collect()].concat(), 2), fit(&(sum + "\n"), COLUMNS))
    }
}

fn shown(row: &Row, now: UnixMillis) -> String {
    let age = row.parked_at.map_or_else(|| "?".to_owned(), |at| age(at, now));
    let name = row.name.as_ref().map_or_else(String::new, |name| format!("  {}", line(name)));
    let (route, thread) = (line(&row.route), line(&row.thread));
    let kind = match (row.unreadable, row.expires_at) {
        (true, _) => "unreadable: ",
        (false, Some(_)) => "told: ",
        (false, None) => "",
    };
    format!("{:>6}  {age:>4}  {route}  {thread}{name}\n        {kind}{}\n", row.id, line(&row.why))
}

/// How long ago, in the largest unit.
fn age(at: UnixMillis, now: UnixMillis) -> String {
    let seconds = at.until(now).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        86_400.. => format!("{}d", seconds / 86_400),
    }
}

/// Text in one line, for a terminal, which obeys some characters.
fn line(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

/// How many were changed.
pub(super) fn changed(done: usize, became: &str) -> String {
    match done {
        1 => format!("1 message: {became}."),
        _ => format!("{done} messages: {became}."),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

    fn row(id: u64, why: &str, expires: bool) -> Row {
        Row {
            id,
            parked_at: Some(NOW.minus(Duration::from_hours(3))),
            route: "outbound:sales".to_owned(),
            thread: "tg:sales:777000111".to_owned(),
            why: why.to_owned(),
            code: None,
            expires_at: expires.then_some(NOW),
            unreadable: false,
            name: Some("Anna\u{1b}[2J Petrova".to_owned()),
        }
    }

    #[test]
    fn a_message_is_told_with_its_number_age_place_name_and_reason() {
        let mut summary = Summary::default();
        let long = "Not delivered: ".to_owned() + &"tried again and again ".repeat(8);
        let unreadable = Row { unreadable: true, parked_at: None, name: None, ..row(3, "unknown variant", false) };
        let text = summary.add(&[row(12, "Forbidden", true), row(9, &long, false), unreadable], NOW);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "    12    3h  outbound:sales  tg:sales:777000111  Anna [2J Petrova");
        assert_eq!(lines[1], "        told: Forbidden");
        assert!(
            text.contains("     3     ?  outbound:sales  tg:sales:777000111\n        unreadable: unknown variant\n")
        );
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{text}");
    }

    #[test]
    fn the_end_counts_by_route_and_reason() {
        let mut summary = Summary::default();
        assert_eq!(summary.end(), "Nothing is parked.\n");
        summary.add(&[row(1, "rare", false)], NOW);
        assert!(summary.end().contains("1 message, which needs a person."));
        let wide = "blocked ".repeat(30);
        let rows: Vec<_> = (2..5).map(|id| row(id, &wide, true)).collect();
        summary.add(&rows, NOW);
        let end = summary.end();
        let lines: Vec<_> = end.lines().collect();
        assert!(lines[2].starts_with("3      outbound:sales  blocked"), "{end}");
        assert!(lines[3].starts_with("1      outbound:sales  rare"), "{end}");
        assert!(end.contains("4 messages: 1 need a person; of 3 the authors were told"), "{end}");
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{end}");
        for number in 0..30 {
            summary.add(&[row(9, &format!("reason {number}"), false)], NOW);
        }
        assert!(summary.end().contains("and 12 more kinds"), "{}", summary.end());
    }

    #[test]
    fn ages_are_told_in_the_largest_unit() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (86_399, "23h"), (8_640_000, "100d")]
        {
            assert_eq!(age(NOW.minus(Duration::from_secs(seconds)), NOW), text);
        }
        assert_eq!(age(NOW.plus(Duration::from_hours(1)), NOW), "0s", "a clock that was ahead");
    }
}
