//! Keeps Kommo's sources in sync with `[sources.*]`. A source that Kommo does not know is no error there: its leads go
//! silently to the default source. So missing sources are created, different ones changed, and further ones in Kommo
//! reported and left alone.

use crate::{
    config::{Config, Source},
    domain::{address::SourceId, retry::Failure},
    kommo::{
        account::{Account, RestError},
        wire::account::{KnownSource, NewSource, SourceChange},
    },
};

/// How many sources Kommo surely takes. Its documentation says 50 in one place and 100 in another.
pub(crate) const MOST: usize = 50;

/// What to do about one source of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Create(NewSource),
    Change(SourceChange),
    Keep,
}

/// The result of a synchronisation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Synced {
    /// Ids of created sources.
    pub(crate) created: Vec<String>,
    /// Ids of changed sources.
    pub(crate) changed: Vec<String>,
    /// How many were in sync already.
    pub(crate) kept: usize,
    /// Sources that Kommo refuses: until a person mends that, their leads go to the default source.
    pub(crate) refused: Vec<(String, RestError)>,
    /// Sources in Kommo that are not in the configuration.
    pub(crate) strangers: Vec<String>,
}

impl Synced {
    /// Whether there are more than Kommo surely takes.
    pub(crate) fn are_too_many(&self) -> bool {
        self.created.len() + self.changed.len() + self.kept + self.refused.len() + self.strangers.len() > MOST
    }
}

/// The sources as the configuration has them.
pub(crate) fn configured(config: &Config) -> Vec<NewSource> {
    let source = |(id, source): (&SourceId, &Source)| NewSource {
        name: source.name.clone(),
        external_id: id.as_str().to_owned(),
        pipeline_id: source.pipeline_id,
        default: source.default,
        origin_code: config.kommo.origin_code.clone(),
    };
    config.sources.iter().map(source).collect()
}

/// What brings `configured` in sync. What the configuration leaves open stays as it is in Kommo.
pub(crate) fn step(configured: &NewSource, known: &[KnownSource]) -> Step {
    let is_it = |source: &&KnownSource| source.external_id.as_deref() == Some(&configured.external_id);
    let Some((found, id)) = known.iter().find(is_it).and_then(|found| Some((found, found.id?))) else {
        return Step::Create(configured.clone());
    };
    let name = Some(&configured.name).filter(|name| found.name.as_ref() != Some(*name)).cloned();
    let pipeline_id = configured.pipeline_id.filter(|pipeline| found.pipeline_id != Some(*pipeline));
    let default = configured.default.filter(|default| found.default.unwrap_or_default() != *default);
    let origin_code = configured.origin_code.clone().filter(|code| found.origin_code.as_ref() != Some(code));
    let change = SourceChange { id, name, pipeline_id, default, origin_code };
    if change == (SourceChange { id, ..SourceChange::default() }) { Step::Keep } else { Step::Change(change) }
}

pub(crate) fn strangers(configured: &[NewSource], known: &[KnownSource]) -> Vec<String> {
    let ids = known.iter().filter_map(|source| source.external_id.clone());
    ids.filter(|id| !configured.iter().any(|source| source.external_id == *id)).collect()
}

/// The sources of `configured` that Kommo lacks, or that differ there.
pub(crate) fn behind(configured: &[NewSource], known: &[KnownSource]) -> Vec<String> {
    let behind = configured.iter().filter(|source| step(source, known) != Step::Keep);
    behind.map(|source| source.external_id.clone()).collect()
}

/// Brings Kommo in sync with `configured`. Idempotent.
///
/// # Errors
/// [`RestError`] if the failure may pass, or concerns all sources. A source that Kommo refuses is in the result.
pub(crate) async fn sync(account: &Account, configured: &[NewSource]) -> Result<Synced, RestError> {
    let known = account.sources().await?;
    let mut synced = Synced { strangers: strangers(configured, &known), ..Synced::default() };
    for source in configured {
        let id = source.external_id.clone();
        let result = match step(source, &known) {
            Step::Create(new) => account.create_source(&new).await.map(|_| synced.created.push(id.clone())),
            Step::Change(change) => account.update_source(&change).await.map(|()| synced.changed.push(id.clone())),
            Step::Keep => {
                synced.kept += 1;
                Ok(())
            }
        };
        if let Err(error) = result {
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
        let existing = [KnownSource { default: Some(true), ..known(1, "sales") }];
        assert_eq!(step(&new("sales"), &existing), Step::Keep);
        assert_eq!(step(&new("support"), &existing), Step::Create(new("support")));
    }

    #[test]
    fn only_what_differs_is_changed() {
        let existing = [known(1, "sales")];
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
        for (configured, change) in cases {
            assert_eq!(step(&configured, &existing), Step::Change(change));
        }
    }

    #[test]
    fn more_than_fifty_are_too_many() {
        assert!(!Synced { kept: 50, ..Synced::default() }.are_too_many());
        assert!(Synced { kept: 50, strangers: vec!["old".to_owned()], ..Synced::default() }.are_too_many());
    }
}
