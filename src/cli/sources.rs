//! `telekommo sources`: Kommo's sources and `[sources.*]`, compared and brought in sync.

use std::fmt;

use anyhow::{Context as _, bail};
use clap::Subcommand;

use crate::{
    admin::{
        identity,
        sources::{self, MOST, Step, Synced, step, strangers, sync},
    },
    cli::terminal::{self, table},
    config::Config,
    kommo::{
        account::Account,
        wire::account::{KnownSource, NewSource},
    },
};

/// What to do with sources.
#[derive(Clone, Debug, Subcommand)]
pub enum Request {
    /// List the sources, and how they differ from the configuration.
    List,
    /// Create and change the sources that differ from the configuration; delete none.
    Sync,
    /// Delete a source in Kommo.
    Remove {
        /// The name of its section in the configuration.
        name: String,
    },
}

/// Does what is asked, and prints what came of it.
///
/// # Errors
/// If there is no token, Kommo refuses, or there is no such source.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    let account = identity::client(&config.kommo)?
        .context("sources need the account's REST API: set kommo.account_url and kommo.access_token")?;
    let configured = sources::configured(config);
    match request {
        Request::List => terminal::print(listing(&configured, &account.sources().await?)),
        Request::Sync => {
            let synced = sync(&account, &configured).await?;
            terminal::print(&synced);
            if !synced.refused.is_empty() {
                bail!("Kommo refused {} of {} sources", synced.refused.len(), configured.len());
            }
        }
        Request::Remove { name } => {
            remove(&account, &name).await?;
            terminal::say(&format!("Source {name} was deleted in Kommo; its chats stay.\n"));
            if configured.iter().any(|source| source.external_id == name) {
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
fn listing(configured: &[NewSource], known: &[KnownSource]) -> String {
    let mut rows = vec![["SOURCE", "NAME", "PIPELINE", "DEFAULT", "STATE"].map(str::to_owned)];
    let text = |found: Option<&KnownSource>, id: &str, name: &str, state: &str| {
        let pipeline = found.and_then(|source| source.pipeline_id).map_or_else(|| "-".to_owned(), |id| id.to_string());
        let default = if found.and_then(|source| source.default) == Some(true) { "yes" } else { "-" };
        [id.to_owned(), name.to_owned(), pipeline, default.to_owned(), state.to_owned()]
    };
    for source in configured {
        let id = source.external_id.as_str();
        let found = known.iter().find(|known| known.external_id.as_deref() == Some(id));
        let state = match step(source, known) {
            Step::Create(_) => "not in Kommo",
            Step::Change(_) => "differs",
            Step::Keep => "in sync",
        };
        rows.push(text(found, id, &source.name, state));
    }
    for id in strangers(configured, known) {
        let found = known.iter().find(|known| known.external_id.as_ref() == Some(&id));
        let name = found.and_then(|source| source.name.as_deref()).unwrap_or("-");
        rows.push(text(found, &id, name, "not configured"));
    }
    let differ = rows.iter().any(|row| row[4] == "not in Kommo" || row[4] == "differs");
    let hint = if differ { "\n`telekommo sources sync` makes Kommo like the configuration.\n" } else { "" };
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
            writeln!(f, "All {} sources are in sync.", self.kept)?;
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
    fn the_list_tells_how_each_source_stands() {
        let renamed = NewSource { name: "Support".to_owned(), ..new("support") };
        let configured = [new("sales"), renamed, new("new")];
        let there = [KnownSource { default: Some(true), ..known(1, "sales") }, known(2, "support"), known(3, "old")];
        let want = "SOURCE   NAME        PIPELINE  DEFAULT  STATE
sales    Line sales  1300      yes      in sync
support  Support     1300      -        differs
new      Line new    -         -        not in Kommo
old      Line old    1300      -        not configured

`telekommo sources sync` makes Kommo like the configuration.
";
        assert_eq!(listing(&configured, &there), want);
    }
}
