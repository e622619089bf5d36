//! Reading the configuration again: how it is asked for, and what is told of it.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::{admin::refusal, domain::amount::counted};

/// What came of reading the configuration again.
pub type ReloadOutcome = Result<Reloaded, NotReloaded>;
/// Where the outcome of one reload is sent.
pub type ReloadReply = oneshot::Sender<ReloadOutcome>;

/// Asks the bridge to read its configuration again. Clones ask the same bridge.
#[derive(Clone, Debug)]
pub struct ReloadHandle(mpsc::Sender<ReloadReply>);

/// The handle that asks for a reload, and the end at which the requests arrive.
#[must_use]
pub fn reload_channel() -> (ReloadHandle, mpsc::Receiver<ReloadReply>) {
    let (reload_handle, wished) = mpsc::channel(1);
    (ReloadHandle(reload_handle), wished)
}

impl ReloadHandle {
    /// Waits until the configuration was read again.
    ///
    /// # Errors
    /// [`NotReloaded`] if the one before stays in force.
    pub async fn reload(&self) -> ReloadOutcome {
        let (tell, told) = oneshot::channel();
        self.0.send(tell).await.map_err(|_| NotReloaded::Stopping)?;
        told.await.map_err(|_| NotReloaded::Stopping)?
    }
}

/// Why the configuration was not read again. The one before stays in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReloaded {
    /// It cannot be used.
    #[error("{0}")]
    Broken(String),
    /// Nothing could be made of it, or the bridge has failed.
    #[error("{0}")]
    Failed(String),
    #[error("the bridge still waits for the account to tell its id: restart it instead")]
    Starting,
    #[error("the bridge stops")]
    Stopping,
}

/// What has changed. The names are those of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The sources that are new.
    pub added: Vec<String>,
    pub changed: Vec<Changed>,
    pub removed: Vec<Removed>,
    /// The keys outside the sources whose values are in force now.
    pub in_force: Vec<String>,
    /// The keys whose values come into force at the next start.
    pub needs_restart: Vec<String>,
    /// What looks wrong in the configuration though it stops nothing.
    pub warnings: Vec<String>,
}

/// A source with other values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub source: String,
    /// The keys, without the section.
    pub keys: Vec<String>,
}

/// A source that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    pub source: String,
    /// How many jobs wait for its customers.
    pub waiting: usize,
}

impl Reloaded {
    /// Says it in the log.
    pub fn log(&self) {
        let Self { added, changed, removed, in_force, needs_restart, .. } = self;
        let changed: Vec<_> = changed.iter().map(|changed| changed.source.as_str()).collect();
        let gone: Vec<_> = removed.iter().map(|removed| removed.source.as_str()).collect();
        tracing::info!(
            added = added.join(" "),
            changed = changed.join(" "),
            removed = gone.join(" "),
            in_force = in_force.join(" "),
            needs_restart = needs_restart.join(" "),
            "the configuration is reloaded"
        );
        for Removed { source, waiting } in removed.iter().filter(|removed| removed.waiting > 0) {
            tracing::warn!(source, waiting, "answers wait for customers of a bot that is gone");
        }
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }

    /// What systemd shows of it: what is still to be done.
    #[must_use]
    pub fn status(&self) -> String {
        match &self.needs_restart[..] {
            [] => String::new(),
            keys => format!("A restart is needed for {}", keys.join(", ")),
        }
    }

    /// What a person reads, a line for each kind.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let list = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
        let changed = self.changed.iter().map(|Changed { source, keys }| format!("{source} ({})", keys.join(", ")));
        let removed = self.removed.iter().map(|removed| removed.source.clone());
        let mut lines: Vec<_> = [
            list("Added", &self.added),
            list("Changed", &changed.collect::<Vec<_>>()),
            list("Removed", &removed.collect::<Vec<_>>()),
            list("In force", &self.in_force),
            list("Needs a restart", &self.needs_restart),
        ]
        .into_iter()
        .flatten()
        .collect();
        if lines.is_empty() {
            lines.push("Nothing has changed.".to_owned());
        }
        lines.extend(self.removed.iter().filter(|it| it.waiting > 0).map(Removed::line));
        lines.extend(self.warnings.iter().map(|warning| format!("Warning: {warning}")));
        lines
    }
}

impl Removed {
    fn line(&self) -> String {
        let Self { source, waiting } = self;
        format!(
            "{} for customers of {source} stay in the store. They go on if the source comes back by a reload; a \
             restart without it reports them to managers as not delivered",
            counted(*waiting, "job")
        )
    }
}

/// `/reload`: answers when it is done.
pub fn router(reload_handle: ReloadHandle) -> Router {
    Router::new().route("/reload", post(reload)).with_state(reload_handle)
}

async fn reload(State(reload_handle): State<ReloadHandle>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    match reload_handle.reload().await {
        Ok(reloaded) => {
            let text = serde_json::to_string(&reloaded).unwrap_or_default();
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        Err(why) => {
            let status = match why {
                NotReloaded::Broken(_) => StatusCode::UNPROCESSABLE_ENTITY,
                NotReloaded::Starting => StatusCode::CONFLICT,
                NotReloaded::Failed(_) | NotReloaded::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, format!("{why}\n")).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_has_changed_and_what_is_still_to_be_done() {
        let reloaded = Reloaded {
            added: vec!["support".to_owned()],
            changed: vec![Changed { source: "sales".to_owned(), keys: vec!["name".to_owned(), "token".to_owned()] }],
            removed: vec![Removed { source: "old".to_owned(), waiting: 1 }],
            in_force: vec!["log.level".to_owned(), "campaigns.summer".to_owned()],
            needs_restart: vec!["server.listen".to_owned()],
            warnings: vec!["others can read it".to_owned()],
        };
        insta::assert_snapshot!(reloaded.lines().join("\n"), @r"
        Added: support
        Changed: sales (name, token)
        Removed: old
        In force: log.level, campaigns.summer
        Needs a restart: server.listen
        1 job for customers of old stay in the store. They go on if the source comes back by a reload; a restart without it reports them to managers as not delivered
        Warning: others can read it
        ");
        assert_eq!(reloaded.status(), "A restart is needed for server.listen");
        assert_eq!(Reloaded::default().lines(), ["Nothing has changed."]);
    }
}
