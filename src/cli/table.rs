//! Wrapping text and formatting tables: fitted to a terminal, uncut otherwise.

use unicode_width::UnicodeWidthChar as _;

/// The widest line of text that people read well.
pub(super) const COLUMNS: usize = 80;
/// The blanks between two columns.
const GAP: usize = 2;
/// The indent of a paragraph's text.
const INDENT: usize = 16;
/// The indent of a column that is moved below its line.
const LATE_INDENT: usize = 4;
/// The least width of a cut column. With less, each row becomes several lines.
const MIN_WIDTH: usize = 20;

/// Formats a table; the first row names the columns. If it is wider than `columns`, column `elastic` is cut; if too
/// little of that would be left, each row becomes several lines. Without `columns` nothing is cut.
pub(super) fn table<R: AsRef<[String]>>(rows: &[R], elastic: usize, columns: Option<usize>) -> String {
    let mut widths = widths(rows);
    let excess = total(&widths).saturating_sub(columns.unwrap_or(usize::MAX));
    if let Some(width) = widths.get_mut(elastic) {
        let left = width.saturating_sub(excess);
        match columns {
            Some(columns) if left < MIN_WIDTH.min(*width) => return stacked(rows, columns),
            Some(_) | None => *width = left,
        }
    }
    let line = |row: &R| {
        let cells = row.as_ref().iter().zip(&widths).map(|(cell, width)| {
            let text = cut(cell, *width);
            let blanks = (width + GAP).saturating_sub(width_of(&text));
            text + &" ".repeat(blanks)
        });
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// The width of an uncut table.
pub(super) fn natural_width<R: AsRef<[String]>>(rows: &[R]) -> usize {
    total(&widths(rows))
}

fn widths<R: AsRef<[String]>>(rows: &[R]) -> Vec<usize> {
    let mut widths = vec![0; rows.first().map_or(0, |row| row.as_ref().len())];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = (*width).max(width_of(cell));
        }
    }
    widths
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Each row as several lines: its first cell, and below it the others with the names of their columns.
fn stacked<R: AsRef<[String]>>(rows: &[R], columns: usize) -> String {
    let Some((head, rows)) = rows.split_first() else { return String::new() };
    let lines = |row: &R| {
        let row = row.as_ref();
        let first = row.first().map_or_else(String::new, |cell| fit(&format!("{cell}\n"), columns));
        let cells = head.as_ref().iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty() && *cell != "-");
        cells.fold(first, |text, (name, cell)| text + &fit(&format!("  {}: {cell}\n", lowered(name)), columns))
    };
    rows.iter().map(lines).collect()
}

/// A column's name within a line. `ID` and proper names keep their case.
fn lowered(name: &str) -> String {
    match name {
        "ID" => name.to_owned(),
        name => name.to_lowercase().replace("kommo", "Kommo"),
    }
}

fn cut(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 0);
    for char in text.chars() {
        used += char.width().unwrap_or_default();
        if used + 1 > width {
            break;
        }
        kept.push(char);
    }
    kept + "…"
}

/// The display width of a text: 0 or 1 for a letter, 2 for an emoji.
pub(super) fn width_of(text: &str) -> usize {
    text.chars().map(|char| char.width().unwrap_or_default()).sum()
}

