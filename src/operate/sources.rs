//! `telekommo sources`, and what the start does about them: Kommo's sources in step with `[sources.*]`.
//!
//! A source that Kommo does not know is no error there: its leads go silently to the default source. So what is missing
//! is made, what differs is changed, and what Kommo has beyond that is told and left alone.

use std::fmt;

use anyhow::{Context as _, bail};

use crate::{
    config::Config,
    domain::retry::Failure,
    kommo::{
        account::{Account, RestError},
        wire::account::{KnownSource, NewSource, SourceChange},
    },
    operate::{
        identity,
        terminal::{self, table},
    },
};

/// How many sources Kommo is sure to take. Its documentation says 50 in one place and 100 in another.
const MOST: usize = 50;

/// What to do with sources.
#[derive(Clone, Debug)]
pub enum Request {
    /// Show them, those of the configuration and those of Kommo.
    List,
    /// Bring Kommo in step with the configuration.
    Sync,
    /// Delete one in Kommo.
    Remove(String),
}

/// What is to be done about one source of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Create(NewSource),
    Change(SourceChange),
    Keep,
}

/// What bringing the sources in step has done.
#[derive(Clone, Debug, Default)]
pub struct Synced {
    /// Those that were made.
    pub created: Vec<String>,
    /// Those that were changed.
    pub changed: Vec<String>,
    /// How many were in step.
    pub kept: usize,
    /// Those that Kommo refuses: until somebody mends that, their leads go to its default source.
    pub refused: Vec<(String, RestError)>,
    /// Those that are in Kommo and not in the configuration.
    pub strangers: Vec<String>,
}

impl Synced {
    /// Whether there are more than Kommo is sure to take.
    #[must_use]
    pub fn are_too_many(&self) -> bool {
        self.created.len() + self.changed.len() + self.kept + self.refused.len() + self.strangers.len() > MOST
    }
}

/// The sources as the configuration has them.
#[must_use]
pub fn wanted(config: &Config) -> Vec<NewSource> {
    let source = |(id, source): (&crate::domain::address::SourceId, &crate::config::Source)| NewSource {
        name: source.name.clone(),
        external_id: id.as_str().to_owned(),
        pipeline_id: source.pipeline_id,
        default: source.default,
        origin_code: config.kommo.origin_code.clone(),
    };
    config.sources.iter().map(source).collect()
}

/// What is to be done so that Kommo has `wanted`. What the configuration leaves open stays as it is in Kommo.
fn step(wanted: &NewSource, known: &[KnownSource]) -> Step {
    let is_it = |source: &&KnownSource| source.external_id.as_deref() == Some(&wanted.external_id);
    let Some((found, id)) = known.iter().find(is_it).and_then(|found| Some((found, found.id?))) else {
        return Step::Create(wanted.clone());
    };
    let name = Some(&wanted.name).filter(|name| found.name.as_ref() != Some(*name)).cloned();
    let pipeline_id = wanted.pipeline_id.filter(|pipeline| found.pipeline_id != Some(*pipeline));
    let default = wanted.default.filter(|default| found.default.unwrap_or_default() != *default);
    let origin_code = wanted.origin_code.clone().filter(|code| found.origin_code.as_ref() != Some(code));
    let change = SourceChange { id, name, pipeline_id, default, origin_code };
    if change == (SourceChange { id, ..SourceChange::default() }) { Step::Keep } else { Step::Change(change) }
}

fn strangers(wanted: &[NewSource], known: &[KnownSource]) -> Vec<String> {
    let ids = known.iter().filter_map(|source| source.external_id.clone());
    ids.filter(|id| !wanted.iter().any(|source| source.external_id == *id)).collect()
}

/// The sources of `wanted` that Kommo does not have, or has otherwise.
pub(super) fn behind(wanted: &[NewSource], known: &[KnownSource]) -> Vec<String> {
    let behind = wanted.iter().filter(|source| step(source, known) != Step::Keep);
    behind.map(|source| source.external_id.clone()).collect()
}

/// Brings Kommo in step with `wanted`. This can be repeated.
///
/// # Errors
/// [`RestError`] if time may heal it, or nothing can be done at all. What Kommo refuses about one source is in the
/// answer.
pub async fn sync(account: &Account, wanted: &[NewSource]) -> Result<Synced, RestError> {
    let known = account.sources().await?;
    let mut synced = Synced { strangers: strangers(wanted, &known), ..Synced::default() };
    for source in wanted {
        let id = source.external_id.clone();
        let done = match step(source, &known) {
            Step::Create(new) => account.create_source(&new).await.map(|_| synced.created.push(id.clone())),
            Step::Change(change) => account.update_source(&change).await.map(|()| synced.changed.push(id.clone())),
            Step::Keep => {
                synced.kept += 1;
                Ok(())
            }
        };
        if let Err(error) = done {
            if !Failure::from(error.clone()).is_final() {
                return Err(error);
            }
            synced.refused.push((id, error));
        }
    }
    Ok(synced)
}

/// Does what is asked, and prints what came of it.
///
/// # Errors
/// If there is no token, Kommo refuses, or there is no such source.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    let account = identity::client(&config.kommo)?
        .context("sources need the account's REST API: set kommo.account_url and kommo.access_token")?;
    let wanted = wanted(config);
    match request {
        Request::List => print!("{}", listing(&wanted, &account.sources().await?)),
        Request::Sync => {
            let synced = sync(&account, &wanted).await?;
            print!("{synced}");
            if !synced.refused.is_empty() {
                bail!("Kommo refused {} of {} sources", synced.refused.len(), wanted.len());
            }
        }
        Request::Remove(name) => {
            remove(&account, &name).await?;
            terminal::say(&format!("Source {name} was deleted in Kommo; its chats stay.\n"));
            if wanted.iter().any(|source| source.external_id == name) {
                terminal::say("It is still in the configuration: the next start creates it again.\n");
            }
        }
    }
    Ok(())
}

