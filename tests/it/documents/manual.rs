//! What the manual and the README name, held against the program.

use std::{collections::BTreeSet, ffi::OsStr, fs, path::Path};

use telekommo::{
    docs::CHAPTERS,
    domain::{address::SourceId, time::UnixMillis},
    metrics::{Expected, Form, Metrics},
    serve::HERE,
};
use toml::Table;

use super::text;
use crate::binary::process::{finished, telekommo};

/// The documents of the repository.
const OTHERS: [&str; 4] = ["README.md", ".github/CONTRIBUTING.md", ".github/CHANGELOG.md", ".github/SECURITY.md"];

/// The sections of the configuration that a name like `kommo.timeout` can begin with.
const SECTIONS: &str = "server admin telegram kommo gateway alerts log store trace media reconcile retry";

/// Every document, by its path in the repository.
fn documents() -> Vec<(String, String)> {
    let chapters = CHAPTERS.iter().map(|chapter| format!("src/docs/{}.md", chapter.name));
    let all = chapters.chain(OTHERS.map(str::to_owned));
    all.map(|path| (path.clone(), text(&path))).collect()
}

/// The languages of programs that are not ours: what such code names is nothing of ours.
const FOREIGN: [&str; 2] = ["```python", "```js"];

/// The pieces of code of a document: between backticks, and the lines of blocks.
fn code(document: &str) -> Vec<String> {
    let (mut pieces, mut within, mut is_foreign) = (Vec::new(), false, false);
    let mut prose = String::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            within = !within;
            is_foreign = FOREIGN.contains(&line.trim());
        } else if within {
            pieces.extend((!is_foreign).then(|| line.trim().to_owned()));
        } else {
            prose.push_str(line);
            prose.push(' ');
        }
    }
    pieces.extend(prose.split('`').skip(1).step_by(2).map(str::to_owned));
    pieces
}

fn all_code() -> Vec<(String, String)> {
    let of = |(path, document): (String, String)| {
        code(&document).into_iter().map(move |piece| (path.clone(), piece)).collect::<Vec<_>>()
    };
    documents().into_iter().flat_map(of).collect()
}

#[test]
fn every_chapter_is_a_file_and_stands_in_the_readme() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/docs");
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> = files.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect();
    let chapters: BTreeSet<_> = CHAPTERS.iter().map(|chapter| chapter.name.to_owned()).collect();
    assert_eq!(files, chapters);
    let readme = text("README.md");
    for chapter in CHAPTERS {
        assert!(readme.contains(&format!("(src/docs/{}.md)", chapter.name)), "the README lacks {}", chapter.name);
        assert_eq!(chapter.text, text(&format!("src/docs/{}.md", chapter.name)));
    }
    assert!(readme.lines().count() <= 150, "the README is too long to be read");
}

#[tokio::test]
async fn every_command_that_a_document_names_exists_with_its_options() {
    let mut seen = BTreeSet::new();
    for (path, piece) in all_code() {
        let Some(words) = piece.rsplit_once("telekommo ").map(|(_, words)| words) else { continue };
        let words: Vec<_> = words.split_whitespace().collect();
        let is_name = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase());
        let names: Vec<_> = words.iter().take_while(is_name).copied().collect();
        let Some((name, rest)) = names.split_first() else { continue };
        let within = ["alerts", "sources", "templates", "chats", "parked", "queue"].contains(name);
        let path_of_names = [&["help", name][..], if within { &rest[..rest.len().min(1)] } else { &[] }].concat();
        let output = finished(telekommo(&path_of_names)).await;
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{path}: `{piece}` is no command");
        // What a chapter and a command have in common is the name alone.
        let help = if CHAPTERS.iter().any(|chapter| chapter.name == *name) {
            String::from_utf8(finished(telekommo(&[&path_of_names[1..], &["--help"]].concat())).await.stdout).unwrap()
        } else {
            help
        };
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "{path}: `{piece}` has an option that the command lacks");
        }
        seen.insert(*name == "check" || *name == "parked");
    }
    assert_eq!(seen.len(), 2, "commands are not found any more");
}

/// The keys of `config.toml.example`, as `section.key`, whether they are commented out or not.
fn keys() -> BTreeSet<String> {
    let (mut keys, mut section) = (BTreeSet::new(), String::new());
    for line in text("config.toml.example").lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            section = format!("{}.", name.split('.').next().unwrap());
        } else if let Some((key, _)) = line.split_once(" = ")
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            keys.insert(format!("{section}{key}"));
        }
    }
    keys
}

