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

#[cfg(test)]
mod tests {
    use super::*;

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
