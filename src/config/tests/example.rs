//! The example is the manual: it is loaded, and held against the table of keys.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::*;
use crate::config::keys::{self, FILE};

const EXAMPLE: &str = include_str!("../../../config.toml.example");

/// The example with all its keys, those that it shows as comments included.
fn shown(example: &str) -> impl Iterator<Item = &str> {
    example.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => key,
        _ => line,
    })
}

fn shown_keys() -> Table {
    toml::from_str(&shown(EXAMPLE).collect::<Vec<_>>().join("\n")).expect("the example with its keys uncommented")
}

fn value<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (name, sections) = path.split_last()?;
    sections.iter().try_fold(table, |table, section| table.get(*section)?.as_table())?.get(*name)
}

/// The keys of a table and of those within it, each by its section and its name.
fn shown_in(section: &str, table: &Table) -> BTreeSet<(String, String)> {
    let mut shown = BTreeSet::new();
    for (name, value) in table {
        match value.as_table() {
            Some(below) if section.is_empty() => shown.extend(shown_in(name, below)),
            Some(below) => shown.extend(shown_in(section, below)),
            None => _ = shown.insert((section.to_owned(), name.clone())),
        }
    }
    shown
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The path of a key, with the name that the example gives to a table of its kind.
fn example_path(key: &'static keys::Key) -> Vec<&'static str> {
    key.path(match key.section {
        "programs" => "shop",
        "campaigns" => "summer",
        "phone_texts" => "en",
        "alert_targets" => match key.name {
            "url" | "url_file" => "office",
            "host" | "port" | "tls" | "user" | "password" | "password_file" | "from" | "to" => "mail",
            _ => "owner",
        },
        _ => "sales",
    })
}

#[test]
fn the_example_loads_as_it_is() {
    let config = load(EXAMPLE, &[]);
    assert_eq!(config.sources.len(), 1);
}

#[test]
fn the_example_loads_with_every_key_that_it_shows() {
    let is_file = |line: &str| line.split_once(" = ").is_some_and(|(key, _)| key.ends_with(FILE));
    // A bot of its own is in the place of the source's.
    let (before, targets) = EXAMPLE.split_once("#[alert_targets.owner]").unwrap();
    let targets = format!("#[alert_targets.owner]{}", targets.replacen("#source = \"sales\"\n", "", 1));
    let text = format!("{before}{targets}");
    // A certificate by ACME is in the place of one in files.
    let is_pair = |line: &str| ["certificate = ", "key = "].iter().any(|name| line.starts_with(name));
    let lines: Vec<_> = shown(&text).filter(|line| !is_file(line) && !is_pair(line)).collect();
    let config = load(&lines.join("\n"), &[]);
    assert!(matches!(&config.server.tls, Some(ServerTls::Acme(acme)) if acme.email.is_some()));
    assert_eq!(config.alerts.targets.keys().collect::<Vec<_>>(), ["mail", "office", "owner", "phone"]);
    assert!(config.alerts.heartbeat.is_some());
    assert_eq!(config.programs["shop"].hide.len(), 2);
    assert_eq!(config.kommo.account_url.unwrap().as_str(), "https://example.kommo.com");
    assert!(config.kommo.access_token.is_some() && config.kommo.bot_id.is_some());
}

#[test]
fn the_example_shows_every_key_and_no_other() {
    let table = shown_keys();
    for key in KEYS {
        let path = example_path(key);
        assert!(value(&table, &path).is_some(), "config.toml.example does not show {}", keys::dotted(&path));
    }
    assert_eq!(shown_in("", &table).len(), KEYS.len());
}

#[test]
fn the_example_shows_the_defaults_that_hold() {
    let table = shown_keys();
    let defaults: Vec<_> = KEYS.iter().filter_map(|key| Some((example_path(key), key.default?))).collect();
    assert!(!defaults.is_empty());
    for (path, default) in defaults {
        assert_eq!(value(&table, &path).map(text).as_deref(), Some(default), "{}", keys::dotted(&path));
    }
}

#[test]
fn what_has_a_default_or_need_not_be_written_is_a_comment() {
    let written: Table = toml::from_str(EXAMPLE).unwrap();
    let active: Vec<_> = KEYS
        .iter()
        .map(example_path)
        .filter(|path| value(&written, path).is_some())
        .map(|path| keys::dotted(&path))
        .collect();
    let required = [
        "server.public_url",
        "kommo.channel_id",
        "kommo.channel_secret",
        "kommo.account_id",
        "sources.sales.token",
        "sources.sales.name",
    ];
    assert_eq!(active, required);
}
