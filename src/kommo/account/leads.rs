//! Leads and the custom fields that they can have.

use crate::kommo::{
    account::{Account, RestError, contacts::missing_is_none},
    wire::account::{EntityPatch, KnownField, Lead},
};

impl Account {
    /// A lead with its contacts and its source; `None` if there is none.
    pub async fn lead(&self, id: u64) -> Result<Option<Lead>, RestError> {
        missing_is_none(self.get(&format!("leads/{id}"), &[("with", "contacts,source_id")]).await)
    }

    /// Changes a lead: tags, custom fields, tracking fields (UTM). Idempotent.
    pub async fn patch_lead(&self, id: u64, patch: &EntityPatch) -> Result<(), RestError> {
        self.patch_entity("leads", id, patch).await
    }

    /// The custom fields that leads can have; tracking fields have the type `tracking_data`.
    pub async fn lead_fields(&self) -> Result<Vec<KnownField>, RestError> {
        self.list("leads/custom_fields", "custom_fields", &[("limit", "250")]).await
    }
}
