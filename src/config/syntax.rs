//! Describes syntax errors of the file without showing secrets.

use std::path::Path;

use crate::config::{keys, secret};

/// The problem as a sentence: its position, the parser's message, and the line itself if it cannot contain a secret.
pub(super) fn problem(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let (number, column) = (before.matches('\n').count() + 1, before[start..].chars().count() + 1);
    let line = text[start..].lines().next().unwrap_or_default().trim();
    let shown = if may_be_shown(line) { line } else { "(the line is not shown, it may hold a secret)" };
    format!("{}:{number}:{column}: {}: {shown}", path.display(), advice(error.message(), line))
}

/// The parser's message and advice. Duplicates appear when parts of two files are put together.
fn advice(message: &str, line: &str) -> String {
    match (message.contains("duplicate key"), line.starts_with('[')) {
        (true, true) => "this section is there twice: put its keys into one section".to_owned(),
        (true, false) => "this key is there twice in its section: keep one of the two lines".to_owned(),
        (false, _) => {
            let message = message.trim().replace('\n', ", ");
            format!("{message}: compare with config.toml.example, where texts have quotes")
        }
    }
}

/// Whether a line can be shown: a header, or a known key that is no secret. Anything else may be part of a secret.
fn may_be_shown(line: &str) -> bool {
    let lower = line.to_lowercase();
    if lower.contains("token") || lower.contains("secret") || secret::resembles_secret(line) {
        return false;
    }
    match line.split_once('=') {
        Some((name, _)) => {
            let mut named = keys::KEYS.iter().filter(|key| key.name == name.trim()).peekable();
            named.peek().is_some() && named.all(|key| !key.secret)
        }
        None => line.starts_with('['),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_sections_and_keys_are_named() {
        for (text, expected) in [
            ("[kommo]\n[log]\n[kommo]\n", "x:3:1: this section is there twice: put its keys into one section: [kommo]"),
            ("[log]\nlevel = \"info\"\nlevel = \"warn\"\n", "x:3:1: this key is there twice in its section: keep one"),
            ("[log\n", "compare with config.toml.example"),
        ] {
            let error = toml::from_str::<toml::Table>(text).unwrap_err();
            let message = problem(Path::new("x"), text, &error);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_line_is_shown_if_it_cannot_hold_a_secret() {
        for shown in ["listen = 127.0.0.1:8080", "[server", "  level=info"] {
            assert!(may_be_shown(shown.trim()), "{shown}");
        }
        for hidden in [
            "token = 1:abc",
            "tokn = 1:abc",
            "1:abc\"",
            "channel_secret = f2",
            "password = open sesame",
            "url = https://hooks.example.com/T0/B0",
            "proxy = http://proxy.example.com",
            "name = \"Sales\" token = 1:abc",
            "[sources.sales] token = 1:abc",
            "sales = { TOKEN = 1:abc }",
            "name = 123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        ] {
            assert!(!may_be_shown(hidden), "{hidden}");
        }
    }
}
