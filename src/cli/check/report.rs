//! What was found, as a person reads it and as a program does.

use std::{fmt::Display, process::ExitCode};

use serde::Serialize;

use crate::{
    cli::{
        check::{
            UNKNOWN,
            finding::{Finding, State},
            is_colored,
        },
        table::wrapped,
        terminal,
    },
    domain::amount::counted,
};

/// How wide the mark and what a line is about are.
const INDENT: usize = 18;
/// What sets a terminal back to its own colour.
const PLAIN: &str = "\u{1b}[0m";

/// Prints what is found as it comes, or all of it at the end for a program.
pub(super) struct CheckReport {
    json: bool,
    findings: Vec<Finding>,
}

/// All of it, for programs. The names do not change.
#[derive(Serialize)]
struct Whole<'a> {
    version: &'static str,
    ok: bool,
    checks: &'a [Finding],
}

impl CheckReport {
    pub(super) const fn new(json: bool) -> Self {
        Self { json, findings: Vec::new() }
    }

    /// Prints what helps a person to read the rest.
    pub(super) fn explain(&self, text: &impl Display) {
        if !self.json {
            terminal::say(&text.to_string());
        }
    }

    /// Adds what was found in one place.
    pub(super) fn add(&mut self, place: &str, findings: Vec<Finding>) {
        if !self.json {
            let (columns, is_colored) = (terminal::text_columns(), is_colored());
            terminal::print(format_args!("\n{place}:\n"));
            terminal::print(findings.iter().map(|finding| line(finding, columns, is_colored)).collect::<String>());
        }
        self.findings.extend(findings);
    }

    /// Says how all of it stands, and returns the exit code.
    pub(super) fn end(self) -> ExitCode {
        let has = |state| self.findings.iter().any(|finding| finding.state == state);
        if self.json {
            let ok = !has(State::Wrong) && !has(State::Unknown);
            let whole = Whole { version: env!("CARGO_PKG_VERSION"), ok, checks: &self.findings };
            terminal::print(serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n");
        } else {
            terminal::say(&format!("\n{}\n", summed_up(&self.findings)));
        }
        match (has(State::Wrong), has(State::Unknown)) {
            (true, _) => ExitCode::FAILURE,
            (false, true) => ExitCode::from(UNKNOWN),
            (false, false) => ExitCode::SUCCESS,
        }
    }
}

/// One thing that was found, in lines of so many columns.
pub(super) fn line(finding: &Finding, columns: usize, is_colored: bool) -> String {
    let (mark, color) = mark(finding.state);
    let first = format!("{:<INDENT$}", format!("{mark} {}", finding.about));
    let text = wrapped(&finding.text, &first, &" ".repeat(INDENT), columns);
    match text.strip_prefix(mark) {
        Some(rest) if is_colored => format!("{color}{mark}{PLAIN}{rest}"),
        Some(_) | None => text,
    }
}

const fn mark(state: State) -> (&'static str, &'static str) {
    match state {
        State::Ok => ("✓", "\u{1b}[32m"),
        State::Warning => ("!", "\u{1b}[33m"),
        State::Wrong => ("✗", "\u{1b}[31m"),
        State::Unknown => ("?", "\u{1b}[33m"),
    }
}

/// How all of it stands, in one line.
fn summed_up(findings: &[Finding]) -> String {
    let named = |state| {
        let mut named = Vec::new();
        for finding in findings.iter().filter(|finding| finding.state == state) {
            if !named.contains(&finding.about) {
                named.push(finding.about);
            }
        }
        named.join(", ")
    };
    let number = |state| findings.iter().filter(|finding| finding.state == state).count();
    let mut parts = Vec::new();
    match number(State::Wrong) {
        0 => {}
        wrong => parts.push(format!("{wrong} of {} wrong: {}", counted(findings.len(), "check"), named(State::Wrong))),
    }
    match number(State::Unknown) {
        0 => {}
        unknown => parts.push(format!("{unknown} not checked: {}", named(State::Unknown))),
    }
    match number(State::Warning) {
        0 => {}
        warnings => parts.push(format!("{}: {}", counted(warnings, "warning"), named(State::Warning))),
    }
    if parts.is_empty() {
        format!("All is well: {}.", counted(findings.len(), "check"))
    } else {
        parts.join(". ") + "."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{
        check::finding::{fine, unknown, warning, wrong},
        table::width_of,
    };

    #[test]
    fn lines_are_aligned_by_what_is_seen_and_coloured_for_people_alone() {
        let finding = wrong("Channel", "wrong ".repeat(30));
        let plain = line(&finding, 60, false);
        assert!(plain.starts_with("✗ Channel         wrong wrong") && plain.lines().all(|it| width_of(it) <= 60));
        assert!(plain.lines().skip(1).all(|it| it.starts_with(&format!("{}wrong", " ".repeat(INDENT)))), "{plain}");
        let colored = line(&finding, 60, true);
        assert_eq!(colored, plain.replacen('✗', "\u{1b}[31m✗\u{1b}[0m", 1));
    }

    #[test]
    fn one_line_sums_up() {
        let all = [fine("Data", ""), fine("Disk", "")];
        assert_eq!(summed_up(&all), "All is well: 2 checks.");
        let more = [fine("Data", ""), wrong("Bot", ""), wrong("Bot", ""), unknown("Clock", ""), warning("Token", "")];
        assert_eq!(summed_up(&more), "2 of 5 checks wrong: Bot. 1 not checked: Clock. 1 warning: Token.");
    }
}
