//! A chapter for a terminal: headings, paragraphs, lists, tables and code, as far as the manual uses Markdown.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    cli::table::{table, width_of, wrapped},
    docs::CHAPTERS,
};

/// Where the files of the repository are that chapters link to.
const FILES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");

/// How far code and the later cells of a row stand in.
const INDENT: &str = "    ";

/// Where the names in brackets lead.
type Links<'t> = BTreeMap<&'t str, &'t str>;

/// A chapter in lines of at most `columns`, but for code and for words that are longer.
pub(super) fn shown(text: &str, columns: usize) -> String {
    let links: Links = text.lines().filter_map(definition).collect();
    let mut lines = text.lines().filter(|line| definition(line).is_none()).peekable();
    let mut shown = String::new();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("```") {
            let within = indent(line);
            let block = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```"));
            shown.extend(block.map(|line| code(line.strip_prefix(within).unwrap_or(line))));
        } else if let Some(title) = line.strip_prefix('#') {
            shown += &heading(title, &links);
        } else if line.starts_with('|') {
            let rows = std::iter::from_fn(|| lines.next_if(|line| line.starts_with('|')));
            shown +=
                &rows_below(&[line].into_iter().chain(rows).map(|row| cells(row, &links)).collect::<Vec<_>>(), columns);
        } else if line.trim().is_empty() {
            shown.push('\n');
        } else {
            let more = std::iter::from_fn(|| lines.next_if(|line| goes_on(line)));
            let words = [line].into_iter().chain(more).map(str::trim).collect::<Vec<_>>().join(" ");
            let (mark, rest) = words.split_at(mark(&words));
            let first = format!("{}{mark}", indent(line));
            shown += &wrapped(&plain(rest, &links), &first, &" ".repeat(first.len()), columns);
        }
    }
    shown.trim_end().to_owned() + "\n"
}

/// The blanks that a line begins with.
fn indent(line: &str) -> &str {
    line.split_at(line.len() - line.trim_start().len()).0
}

/// The name and the address of a line that says where a name leads.
fn definition(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix('[')?.split_once("]: ")
}

fn code(line: &str) -> String {
    format!("{INDENT}{line}").trim_end().to_owned() + "\n"
}

fn heading(title: &str, links: &Links) -> String {
    let (line, title) = title.strip_prefix('#').map_or(("=", title), |title| ("-", title));
    let title = plain(title.trim_start_matches('#').trim(), links);
    format!("{title}\n{}\n", line.repeat(width_of(&title)))
}

/// Whether a line belongs to the paragraph or the item before it.
fn goes_on(line: &str) -> bool {
    let text = line.trim_start();
    !text.is_empty() && mark(text) == 0 && !["```", "|", "#"].iter().any(|begin| text.starts_with(begin))
}

/// How long the mark is that an item of a list begins with.
fn mark(text: &str) -> usize {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = text.get(digits..).unwrap_or_default();
    match digits {
        0 if text.starts_with("- ") => 2,
        1.. if after.starts_with(". ") => digits + 2,
        _ => 0,
    }
}

fn cells(row: &str, links: &Links) -> Vec<String> {
    let row = row.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\0");
    row.split('|').map(|cell| plain(cell.trim(), links).replace('\0', "|")).collect()
}

/// A table, if it fits; else each row in lines of its own, its first cell above the others.
fn rows_below(rows: &[Vec<String>], columns: usize) -> String {
    let [head, _, rows @ ..] = rows else { return String::new() };
    let all: Vec<_> = [head].into_iter().chain(rows).cloned().collect();
    let aligned = table(&all, 0, None);
    if aligned.lines().all(|line| width_of(line) <= columns) {
        return aligned.trim_start_matches('\n').to_owned();
    }
    let names = if head.len() > 2 { head.as_slice() } else { &[] };
    let shown = |row: &Vec<String>| {
        let first = row.first().map_or_else(String::new, |cell| wrapped(cell, "", "", columns));
        let later = row.iter().enumerate().skip(1).filter(|(_, cell)| !cell.is_empty());
        later.fold(first, |shown, (n, cell)| {
            let name = names.get(n).filter(|name| !name.is_empty()).map(|name| format!("{name}: ")).unwrap_or_default();
            shown + &wrapped(&format!("{name}{cell}"), INDENT, INDENT, columns)
        })
    };
    rows.iter().map(shown).collect::<Vec<_>>().join("\n")
}

/// Words without marks of emphasis, and with what a name in brackets leads to. Code stays as it is.
fn plain(text: &str, links: &Links) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(n, part)| if n % 2 == 1 { format!("`{part}`") } else { part.replace('*', "") });
    linked(&parts.collect::<String>(), links)
}

fn linked(text: &str, links: &Links) -> String {
    let Some((before, rest)) = text.split_once('[') else { return text.to_owned() };
    let Some((name, after)) = rest.split_once(']') else { return text.to_owned() };
    let (address, after) = match after.strip_prefix('(').and_then(|after| after.split_once(')')) {
        Some((address, after)) => (Some(address), after),
        None => match after.strip_prefix('[').and_then(|after| after.split_once(']')) {
            Some((other, after)) => (links.get(other).copied(), after),
            None => (links.get(name).copied(), after),
        },
    };
    let shown = match address.map(whole) {
        Some(_) if CHAPTERS.iter().any(|chapter| chapter.name == name) => format!("`telekommo help {name}`"),
        Some(address) if address != name => format!("{name} ({address})"),
        Some(_) => name.to_owned(),
        None => format!("[{name}]"),
    };
    format!("{before}{shown}{}", linked(after, links))
}

/// The address of a link for a reader who has no copy of the repository.
fn whole(address: &str) -> Cow<'_, str> {
    address.strip_prefix("../../").map_or(Cow::Borrowed(address), |file| Cow::Owned(format!("{FILES}{file}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chapter_is_plain_text() {
        let text = "\
# One *chapter*

A paragraph with **words** and `code *as it is*`, see [operate] or [the
server][server] or [here](https://example.com/here) or [in a file][file].

- an item that
  goes on
2. a second one

  ```sh
  cd  somewhere
  ```

| A | B |
|---|---|
| `a \\| b` | c |

[operate]: operate.md
[server]: https://example.com
[file]: ../../config.toml.example
";
        let want = "\
One chapter
===========

A paragraph with words and `code *as it is*`, see `telekommo help operate` or
the server (https://example.com) or here (https://example.com/here) or in a file
(https://github.com/telekommo/telekommo/blob/main/config.toml.example).

- an item that goes on
2. a second one

    cd  somewhere

A        B
`a | b`  c
";
        assert_eq!(shown(text, 80), want);
        let narrow = shown(text, 7);
        assert!(
            narrow.contains("- an\n  item\n  that\n  goes\n  on\n") && narrow.ends_with("`a | b`\n    c\n"),
            "{narrow}"
        );
    }
}