#[test]
fn every_key_that_a_document_names_exists() {
    let known = keys();
    let mut named = 0;
    for (path, piece) in all_code() {
        for word in piece.split([' ', '=', '"', ',']) {
            let Some((section, key)) = word.split_once('.') else { continue };
            let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if SECTIONS.split(' ').any(|it| it == section) && is_key && !["rs", "toml", "example"].contains(&key) {
                assert!(known.contains(word), "{path}: there is no key {word}");
                named += 1;
            }
        }
        for variable in piece.split([' ', '=']).filter(|word| word.starts_with("TELEKOMMO_") && word.contains("__")) {
            let (section, key) = variable["TELEKOMMO_".len()..].split_once("__").unwrap();
            let key = key.rsplit("__").next().unwrap();
            let key = format!("{section}.{key}").to_lowercase();
            assert!(known.contains(&key), "{path}: {variable} sets no key");
            named += 1;
        }
    }
    assert!(named > 50, "only {named} keys are found");
}

/// The names of all metrics, as a reader of Prometheus sees them.
fn metrics() -> BTreeSet<String> {
    let metrics = Metrics::new();
    metrics.expect(
        &Expected {
            sources: [SourceId::parse("sales").unwrap()].into(),
            targets: ["owner".to_owned()].into(),
            programs: ["shop".to_owned()].into(),
            hooks: vec!["stored"],
            jobs: vec!["done"],
        },
        UnixMillis(0),
    );
    let text = metrics.text(Form::Prometheus);
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).map(str::to_owned).collect()
}

/// What a name is that may be one of a histogram's.
fn bare(name: &str) -> &str {
    let endings = ["_bucket", "_count", "_sum"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // A package's file is called `telekommo_*.deb`.
    let is_metric = |word: &&str| word.strip_prefix("telekommo_").is_some_and(|name| !name.is_empty());
    let found = text.split(|c| !is_of_name(c)).filter(is_metric);
    found.map(bare).collect()
}

#[test]
fn every_metric_has_a_row_and_every_metric_that_is_named_exists() {
    let known = metrics();
    assert!(known.len() >= 30, "only {known:?} are found");
    let rows = super::rows(&text("src/docs/operate.md"), "Metric");
    let described: BTreeSet<_> = rows.iter().map(|row| super::quoted(&row[0])[0].to_owned()).collect();
    assert_eq!(described, known);
    let beside = ["systemd/prometheus-rules.yml", "systemd/grafana-dashboard.json"];
    let beside = beside.map(|path| (path.to_owned(), text(path)));
    for (path, piece) in all_code().into_iter().chain(beside) {
        for name in named(&piece) {
            assert!(known.contains(name), "{path}: there is no metric {name}");
        }
    }
}

#[test]
fn the_rules_and_the_dashboard_name_what_matters() {
    let [rules, dashboard] = ["systemd/prometheus-rules.yml", "systemd/grafana-dashboard.json"].map(text);
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    for (what, text) in [("the rules", rules), ("the dashboard", dashboard.to_string())] {
        for metric in ["bot_up", "trouble", "parked_messages", "oldest_job_seconds", "failed_messages_total"] {
            assert!(named(&text).contains(format!("telekommo_{metric}").as_str()), "{what} lack {metric}");
        }
    }
}

/// The dash or the number that a line begins with, if it begins like an item of a list.
fn mark(line: &str) -> Option<&str> {
    let (mark, _) = line.trim_start().split_once(' ')?;
    (mark == "-" || number(mark).is_some()).then_some(mark)
}

fn number(mark: &str) -> Option<u32> {
    mark.strip_suffix('.').and_then(|digits| digits.parse().ok())
}

/// The lines that are taken for an item of a list, although they go on with a sentence.
fn chance_items(document: &str) -> Vec<&str> {
    let (mut found, mut next, mut before, mut is_code) = (Vec::new(), 1, "", false);
    for line in document.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let is_within = before.is_empty() || before.starts_with(' ') || mark(before).is_some();
        match mark(line).filter(|_| !is_code).map(number) {
            Some(Some(number)) if number != next || !is_within => found.push(line),
            Some(Some(_)) => next += 1,
            Some(None) if !is_within => found.push(line),
            None if before.is_empty() && !line.is_empty() && !line.starts_with(' ') => next = 1,
            Some(None) | None => {}
        }
        before = line;
    }
    found
}

