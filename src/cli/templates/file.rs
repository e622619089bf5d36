//! The file with the templates: read, and checked as a whole.

use std::{collections::BTreeMap, fmt};

use reqwest::Url;
use serde::Deserialize;
use toml::Spanned;

use crate::kommo::wire::account::Template;

/// A template as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its `external_id`.
    pub(super) id: String,
    /// What managers see in the list.
    pub(super) name: String,
    pub(super) content: String,
    /// Whether managers may change the text.
    pub(super) editable: bool,
    /// Labels, and addresses: all buttons have one, or none has.
    pub(super) buttons: Vec<(String, Option<String>)>,
}

impl Wanted {
    /// Whether Kommo's template is this one.
    pub(super) fn is(&self, known: &Template) -> bool {
        known.external_id.as_ref() == Some(&self.id)
    }
}

/// What is wrong with the file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    line: usize,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    template: Vec<Spanned<Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    name: Spanned<String>,
    content: Spanned<String>,
    #[serde(default)]
    editable: bool,
    #[serde(default)]
    buttons: Vec<Spanned<Button>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a button is \"a label\", or { text = \"a label\", url = \"https://…\" }")]
enum Button {
    Said(String),
    Linked(Link),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    text: String,
    url: String,
}

/// Reads the file's text.
///
/// # Errors
/// All that is wrong with it; of a file that is not TOML, or has unknown keys, the first of that.
pub(super) fn parse(text: &str) -> Result<Vec<Wanted>, Vec<Problem>> {
    let file: File = toml::from_str(text).map_err(|error| vec![unreadable(text, &error)])?;
    let mut check = Check { text, problems: Vec::new(), ids: BTreeMap::new() };
    if file.template.is_empty() {
        check.note(0, "there is no [[template]] in it".to_owned());
    }
    let wanted = file.template.into_iter().map(|written| check.template(written.into_inner())).collect();
    if check.problems.is_empty() { Ok(wanted) } else { Err(check.problems) }
}

/// The line of a byte, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// What the parser says, with the key in whose line it is.
fn unreadable(text: &str, error: &toml::de::Error) -> Problem {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let key = written.split_once('=').map(|(key, _)| key.trim()).filter(|key| !key.is_empty());
    let key = key.map(|key| format!("{key}: ")).unwrap_or_default();
    Problem { line, what: format!("{key}{}", error.message().trim().replace('\n', ", ")) }
}

struct Check<'t> {
    text: &'t str,
    problems: Vec<Problem>,
    /// In which line each id stands.
    ids: BTreeMap<String, usize>,
}

impl Check<'_> {
    fn note(&mut self, at: usize, what: String) {
        self.problems.push(Problem { line: line_of(self.text, at), what });
    }

    fn template(&mut self, written: Written) -> Wanted {
        let id = self.filled("id", &written.id);
        let line = line_of(self.text, written.id.span().start);
        if let Some(first) = self.ids.insert(id.clone(), line) {
            self.note(
                written.id.span().start,
                format!("id: \"{id}\" is taken by line {first}: each template needs its own"),
            );
        }
        Wanted {
            name: self.filled("name", &written.name),
            content: self.filled("content", &written.content),
            editable: written.editable,
            buttons: self.buttons(written.buttons),
            id,
        }
    }

    fn filled(&mut self, key: &str, value: &Spanned<String>) -> String {
        if value.get_ref().trim().is_empty() {
            self.note(value.span().start, format!("{key}: is blank: write a text"));
        }
        value.get_ref().clone()
    }

    fn buttons(&mut self, buttons: Vec<Spanned<Button>>) -> Vec<(String, Option<String>)> {
        let mut read: Vec<(String, Option<String>)> = Vec::new();
        for button in buttons {
            let at = button.span().start;
            let (text, url) = match button.into_inner() {
                Button::Said(text) => (text, None),
                Button::Linked(Link { text, url }) => (text, Some(url)),
            };
            if text.trim().is_empty() {
                self.note(at, "buttons: a button has no label".to_owned());
            }
            if let Some(url) = &url
                && !is_address(url)
            {
                self.note(at, format!("buttons: \"{url}\" is no address: write one such as \"https://example.com\""));
            }
            if read.first().is_some_and(|(_, first)| first.is_some() != url.is_some()) {
                self.note(
                    at,
                    "buttons: Kommo takes either buttons with an address or buttons without, not both".to_owned(),
                );
            }
            read.push((text, url));
        }
        read
    }
}

fn is_address(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_as_it_is_written() {
        let text = "[[template]]\nid = \"a\"\nname = \"A\"\ncontent = \
            \"\"\"\nHello,\n{{contact.name}}!\"\"\"\neditable = true\nbuttons = [\"Yes\", \"No\"]\n[[template]]\nid = \
            \"b\"\nname = \"B\"\ncontent = \"See\"\nbuttons = [{ text = \"Open\", url = \"https://example.com\" }]\n";
        let read = parse(text).unwrap();
        assert_eq!((read[0].content.as_str(), read[0].editable), ("Hello,\n{{contact.name}}!", true));
        assert_eq!(read[0].buttons, [("Yes".to_owned(), None), ("No".to_owned(), None)]);
        assert_eq!(read[1].buttons, [("Open".to_owned(), Some("https://example.com".to_owned()))]);
        assert!(!read[1].editable);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_key() {
        let template = |lines: &str| format!("# templates\n[[template]]\nid = \"a\"\nname = \"A\"\n{lines}\n");
        let cases = [
            (String::new(), 1, "no [[template]]"),
            (template("content = 5"), 5, "content: invalid type"),
            (template("contnet = \"x\""), 5, "contnet: unknown field"),
            (template(""), 2, "missing field `content`"),
            (template("content = \" \""), 5, "content: is blank"),
            (template("content = \"x"), 5, "content: "),
            (template("content = \"x\"\nbuttons = [1]"), 6, "buttons: a button is \"a label\""),
            (template("content = \"x\"\nbuttons = [\"\"]"), 6, "buttons: a button has no label"),
            (template("content = \"x\"\nbuttons = [{ text = \"x\", url = \"example.com\" }]"), 6, "no address"),
            (
                template("content = \"x\"\nbuttons = [\n\"x\",\n{ text = \"x\", url = \"https://example.com\" }]"),
                8,
                "not both",
            ),
        ];
        for (text, line, says) in cases {
            let problems = parse(&text).unwrap_err();
            let message = problems[0].to_string();
            assert!(message.starts_with(&format!("{line}: ")) && message.contains(says), "{says}: {message}\n{text}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let one = "[[template]]\nid = \"a\"\nname = \"\"\ncontent = \"\"\n";
        let problems = parse(&one.repeat(2)).unwrap_err();
        assert_eq!(problems.iter().map(|it| it.line).collect::<Vec<_>>(), [3, 4, 6, 7, 8]);
    }
}
