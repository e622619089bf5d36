//! Reloads of the configuration: how one is requested, and its result.

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

/// The result of a reload.
pub type ReloadOutcome = Result<Reloaded, NotReloaded>;
/// Where the outcome of one reload is sent.
pub type ReloadReply = oneshot::Sender<ReloadOutcome>;

/// Requests reloads of the bridge.
#[derive(Clone, Debug)]
pub struct ReloadHandle(mpsc::Sender<ReloadReply>);

/// The handle that requests reloads, and the receiver of the requests.
#[must_use]
pub fn reload_channel() -> (ReloadHandle, mpsc::Receiver<ReloadReply>) {
    let (reload_handle, requests) = mpsc::channel(1);
    (ReloadHandle(reload_handle), requests)
}

impl ReloadHandle {
    /// Reloads the configuration, and waits for the result.
    ///
    /// # Errors
    /// [`NotReloaded`] if the previous configuration stays in force.
    pub async fn reload(&self) -> ReloadOutcome {
        let (sender, receiver) = oneshot::channel();
        self.0.send(sender).await.map_err(|_| NotReloaded::Stopping)?;
        receiver.await.map_err(|_| NotReloaded::Stopping)?
    }
}

/// Why the configuration was not reloaded. The previous one stays in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReloaded {
    /// The new configuration is invalid.
    #[error("{0}")]
    Broken(String),
    /// It could not be put into force, or the bridge has failed.
    #[error("{0}")]
    Failed(String),
    #[error("the bridge still waits for the account's id: restart it instead")]
    Starting,
    #[error("the bridge is stopping")]
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

/// A source that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    pub source: String,
    /// How many jobs wait for its customers.
    pub waiting: usize,
}

impl Reloaded {
    /// Writes it to the log.
    pub fn log(&self) {
        let Self { added, changed, removed, in_force, needs_restart, .. } = self;
        let changed: Vec<_> = changed.iter().map(|changed| changed.source.as_str()).collect();
        let removed_sources: Vec<_> = removed.iter().map(|removed| removed.source.as_str()).collect();
        tracing::info!(
            added = added.join(" "),
            changed = changed.join(" "),
            removed = removed_sources.join(" "),
            in_force = in_force.join(" "),
            needs_restart = needs_restart.join(" "),
            "configuration reloaded"
        );
        for Removed { source, waiting } in removed.iter().filter(|removed| removed.waiting > 0) {
            tracing::warn!(source, waiting, "answers wait for customers of a bot that was removed");
        }
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }

    /// The status line for systemd: what is still to be done.
    #[must_use]
    pub fn status(&self) -> String {
        match &self.needs_restart[..] {
            [] => String::new(),
            keys => format!("A restart is needed for {}", keys.join(", ")),
        }
    }

    /// The result for people, a line for each kind of change.
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