async fn remove(account: &Account, name: &str) -> anyhow::Result<()> {
    let known = account.sources().await?;
    let found = known.iter().find(|source| source.external_id.as_deref() == Some(name));
    let id = found.and_then(|source| source.id);
    let id = id.with_context(|| format!("Kommo has no source {name}; `telekommo sources list` shows those it has"))?;
    match account.delete_source(id).await {
        Err(error) if !error.is_not_found() => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// All sources, and how each of them stands.
fn listing(wanted: &[NewSource], known: &[KnownSource]) -> String {
    let mut rows = vec![["SOURCE", "NAME", "PIPELINE", "DEFAULT", "STATE"].map(str::to_owned)];
    let text = |found: Option<&KnownSource>, id: &str, name: &str, state: &str| {
        let pipeline = found.and_then(|source| source.pipeline_id).map_or_else(|| "-".to_owned(), |id| id.to_string());
        let default = if found.and_then(|source| source.default) == Some(true) { "yes" } else { "-" };
        [id.to_owned(), name.to_owned(), pipeline, default.to_owned(), state.to_owned()]
    };
    for source in wanted {
        let id = source.external_id.as_str();
        let found = known.iter().find(|known| known.external_id.as_deref() == Some(id));
        let state = match step(source, known) {
            Step::Create(_) => "not in Kommo",
            Step::Change(_) => "differs",
            Step::Keep => "in step",
        };
        rows.push(text(found, id, &source.name, state));
    }
    for id in strangers(wanted, known) {
        let found = known.iter().find(|known| known.external_id.as_ref() == Some(&id));
        let name = found.and_then(|source| source.name.as_deref()).unwrap_or("-");
        rows.push(text(found, &id, name, "not configured"));
    }
    let differ = rows.iter().any(|row| row[4] == "not in Kommo" || row[4] == "differs");
    let hint = if differ { "\n`telekommo sources sync` brings Kommo in step with the configuration.\n" } else { "" };
    table(&rows, 1) + hint
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in &self.created {
            writeln!(f, "{id}: created in Kommo")?;
        }
        for id in &self.changed {
            writeln!(f, "{id}: changed in Kommo")?;
        }
        for (id, error) in &self.refused {
            writeln!(f, "{id}: {error}\n  Until this is corrected, its leads go to Kommo's default source.")?;
        }
        for id in &self.strangers {
            writeln!(f, "{id}: in Kommo, but not in the configuration; left as it is")?;
        }
        if self.are_too_many() {
            writeln!(f, "There are more than {MOST} sources: Kommo may show no more than that.")?;
        }
        if self.created.is_empty() && self.changed.is_empty() && self.refused.is_empty() {
            writeln!(f, "All {} sources are in step.", self.kept)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(external_id: &str) -> NewSource {
        NewSource {
            name: format!("Line {external_id}"),
            external_id: external_id.to_owned(),
            pipeline_id: None,
            default: None,
            origin_code: None,
        }
    }

    fn known(id: u64, external_id: &str) -> KnownSource {
        KnownSource {
            id: Some(id),
            name: Some(format!("Line {external_id}")),
            pipeline_id: Some(1300),
            external_id: Some(external_id.to_owned()),
            default: Some(false),
            origin_code: None,
        }
    }

    #[test]
    fn what_the_configuration_leaves_open_stays_as_it_is() {
        let there = [KnownSource { default: Some(true), ..known(1, "sales") }];
        assert_eq!(step(&new("sales"), &there), Step::Keep);
        assert_eq!(step(&new("support"), &there), Step::Create(new("support")));
    }

    #[test]
    fn only_what_differs_is_changed() {
        let there = [known(1, "sales")];
        let nothing = SourceChange { id: 1, ..SourceChange::default() };
        let cases = [
            (
                NewSource { name: "Sales".to_owned(), ..new("sales") },
                SourceChange { name: Some("Sales".to_owned()), ..nothing.clone() },
            ),
            (
                NewSource { pipeline_id: Some(1301), ..new("sales") },
                SourceChange { pipeline_id: Some(1301), ..nothing.clone() },
            ),
            (
                NewSource { default: Some(true), ..new("sales") },
                SourceChange { default: Some(true), ..nothing.clone() },
            ),
            (
                NewSource { origin_code: Some("amo.ext.1".to_owned()), ..new("sales") },
                SourceChange { origin_code: Some("amo.ext.1".to_owned()), ..nothing },
            ),
        ];
        for (wanted, change) in cases {
            assert_eq!(step(&wanted, &there), Step::Change(change));
        }
    }

    #[test]
    fn the_list_tells_how_each_source_stands() {
        let renamed = NewSource { name: "Support".to_owned(), ..new("support") };
        let wanted = [new("sales"), renamed, new("new")];
        let there = [KnownSource { default: Some(true), ..known(1, "sales") }, known(2, "support"), known(3, "old")];
        let want = "SOURCE   NAME        PIPELINE  DEFAULT  STATE
sales    Line sales  1300      yes      in step
support  Support     1300      -        differs
new      Line new    -         -        not in Kommo
old      Line old    1300      -        not configured

`telekommo sources sync` brings Kommo in step with the configuration.
";
        assert_eq!(listing(&wanted, &there), want);
    }

    #[test]
    fn more_than_fifty_are_told() {
        assert!(!Synced { kept: 50, ..Synced::default() }.are_too_many());
        assert!(Synced { kept: 50, strangers: vec!["old".to_owned()], ..Synced::default() }.are_too_many());
    }
}
