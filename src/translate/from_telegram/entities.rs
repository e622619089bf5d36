//! Converts formatted text to plain text.
//!
//! Kommo shows plain text. Formatting that only changes the look (bold, italic, underline) is dropped. Formatting with
//! a meaning becomes a common mark: `~struck out~`, `||hidden||`, `` `code` ``, fences around code blocks, `> ` before
//! quoted lines, the target after the label of a link, and the time after a date, which Telegram's apps show in the
//! reader's time zone. Marks are only added, so no text can be lost.

use crate::{
    telegram::wire::{Entity, RawObject},
    translate::from_telegram::{
        describe,
        people::{self, one_line},
    },
    words::Language,
};

/// The text in the field `text`, with the marks for the entities in the field `entities`.
pub(super) fn of(part: &RawObject, text: &str, entities: &str) -> Option<String> {
    Some(plain(&part.read::<String>(text)?, &part.list::<Entity>(entities)))
}

/// The marks around a span of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) before: String,
    pub(super) after: String,
}

impl Marks {
    fn both(mark: &str) -> Self {
        Self { before: mark.to_owned(), after: mark.to_owned() }
    }

    fn after(after: String) -> Self {
        Self { before: String::new(), after }
    }
}

/// How a span is shown.
enum Style {
    Inline(Marks),
    /// On lines of its own, between fences, after the name of the language.
    Fenced(String),
    /// On lines of its own that each begin with `> `.
    Quoted,
}

/// A span of a text with a style, by bytes.
struct Span {
    start: usize,
    end: usize,
    style: Style,
}

/// `text` with the marks for its `entities`. Invalid entities are ignored.
pub(super) fn plain(text: &str, entities: &[Entity]) -> String {
    let units = Units::new(text);
    let mut spans: Vec<_> = entities.iter().filter_map(|entity| span(text, entity, &units)).collect();
    // Blocks come before inline spans, and longer spans before shorter ones.
    let block = |span: &Span| !matches!(span.style, Style::Quoted);
    spans.sort_by_key(|it| (it.start, block(it), usize::MAX - it.end));
    let mut page = Page::default();
    let mut at = 0;
    let mut open: Vec<Span> = Vec::new();
    let mut upcoming = spans.into_iter().peekable();
    loop {
        let starts = upcoming.peek().map(|next| next.start);
        let ends = open.iter().map(|it| it.end).min();
        let Some(next) = starts.into_iter().chain(ends).min() else { break };
        page.put(&text[at..next]);
        at = next;
        let closing = open.iter().rposition(|it| it.end == next);
        if let Some(closing) = closing {
            page.close(&open.remove(closing).style, &text[at..]);
        } else if let Some(opened) = upcoming.next() {
            page.open(&opened.style);
            open.push(opened);
        }
    }
    page.put(&text[at..]);
    page.written
}

fn span(text: &str, entity: &Entity, units: &Units) -> Option<Span> {
    let offset = entity.offset?;
    let (start, end) = units.bytes(offset, offset.checked_add(entity.length?)?)?;
    Some(Span { start, end, style: style(entity, &text[start..end])? })
}

fn style(entity: &Entity, label: &str) -> Option<Style> {
    Some(match entity.r#type.as_deref()? {
        "blockquote" | "expandable_blockquote" => Style::Quoted,
        "pre" if entity.language.is_some() || label.contains('\n') => {
            Style::Fenced(one_line(entity.language.as_deref().unwrap_or_default()))
        }
        _ => Style::Inline(marks(entity, label)?),
    })
}

/// The marks of an inline entity; `None` if it needs none.
pub(super) fn marks(entity: &Entity, label: &str) -> Option<Marks> {
    match entity.r#type.as_deref()? {
        "code" | "pre" => Some(Marks::both("`")),
        "spoiler" => Some(Marks::both("||")),
        "strikethrough" => Some(Marks::both("~")),
        "text_link" | "url" => link(entity.url.as_deref()?, label).map(Marks::after),
        "text_mention" => mention(entity, label).map(Marks::after),
        // The order of ISO 8601 is clear in any language.
        "date_time" => Some(Marks::after(format!(" ({})", describe::when(entity.unix_time?, Language::En)?))),
        _ => None,
    }
}

