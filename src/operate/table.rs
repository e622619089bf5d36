//! Text for a terminal of 80 columns.

/// The widest line.
pub(super) const COLUMNS: usize = 80;
/// What stands between two columns.
const GAP: usize = 2;
/// Where the words of a paragraph begin.
const INDENT: usize = 16;

/// Rows with their columns below each other. What is too wide is cut in column `elastic`.
pub(super) fn table<const N: usize>(rows: &[[String; N]], elastic: usize) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let total = widths.iter().sum::<usize>() + GAP * N.saturating_sub(1);
    if let Some(width) = widths.get_mut(elastic) {
        *width = width.saturating_sub(total.saturating_sub(COLUMNS)).max(1);
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let text = cut(cell, width);
            let blanks = (width + GAP).saturating_sub(text.chars().count());
            text + &" ".repeat(blanks)
        });
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A word in front, and what there is to say about it, in as many lines as it takes.
pub(super) fn paragraph(label: &str, text: &str) -> String {
    let mut lines = vec![format!("{label:<INDENT$}")];
    let mut blank = true;
    for word in text.split_whitespace() {
        let length = lines.last().map_or(0, |line| line.chars().count());
        if !blank && length + 1 + word.chars().count() > COLUMNS {
            lines.push(" ".repeat(INDENT));
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

/// Text with its lines broken between words, so that none is wider than `columns` but for a word that is. What is broken goes
/// on below the line's own beginning, or below the last of its columns, which two blanks set apart.
pub(super) fn fit(text: &str, columns: usize) -> String {
    text.split_inclusive('\n').map(|line| broken(line, columns)).collect()
}

fn broken(line: &str, columns: usize) -> String {
    let text = line.trim_end_matches('\n');
    if text.chars().count() <= columns {
        return line.to_owned();
    }
    let hang = hang(text, columns);
    let (mut fitted, mut width) = (String::new(), 0);
    for word in text.split_inclusive(' ') {
        let bare = word.trim_end_matches(' ').chars().count();
        if width > hang && bare > 0 && width + bare > columns {
            fitted.truncate(fitted.trim_end_matches(' ').len());
            fitted.push('\n');
            fitted.push_str(&" ".repeat(hang));
            width = hang;
        }
        fitted.push_str(word);
        width += word.chars().count();
    }
    fitted + &line[text.len()..]
}

/// Where a broken line goes on. A column that begins in the right half leaves too little room for its words.
fn hang(text: &str, columns: usize) -> usize {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let left: String = text.chars().take(columns / 2).collect();
    let column = left.rfind("  ").filter(|at| *at >= indent);
    column.map_or(indent, |at| left[..at].chars().count() + 2)
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
            ("1:  tg  one two three", "1:  tg  one\n    two three"),
            ("unbreakable-and-long word\n\nend", "unbreakable-and-long\nword\n\nend"),
        ];
        for (text, fitted) in cases {
            assert_eq!(fit(text, 14), fitted, "{text}");
        }
    }

    #[test]
    fn columns_are_below_each_other_and_what_is_too_wide_is_cut() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let text = table(&[row(["SOURCE", "NAME", "STATE"]), row(["a", &"é".repeat(90), "in step"])], 1);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1].chars().count(), COLUMNS);
        let before = |line: &str, text: &str| line.split(text).next().unwrap().chars().count();
        assert_eq!(before(lines[0], "STATE"), before(lines[1], "in step"));
        assert!(lines[1].contains("é…  in step"), "{text}");
    }

    #[test]
    fn a_paragraph_is_broken_between_words() {
        let text = paragraph("Token", &"word ".repeat(40));
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert_eq!(text.matches("word").count(), 40);
        assert!(text.starts_with("Token           word word") && text.contains("\n                word"), "{text}");
    }
}
