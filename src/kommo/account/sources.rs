//! The sources of our channel. The token sees those of its own integration only.

use crate::kommo::{
    account::{Account, RestError},
    wire::account::{KnownSource, NewSource, SourceChange},
};

impl Account {
    /// All sources.
    ///
    /// # Errors
    /// [`RestError`]; 403 if the integration may not use sources.
    pub async fn sources(&self) -> Result<Vec<KnownSource>, RestError> {
        self.list("sources", "sources", &[]).await
    }

    /// Creates a source.
    ///
    /// # Errors
    /// [`RestError`]; 400 if there is one with this `external_id`, or no such pipeline.
    pub async fn create_source(&self, source: &NewSource) -> Result<KnownSource, RestError> {
        self.post("sources", "sources", source).await
    }

    /// Changes a source. Idempotent.
    ///
    /// # Errors
    /// [`RestError`]; 400 if there is no such pipeline.
    pub async fn update_source(&self, change: &SourceChange) -> Result<(), RestError> {
        self.patch(&format!("sources/{}", change.id), change).await
    }

    /// Deletes a source, by Kommo's id.
    ///
    /// # Errors
    /// [`RestError`]; 404 if there is none.
    pub async fn delete_source(&self, id: u64) -> Result<(), RestError> {
        self.delete(&format!("sources/{id}")).await
    }
}