/// The target of a link, unless its label contains it. Managers cannot open links to Telegram's apps.
fn link(url: &str, label: &str) -> Option<String> {
    let url = one_line(url);
    let is_app_link = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tg://"));
    let is_repeated = bare(&url).eq_ignore_ascii_case(bare(label));
    (!url.is_empty() && !is_app_link && !is_repeated).then(|| format!(" ({url})"))
}

/// An address without its scheme and its last slash.
fn bare(address: &str) -> &str {
    let mut rest = address.trim();
    for scheme in ["https://", "http://", "mailto:", "tel:"] {
        if rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
            rest = &rest[scheme.len()..];
            break;
        }
    }
    rest.strip_suffix('/').unwrap_or(rest)
}

/// The name of a mentioned user, unless the label contains it.
fn mention(entity: &Entity, label: &str) -> Option<String> {
    let user = entity.user.as_ref()?;
    let is_missing = |name: &String| !label.to_lowercase().contains(&name.to_lowercase());
    let username = user.text("username").map(|name| format!("@{}", one_line(&name)));
    let name = username.or_else(|| people::full_name(user)).filter(is_missing)?;
    Some(format!(" ({name})"))
}

/// The plain text that is being written.
#[derive(Default)]
struct Page {
    written: String,
    /// The depth of nested quotes.
    quotes: usize,
}

impl Page {
    fn put(&mut self, text: &str) {
        for c in text.chars() {
            if self.quotes > 0 && self.at_line_start() {
                self.written.push_str("> ");
            }
            self.written.push(c);
        }
    }

    fn at_line_start(&self) -> bool {
        self.written.is_empty() || self.written.ends_with('\n')
    }

    fn fresh_line(&mut self) {
        if !self.at_line_start() {
            self.written.push('\n');
        }
    }

    fn open(&mut self, style: &Style) {
        match style {
            Style::Inline(marks) => self.put(&marks.before),
            Style::Fenced(language) => {
                self.fresh_line();
                self.put(&format!("```{language}\n"));
            }
            Style::Quoted => {
                self.fresh_line();
                self.quotes += 1;
            }
        }
    }

    /// Ends a style before the `rest` of the text.
    fn close(&mut self, style: &Style, rest: &str) {
        match style {
            Style::Inline(marks) => return self.put(&marks.after),
            Style::Fenced(_) => {
                self.fresh_line();
                self.put("```");
            }
            Style::Quoted => self.quotes -= 1,
        }
        if !rest.is_empty() && !rest.starts_with('\n') {
            self.fresh_line();
        }
    }
}

/// The byte offset of each UTF-16 unit of a text.
struct Units(Vec<usize>);

impl Units {
    fn new(text: &str) -> Self {
        let starts = text.char_indices().flat_map(|(at, c)| std::iter::repeat_n(at, c.len_utf16()));
        Self(starts.chain([text.len()]).collect())
    }

    /// The byte range between two units, extended to whole characters and limited to the text; `None` if it is empty.
    fn bytes(&self, start: i64, end: i64) -> Option<(usize, usize)> {
        let last = self.0.len() - 1;
        let start = usize::try_from(start).ok()?.min(last);
        let end = usize::try_from(end).ok()?.min(last);
        if start >= end {
            return None;
        }
        // An end within a character is moved behind it.
        let inside = end > 0 && end < last && self.0[end] == self.0[end - 1];
        Some((self.0[start], self.0[if inside { end + 1 } else { end }]))
    }
}

#[cfg(test)]
#[path = "entities_tests.rs"]
mod tests;
