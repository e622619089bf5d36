//! Parked messages for a terminal.

use std::collections::BTreeMap;

use crate::{
    admin::parked::ParkedEntry,
    cli::table::{COLUMNS, fit, plain, table},
    domain::{
        amount::{age, counted},
        job::Route,
        time::UnixMillis,
    },
};

/// How many kinds of reasons are summed up.
const KINDS: usize = 20;

/// What was listed so far.
#[derive(Default)]
pub(super) struct Summary {
    /// How wide the terminal is; `None` if there is none, so that nothing is broken or cut.
    columns: Option<usize>,
    kinds: BTreeMap<(String, String), usize>,
    for_person: usize,
    reported: usize,
}

impl Summary {
    /// For a terminal of so many columns, or for whatever reads whole lines.
    pub(super) fn for_columns(columns: Option<usize>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Counts messages, and returns their text.
    pub(super) fn add(&mut self, rows: &[ParkedEntry], now: UnixMillis) -> String {
        for row in rows {
            let is_reported = row.expires_at.is_some();
            self.reported += usize::from(is_reported);
            self.for_person += usize::from(!is_reported);
            *self.kinds.entry((row.route.clone(), plain(&row.why))).or_default() += 1;
        }
        rows.iter().map(|row| self.fitted(&shown(row, now))).collect()
    }

    fn fitted(&self, text: &str) -> String {
        self.columns.map_or_else(|| text.to_owned(), |columns| fit(text, columns.min(COLUMNS)))
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
        let table = table(&[vec![head], lines.collect()].concat(), 2, self.columns);
        format!("\n{table}{more}\n{}", self.fitted(&self.sum()))
    }

    /// How many there are, and of whom something is wanted.
    fn sum(&self) -> String {
        let Self { for_person, reported, .. } = self;
        let needs = |number| if number == 1 { "needs" } else { "need" };
        let (all, word) = (counted(for_person + reported, "message"), needs(*for_person));
        match (for_person, reported) {
            (_, 0) => format!("{all}: {for_person} {word} a person.\n"),
            (_, 1) => {
                format!(
                    "{all}: {for_person} {word} a person. The author of 1 was told, and it will be removed by itself.\n"
                )
            }
            _ => format!(
                "{all}: {for_person} {word} a person. The authors of {reported} were told, and these will be removed \
                 by themselves.\n"
            ),
        }
    }
}

fn shown(row: &ParkedEntry, now: UnixMillis) -> String {
    let age = row.parked_at.map_or_else(|| "?".to_owned(), |at| age(at, now));
    let name = row.name.as_ref().map_or_else(String::new, |name| format!("  {}", plain(name)));
    let (route, thread) = (plain(&row.route), plain(&row.thread));
    let kind = match (row.unreadable, row.expires_at) {
        (true, _) => "unreadable: ",
        (false, Some(_)) => "told: ",
        (false, None) => "",
    };
    let text = row.text.as_ref().map_or_else(String::new, |text| format!(": {}", plain(text)));
    let what = meaning(&row.route);
    format!(
        "{:>6}  {age:>4}  {route}  {thread}{name}\n        {what}{text}\n        {kind}{}\n",
        row.id,
        plain(&row.why)
    )
}

/// What goes by a route, in plain words.
pub(super) fn meaning(route: &str) -> &'static str {
    match route.parse() {
        Ok(Route::Inbound) => "From the customer, for Kommo",
        Ok(Route::Outbound(_)) => "Answer for the customer",
        Ok(Route::Undeliverable) => "Answer for a conversation that is not telekommo's",
        Ok(Route::Status) => "Delivery status of an answer, for Kommo",
        Ok(Route::Crm) => "Link or note for the contact or lead in Kommo",
        Err(_) => "Something that this version does not know",
    }
}

/// How many were changed, and what has become of one and of several.
pub(super) fn changed(done: usize, [of_one, of_several]: [&str; 2]) -> String {
    format!("{} {}.", counted(done, "message"), if done == 1 { of_one } else { of_several })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

    fn row(id: u64, why: &str, expires: bool) -> ParkedEntry {
        ParkedEntry {
            id,
            parked_at: Some(NOW.minus(Duration::from_hours(3))),
            route: "outbound:sales".to_owned(),
            thread: "tg:sales:777000111".to_owned(),
            why: why.to_owned(),
            code: None,
            expires_at: expires.then_some(NOW),
            unreadable: false,
            name: Some("Anna\u{1b}[2J Petrova".to_owned()),
            text: Some("Is it\u{1b}[2J ready?".to_owned()),
        }
    }

    #[test]
    fn a_message_is_told_with_its_number_age_place_name_and_reason() {
        let mut summary = Summary::for_columns(Some(80));
        let long = "Not delivered: ".to_owned() + &"tried again and again ".repeat(8);
        let unreadable = ParkedEntry {
            unreadable: true,
            parked_at: None,
            name: None,
            text: None,
            ..row(3, "unknown variant", false)
        };
        let text = summary.add(&[row(12, "Forbidden", true), row(9, &long, false), unreadable], NOW);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "    12    3h  outbound:sales  tg:sales:777000111  Anna [2J Petrova");
        assert_eq!(lines[1], "        Answer for the customer: Is it [2J ready?");
        assert_eq!(lines[2], "        told: Forbidden");
        assert!(text.contains("     3     ?  outbound:sales  tg:sales:777000111\n"), "{text}");
        assert!(text.contains("        Answer for the customer\n        unreadable: unknown variant\n"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{text}");
    }

    #[test]
    fn the_end_counts_by_route_and_reason() {
        let mut summary = Summary::for_columns(Some(80));
        assert_eq!(summary.end(), "Nothing is parked.\n");
        summary.add(&[row(1, "rare", false)], NOW);
        assert!(summary.end().contains("1 message: 1 needs a person."));
        let wide = "blocked ".repeat(30);
        let rows: Vec<_> = (2..5).map(|id| row(id, &wide, true)).collect();
        summary.add(&rows, NOW);
        let end = summary.end();
        let lines: Vec<_> = end.lines().collect();
        assert!(lines[2].starts_with("3      outbound:sales  blocked"), "{end}");
        assert!(lines[3].starts_with("1      outbound:sales  rare"), "{end}");
        assert!(end.contains("4 messages: 1 needs a person. The authors of 3 were told, and these"), "{end}");
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{end}");
        for number in 0..30 {
            summary.add(&[row(9, &format!("reason {number}"), false)], NOW);
        }
        assert!(summary.end().contains("and 12 more kinds"), "{}", summary.end());
    }
}
