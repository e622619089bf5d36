//! Reading Rust just well enough to tell which paths a file names.

use std::collections::BTreeMap;

/// A source file, or as much of one as is no test.
pub(crate) struct Source {
    /// Below `src/`, with slashes: `intake/hook.rs`.
    pub(crate) file: String,
    /// All of its text.
    pub(crate) text: String,
    /// Its words and marks, without comments, literals and what stands behind `#[cfg(test)]`.
    pub(crate) tokens: Vec<String>,
}

impl Source {
    /// Reads a text as the file of that name.
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let tokens = without_tests(&tokens(text));
        Self { file: file.to_owned(), text: text.to_owned(), tokens }
    }

    /// The module that the file is: `intake::hook`; empty for `lib.rs`.
    pub(crate) fn module(&self) -> String {
        let path = self.file.trim_end_matches(".rs").replace('/', "::");
        if path == "lib" { String::new() } else { path }
    }

    /// Whether the file is the room, or in it.
    pub(crate) fn is_in(&self, room: &str) -> bool {
        within(&self.module(), room)
    }

    /// Every path that the file names, from the crate's root on without `crate`, or beginning with another crate's
    /// name.
    pub(crate) fn paths(&self) -> Vec<String> {
        let uses = self.uses();
        let names: BTreeMap<_, _> = uses.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
        let inline = self.inline().into_iter().map(|path| {
            let (first, rest) = path.split_once("::").unwrap_or((&path, ""));
            names.get(first).map_or_else(|| self.absolute(&path), |full| format!("{full}::{rest}"))
        });
        uses.iter().map(|(_, path)| path.clone()).chain(inline).collect()
    }

    /// What `use` brings in: the name, and the path behind it.
    fn uses(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (at, _) in self.tokens.iter().enumerate().filter(|(_, token)| *token == "use") {
            let end = self.tokens[at..].iter().position(|token| token == ";").map_or(self.tokens.len(), |len| at + len);
            let mut tree = Vec::new();
            expand(&mut self.tokens[at + 1..end].iter(), "", &mut tree);
            found.extend(tree.into_iter().map(|(name, path)| (name, self.absolute(&path))));
        }
        found
    }

    /// Paths of two and more segments outside `use`.
    fn inline(&self) -> Vec<String> {
        let (mut found, mut path, mut in_use) = (Vec::new(), String::new(), false);
        for pair in self.tokens.windows(2) {
            let (token, next) = (&pair[0], &pair[1]);
            in_use = token == "use" || in_use && token != ";";
            if token == "::" || is_word(token) && (next == "::" || path.ends_with("::")) {
                path.push_str(token);
            }
            if next != "::" && token != "::" && !path.is_empty() {
                let path = std::mem::take(&mut path);
                found.extend((!in_use && path.contains("::")).then(|| path.trim_end_matches("::").to_owned()));
            }
        }
        found
    }

    fn absolute(&self, path: &str) -> String {
        let module = self.module();
        let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let joined = |base: &str, rest: &str| if base.is_empty() { rest.to_owned() } else { format!("{base}::{rest}") };
        match path.split_once("::") {
            Some(("crate" | "telekommo", rest)) => rest.to_owned(),
            Some(("self", rest)) => joined(&module, rest),
            Some(("super", rest)) => joined(parent, rest),
            _ => path.to_owned(),
        }
    }
}

/// Whether `path` is `room` or something in it.
pub(crate) fn within(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The leaves of a use tree, each with the name that it gets.
fn expand<'t>(tokens: &mut impl Iterator<Item = &'t String>, base: &str, found: &mut Vec<(String, String)>) {
    let (mut path, mut name, mut renamed) = (base.to_owned(), String::new(), false);
    let mut leaf = |path: &str, name: &str| {
        if path != base && !path.ends_with("::") {
            let path = path.trim_end_matches("::self");
            let name = if name == "self" { path.rsplit("::").next().unwrap_or_default() } else { name };
            found.push((name.to_owned(), path.to_owned()));
        }
    };
    while let Some(token) = tokens.next() {
        match token.as_str() {
            "{" => {
                let mut inner = Vec::new();
                expand(tokens, &path, &mut inner);
                for (name, path) in &inner {
                    leaf(path, name);
                }
                base.clone_into(&mut path);
            }
            "," | "}" => {
                leaf(&path, &name);
                (path, renamed) = (base.to_owned(), false);
                if token == "}" {
                    return;
                }
            }
            "as" => renamed = true,
            word => {
                word.clone_into(&mut name);
                if !renamed {
                    path.push_str(word);
                }
            }
        }
    }
    leaf(&path, &name);
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Words, `::`, and single marks. Comments and literals are left out.
fn tokens(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(len) = literal(rest) {
            len
        } else if word > 0 {
            found.push(rest[..word].to_owned());
            word
        } else {
            let len = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            found.extend((!first.is_whitespace()).then(|| rest[..len].to_owned()));
            len
        };
        rest = &rest[skipped..];
    }
    found
}

/// How long the string or character is that the text begins with, if it does.
fn literal(text: &str) -> Option<usize> {
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r')).unwrap_or(text);
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    if raw.len() < text.len() && raw[hashes..].starts_with('"') {
        let (open, close) = (text.len() - raw.len() + hashes + 1, format!("\"{}", "#".repeat(hashes)));
        return Some(text[open..].find(&close).map_or(text.len(), |at| open + at + close.len()));
    }
    let quote = text.chars().next().filter(|c| *c == '"' || *c == '\'')?;
    if quote == '\'' && !text.starts_with("'\\") && text.chars().nth(2) != Some('\'') {
        return None;
    }
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    Some(end.map_or(text.len(), |(at, _)| at + 1))
}

/// Leaves out every item that has `#[cfg(test)]` before it.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const TEST_ONLY: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut rest) = (Vec::new(), tokens);
    while let [first, others @ ..] = rest {
        if rest.iter().take(TEST_ONLY.len()).eq(TEST_ONLY.iter()) {
            rest = &rest[item(rest)..];
        } else {
            kept.push(first.clone());
            rest = others;
        }
    }
    kept
}

/// How many tokens the item takes that the tokens begin with: to its semicolon, or to the end of its block.
fn item(tokens: &[String]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => return at + 1,
            "}" => depth = depth.saturating_sub(1),
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[test]
fn names_every_path_however_it_is_written() {
    let text = r##"
        //! use crate::comment::X;
        use crate::{a::{self, b}, c as d, e::*};
        use super::neighbour::Y;
        #[cfg(test)]
        #[path = "x.rs"]
        mod tests;
        fn f<'a>(x: &'a str) -> char { a::inside(); d::inside(); crate::g::h("crate::literal", r#"a"::b"#); '"' }
        fn g() { store::x('\'') }
        #[cfg(test)]
        mod more { use crate::hidden::Z; fn f() { {} } }
        use axum::Router;
    "##;
    let paths = Source::new("kommo/hook.rs", text).paths();
    let expected =
        ["a", "a::b", "c", "e::*", "kommo::neighbour::Y", "axum::Router", "a::inside", "c::inside", "g::h", "store::x"];
    assert_eq!(paths, expected);
}
