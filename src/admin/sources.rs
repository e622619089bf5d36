//! Kommo's sources in sync with `[sources.*]`.
//!
//! A source that Kommo does not know is no error there: its leads go silently to the default source. So what is missing
//! is made, what differs is changed, and what Kommo has beyond that is told and left alone.

use crate::{
    config::{Config, Source},
    domain::{address::SourceId, retry::Failure},
    kommo::{
        account::{Account, RestError},
        wire::account::{KnownSource, NewSource, SourceChange},
    },
};

/// How many sources Kommo is sure to take. Its documentation says 50 in one place and 100 in another.
pub(crate) const MOST: usize = 50;

/// What is to be done about one source of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Create(NewSource),
    Change(SourceChange),
    Keep,
}

/// What bringing the sources in sync has done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Synced {
    /// Those that were made.
    pub(crate) created: Vec<String>,
    /// Those that were changed.
    pub(crate) changed: Vec<String>,
    /// How many were in sync.
    pub(crate) kept: usize,
    /// Those that Kommo refuses: until somebody mends that, their leads go to its default source.
    pub(crate) refused: Vec<(String, RestError)>,
    /// Those that are in Kommo and not in the configuration.
    pub(crate) strangers: Vec<String>,
}

impl Synced {
    /// Whether there are more than Kommo is sure to take.
    pub(crate) fn are_too_many(&self) -> bool {
        self.created.len() + self.changed.len() + self.kept + self.refused.len() + self.strangers.len() > MOST
    }
}

/// The sources as the configuration has them.
pub(crate) fn wanted(config: &Config) -> Vec<NewSource> {
    let source = |(id, source): (&SourceId, &Source)| NewSource {
        name: source.name.clone(),
        external_id: id.as_str().to_owned(),
        pipeline_id: source.pipeline_id,
        default: source.default,
        origin_code: config.kommo.origin_code.clone(),
    };
    config.sources.iter().map(source).collect()
}

/// What is to be done so that Kommo has `wanted`. What the configuration leaves open stays as it is in Kommo.
pub(crate) fn step(wanted: &NewSource, known: &[KnownSource]) -> Step {
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

pub(crate) fn strangers(wanted: &[NewSource], known: &[KnownSource]) -> Vec<String> {
    let ids = known.iter().filter_map(|source| source.external_id.clone());
    ids.filter(|id| !wanted.iter().any(|source| source.external_id == *id)).collect()
}

/// The sources of `wanted` that Kommo does not have, or has otherwise.
pub(crate) fn behind(wanted: &[NewSource], known: &[KnownSource]) -> Vec<String> {
    let behind = wanted.iter().filter(|source| step(source, known) != Step::Keep);
    behind.map(|source| source.external_id.clone()).collect()
}

/// Brings Kommo in sync with `wanted`. This can be repeated.
///
/// # Errors
/// [`RestError`] if time may heal it, or nothing can be done at all. What Kommo refuses about one source is in the
/// answer.
pub(crate) async fn sync(account: &Account, wanted: &[NewSource]) -> Result<Synced, RestError> {
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
    fn more_than_fifty_are_told() {
        assert!(!Synced { kept: 50, ..Synced::default() }.are_too_many());
        assert!(Synced { kept: 50, strangers: vec!["old".to_owned()], ..Synced::default() }.are_too_many());
    }
}