/// Splits a word into pieces of at most that width.
pub(super) fn pieces(word: &str, width: usize) -> Vec<String> {
    let (mut pieces, mut used) = (vec![String::new()], 0);
    for char in word.chars() {
        let wide = char.width().unwrap_or_default();
        if used > 0 && used + wide > width {
            pieces.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(piece) = pieces.last_mut() {
            piece.push(char);
        }
    }
    pieces
}

/// Text of others in one line, without characters that a terminal interprets: control characters, and those that change
/// the direction of text.
pub(super) fn plain(text: &str) -> String {
    let shown = |char: char| if char.is_control() { ' ' } else { char };
    text.chars().filter(|char| !is_direction(*char)).map(shown).collect()
}

const fn is_direction(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A labelled text, wrapped.
pub(super) fn paragraph(label: &str, text: &str, columns: usize) -> String {
    wrapped(text, &format!("{label:<INDENT$}"), &" ".repeat(INDENT), columns)
}

/// Wraps a text, with a prefix for the first line and one for the others.
pub(super) fn wrapped(text: &str, first: &str, others: &str, columns: usize) -> String {
    let mut lines = vec![first.to_owned()];
    let mut blank = true;
    for word in text.split_whitespace() {
        let length = lines.last().map_or(0, |line| width_of(line));
        if !blank && length + 1 + width_of(word) > columns {
            lines.push(others.to_owned());
            blank = true;
        }
        if let Some(line) = lines.last_mut() {
            if !blank {
                line.push(' ');
            }
            line.push_str(word);
            blank = false;
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Wraps each line of a text between words at `columns`; only longer words exceed it. A continuation is indented like
/// the line's beginning, or like its last column, which two blanks set apart.
pub(super) fn fit(text: &str, columns: usize) -> String {
    text.split_inclusive('\n').map(|line| wrap_line(line, columns)).collect()
}

fn wrap_line(line: &str, columns: usize) -> String {
    let text = line.trim_end_matches('\n');
    if width_of(text) <= columns {
        return line.to_owned();
    }
    if let Some(at) = late_column(text, columns) {
        let indent = text.len() - text.trim_start_matches(' ').len() + LATE_INDENT;
        let rest = format!("{}{}", " ".repeat(indent), text[at..].trim_start_matches(' '));
        return fit(&format!("{}\n", text[..at].trim_end_matches(' ')), columns)
            + &wrap_line(&rest, columns)
            + &line[text.len()..];
    }
    let hang = hang(text, columns);
    let (mut fitted, mut width) = (String::new(), 0);
    for word in text.split_inclusive(' ') {
        let bare = width_of(word.trim_end_matches(' '));
        if width > hang && bare > 0 && width + bare > columns {
            fitted.truncate(fitted.trim_end_matches(' ').len());
            fitted.push('\n');
            fitted.push_str(&" ".repeat(hang));
            width = hang;
        }
        fitted.push_str(word);
        width += width_of(word);
    }
    fitted + &line[text.len()..]
}

/// Where the last column of a line begins, if it is so far right that its words have too little room. They are then
/// moved below.
fn late_column(text: &str, columns: usize) -> Option<usize> {
    let at = text.trim_end_matches(' ').rfind("  ")? + GAP;
    let is_first = text[..at].trim_matches(' ').is_empty();
    (!is_first && width_of(&text[..at]) > columns / 2).then_some(at)
}

/// The indent of a continuation. A column that begins in the right half leaves too little room.
fn hang(text: &str, columns: usize) -> usize {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let left: String = text.chars().take(columns / 2).collect();
    let column = left.rfind("  ").filter(|at| *at >= indent);
    column.map_or(indent, |at| width_of(&left[..at]) + GAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_where_the_terminal_ends() {
        let cases = [
            ("short\n", "short\n"),
            ("one two three four five\n", "one two three\nfour five\n"),
            ("  one two three four\n", "  one two\n  three four\n"),
            ("  -a  one two three\n", "  -a  one two\n      three\n"),
            ("1:  tg  one two three", "1:  tg\n    one two\n    three"),
            ("1:  one two three", "1:  one two\n    three"),
            ("  --path <P>  one two", "  --path <P>\n      one two"),
            ("7  3h  out  tg:7  Anna", "7  3h  out\n    tg:7\n    Anna"),
            ("unbreakable-and-long word\n\nend", "unbreakable-and-long\nword\n\nend"),
        ];
        for (text, fitted) in cases {
            assert_eq!(fit(text, 14), fitted, "{text}");
        }
    }

    fn row(cells: [&str; 3]) -> [String; 3] {
        cells.map(str::to_owned)
    }

    #[test]
    fn columns_are_below_each_other_and_what_is_too_wide_is_cut() {
        let rows = [row(["SOURCE", "NAME", "STATE"]), row(["a", &"é".repeat(190), "in sync"])];
        for columns in [80, 120, 37] {
            let text = table(&rows, 1, Some(columns));
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines[1].chars().count(), columns);
            let before = |line: &str, text: &str| line.split(text).next().unwrap().chars().count();
            assert_eq!(before(lines[0], "STATE"), before(lines[1], "in sync"));
            assert!(lines[1].contains("é…  in sync"), "{text}");
        }
    }

    #[test]
    fn what_is_no_terminal_gets_whole_cells() {
        let text = table(&[row(["SOURCE", "NAME", "STATE"]), row(["a", &"é".repeat(190), "in sync"])], 1, None);
        assert!(text.contains(&format!("a       {}  in sync\n", "é".repeat(190))), "{text}");
    }

    #[test]
    fn where_too_little_of_a_cell_would_be_left_each_row_has_lines_of_its_own() {
        let rows = [row(["ID", "CHAT IN KOMMO", "NAME"]), row(["tg:sales:7", &"c".repeat(36), "Anna Petrova"])];
        let rows = [rows[0].clone(), rows[1].clone(), row(["tg:sales:8", "-", "Ben"])];
        let chat = "c".repeat(36);
        let want = format!("tg:sales:7\n  chat in Kommo:\n  {chat}\n  name: Anna Petrova\ntg:sales:8\n  name: Ben\n");
        assert_eq!(table(&rows, 2, Some(40)), want);
        assert!(table(&rows, 2, Some(62)).starts_with("ID          CHAT IN KOMMO"));
    }

    #[test]
    fn wide_letters_take_two_columns() {
        let rows = [row(["SOURCE", "NAME", "STATE"]), row(["a", "花 🌸", "ok"]), row(["b", "e\u{301}", "ok"])];
        assert_eq!(table(&rows, 1, None), "SOURCE  NAME   STATE\na       花 🌸  ok\nb       e\u{301}      ok\n");
        let rows = [row(["SOURCE", "NAME", "STATE"]), row(["a", &"花".repeat(30), "ok"])];
        let cut = table(&rows, 1, Some(40));
        assert!(cut.contains(&format!("a       {}…  ok\n", "花".repeat(12))), "{cut}");
    }

    #[test]
    fn nothing_that_somebody_writes_commands_a_terminal() {
        assert_eq!(
            plain("Anna\u{1b}[2J\nB\u{202e}ob \u{1f469}\u{200d}\u{1f4bb}"),
            "Anna [2J Bob \u{1f469}\u{200d}\u{1f4bb}"
        );
    }

    #[test]
    fn a_paragraph_is_broken_between_words() {
        for columns in [80, 40] {
            let text = paragraph("Token", &"word ".repeat(40), columns);
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{text}");
            assert_eq!(text.matches("word").count(), 40);
            assert!(text.starts_with("Token           word word") && text.contains("\n                word"), "{text}");
        }
    }
}