#[test]
fn no_sentence_is_taken_for_an_item_of_a_list() {
    for (path, document) in documents() {
        assert_eq!(chance_items(&document), Vec::<&str>::new(), "{path}");
    }
    for (text, found) in [
        ("It answers with\n429. Then\n", 1),
        ("It answers\n- or not\n", 1),
        ("1. One\n   goes on\n2. Two\n\n   more\n\n3. Three\n", 0),
        ("1. One\n\nText\n\n1. One\n- a\n- b\n", 0),
        ("```\nx\n429. y\n```\n", 0),
    ] {
        assert_eq!(chance_items(text).len(), found, "{text}");
    }
}

/// What the program can say: its sources without their tests, with texts that go over several lines in one.
fn sayings() -> String {
    let files = crate::layers::rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let sources = files.into_iter().filter(|file| !file.to_string_lossy().contains("tests"));
    let without_tests = |file| {
        let source = fs::read_to_string(file).unwrap();
        source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
    };
    let all = sources.map(without_tests).chain([text("src/words/en.toml")]).collect::<Vec<_>>().join("\n");
    let mut pieces = all.split("\\\n");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |said, piece| said + piece.trim_start())
}

/// Operators search the log for these phrases.
#[test]
fn every_phrase_that_troubleshoot_quotes_is_one_that_the_program_says() {
    let (chapter, said) = (text("src/docs/troubleshoot.md"), sayings());
    let tables = ["A line contains", "Status", "What fails"].map(|head| super::rows(&chapter, head));
    let cells = tables.iter().flatten().map(|row| &row[0]);
    let quoted: Vec<_> = cells.flat_map(|cell| cell.split('"').skip(1).step_by(2)).collect();
    assert!(quoted.len() >= 9, "only {quoted:?} are found");
    for phrase in quoted {
        assert!(said.contains(phrase), "the program never says {phrase:?}");
    }
    for name in ["connect", "troubleshoot"] {
        let chapter = text(&format!("src/docs/{name}.md")).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(chapter.contains(HERE.trim_end()), "{name} does not say what the public listener answers");
    }
}

/// Where the links of a document lead that stay in the repository.
fn links(document: &str) -> Vec<&str> {
    let inline = document.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let defined = document.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ").map(|(_, to)| to));
    inline.chain(defined).filter(|to| !to.contains("://") && !to.starts_with('#')).collect()
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for (path, document) in documents() {
        for link in links(&document) {
            let target = here.join(&path).parent().unwrap().join(link);
            assert!(target.exists(), "{path}: {link} leads nowhere");
            found += 1;
        }
    }
    assert!(found > 30, "only {found} links are found");
    for chapter in CHAPTERS {
        for (name, to) in chapter.text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")) {
            // The crate's documentation and the program are read without the files beside the chapter.
            let modules = text("src/docs.rs");
            let leads = match to.strip_prefix("../../") {
                Some(file) => modules.contains(&format!("[{name}]: \"")) && modules.contains(&format!("/{file}\\n")),
                None => to == format!("{name}.md") && modules.contains(&format!("[{name}]: crate::docs::{name}")),
            };
            assert!(to.contains("://") || leads, "{}: [{name}]", chapter.name);
        }
    }
}

#[test]
fn every_file_that_a_document_names_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for (path, piece) in all_code() {
        let kind = Path::new(&piece).extension().and_then(OsStr::to_str);
        let is_path = kind == Some("rs") || (piece.contains('/') && kind == Some("toml"));
        if is_path && !piece.contains([' ', '<', '*']) && !piece.starts_with('/') {
            let exists = here.join(&piece).exists() || here.join("src").join(&piece).exists();
            assert!(exists, "{path}: there is no {piece}");
            found += 1;
        }
    }
    assert!(found > 20, "only {found} files are found");
}

#[test]
fn no_line_of_a_document_is_too_long() {
    let files = documents().into_iter().chain([("config.toml.example".to_owned(), text("config.toml.example"))]);
    for (path, document) in files {
        for (n, line) in (1..).zip(document.lines()) {
            // A row of a table cannot be broken, nor can an address.
            let is_whole = line.starts_with('|') || line.contains("]: http");
            assert!(is_whole || line.chars().count() <= 120, "{path}:{n} is too long");
        }
    }
}

#[test]
fn the_example_is_read_as_it_is_written() {
    let keys = keys();
    let example: Table = text("config.toml.example").parse().unwrap();
    for (section, keys_of) in example.iter().filter_map(|(name, value)| Some((name, value.as_table()?))) {
        for key in keys_of.keys().filter(|_| section != "sources") {
            assert!(keys.contains(&format!("{section}.{key}")), "{section}.{key}");
        }
    }
    assert!(keys.contains("data_dir") && keys.contains("sources.token") && !keys.contains("kommo.timeot"));
}
