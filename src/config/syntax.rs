//! What is wrong with a file that is not TOML, told without showing a secret.

use std::path::Path;

use crate::config::{keys, secret};

/// The problem as a sentence: where it is, what the parser says, and the line itself if it cannot hold a secret.
pub(super) fn problem(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let (number, column) = (before.matches('\n').count() + 1, before[start..].chars().count() + 1);
    let line = text[start..].lines().next().unwrap_or_default().trim();
    let message = error.message().trim().replace('\n', ", ");
    let shown = if may_be_shown(line) { line } else { "(the line is not shown, it may hold a secret)" };
    format!(
        "{}:{number}:{column}: {message}: compare with config.toml.example, where texts have quotes: {shown}",
        path.display()
    )
}

/// Whether a line can be shown: a header, or a key of ours that is no secret. Anything else may be part of a secret.
fn may_be_shown(line: &str) -> bool {
    let lower = line.to_lowercase();
    if lower.contains("token") || lower.contains("secret") || secret::resembles_secret(line) {
        return false;
    }
    match line.split_once('=') {
        Some((name, _)) => keys::KEYS.iter().any(|key| key.name == name.trim()),
        None => line.starts_with('['),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "name = \"Sales\" token = 1:abc",
            "[sources.sales] token = 1:abc",
            "sales = { TOKEN = 1:abc }",
            "name = 123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        ] {
            assert!(!may_be_shown(hidden), "{hidden}");
        }
    }
}
