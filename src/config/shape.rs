//! Compares a file with the table of keys, and converts every value to a text. After this, values of the file look like
//! those of the environment. A number becomes a text, so a secret of digits alone works.

use std::path::Path;

use figment::value::{Dict, Value as Text};
use toml::{Table, Value};

use crate::config::{
    error::{Problems, Reported},
    keys::{self, Key, TABLES},
};

/// The texts of `table` by section and key. Unknown keys are reported.
pub(super) fn texts(table: Table, file: &Path, problems: &Problems) -> Dict {
    Walk { file, problems }.top(table)
}

struct Walk<'a> {
    file: &'a Path,
    problems: &'a Problems,
}

impl Walk<'_> {
    fn top(&self, table: Table) -> Dict {
        let entries = table.into_iter().filter_map(|(name, value)| {
            let is_section = keys::sections().any(|section| section == name);
            let text = match value {
                Value::Table(table) if keys::has_tables(&name) => Ok(self.tables(&name, table).into()),
                Value::Table(table) if is_section => Ok(self.section(&[&name], table).into()),
                Value::Table(_) => Err(self.unknown_section(&name)),
                _ if is_section => Err(self.report(&format!("{name} is a section: write [{name}] and its keys below"))),
                value => self.value(&[&name], value),
            };
            Some((name, text.ok()?))
        });
        entries.collect()
    }

    fn tables(&self, section: &str, table: Table) -> Dict {
        let each = TABLES.iter().find(|(name, _)| *name == section).map_or("name", |(_, each)| each);
        let entries = table.into_iter().filter_map(|(name, value)| {
            let path = [section, &name];
            let Value::Table(table) = value else {
                self.report(&format!("{} is not a section: write a section per {each}", keys::dotted(&path)));
                return None;
            };
            let inner = self.section(&path, table);
            Some((name, inner.into()))
        });
        entries.collect()
    }

    fn section(&self, path: &[&str], table: Table) -> Dict {
        let entries = table.into_iter().filter_map(|(name, value)| {
            let path = [path, &[&name]].concat();
            let text = match value {
                Value::Table(table) if keys::is_section(&path) => self.section(&path, table).into(),
                _ if keys::is_section(&path) => {
                    let section = keys::dotted(&path);
                    self.report(&format!("{section} is a section: write [{section}] and its keys below"));
                    return None;
                }
                value => self.value(&path, value).ok()?,
            };
            Some((name, text))
        });
        entries.collect()
    }

    fn value(&self, path: &[&str], value: Value) -> Result<Text, Reported> {
        let key = keys::find(path).ok_or_else(|| self.unknown_key(path))?;
        let text = text(key, value).map_err(|wrong| self.report(&format!("{} {wrong}", keys::dotted(path))))?;
        Ok(Text::from(text))
    }

    fn unknown_section(&self, name: &str) -> Reported {
        let remedy = keys::nearest(name, keys::sections()).map_or_else(
            || format!("the sections are {}", keys::sections().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean [{near}]?"),
        );
        self.report(&format!("unknown section [{}]: {remedy}", keys::dotted(&[name])))
    }

    fn unknown_key(&self, path: &[&str]) -> Reported {
        let remedy = match path {
            [section @ .., name] => remedy(section, name),
            [] => String::new(),
        };
        self.report(&format!("unknown key {}: {remedy}", keys::dotted(path)))
    }

    fn report(&self, problem: &str) -> Reported {
        self.problems.report(format!("{}: {problem}", self.file.display()))
    }
}

/// One value as a text; lists are joined with commas. An error is the end of a sentence, and never quotes the value.
fn text(key: &Key, value: Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(flag) => Ok(flag.to_string()),
        Value::Datetime(instant) => Ok(instant.to_string()),
        Value::Array(values) if key.list && !values.iter().any(is_nested) => {
            Ok(values.into_iter().map(|value| text(key, value)).collect::<Result<Vec<_>, _>>()?.join(", "))
        }
        Value::Array(_) if key.list => Err("is a list of lists: write single values between the brackets"),
        Value::Array(_) => Err("is a list: write one value"),
        Value::Table(_) => Err("is a table: write one value"),
    }
}

fn is_nested(value: &Value) -> bool {
    value.is_array() || value.is_table()
}

/// The advice about an unknown key: the key that was probably meant, or its proper section, or all keys.
fn remedy(section: &[&str], name: &str) -> String {
    // All tables of a section have the same keys.
    let whole = if keys::is_section(section) {
        section.join(".")
    } else {
        section.first().copied().unwrap_or_default().to_owned()
    };
    let own = || keys::of_section(&whole).map(|key| key.name);
    if let Some(near) = keys::nearest(name, own()) {
        return format!("did you mean {}?", keys::dotted(&[section, &[near]].concat()));
    }
    if let Some(key) = keys::KEYS.iter().find(|key| key.name == name) {
        return format!("it belongs under {}", key.header());
    }
    let all = own().collect::<Vec<_>>().join(", ");
    match section {
        [] => format!("the only key outside of a section is {all}"),
        [..] => format!("the keys of [{}] are {all}", keys::dotted(section)),
    }
}
