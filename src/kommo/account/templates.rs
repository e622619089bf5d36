//! Chat templates. The token sees those of its own integration only.

use crate::kommo::{
    account::{Account, RestError},
    wire::account::{NewTemplate, Template, TemplateChange},
};

impl Account {
    /// All templates.
    pub async fn templates(&self) -> Result<Vec<Template>, RestError> {
        self.list("chats/templates", "chat_templates", &[("limit", "50")]).await
    }

    /// Creates a template.
    ///
    /// # Errors
    /// [`RestError`]; 422 if the account has reached the maximum.
    pub async fn create_template(&self, template: &NewTemplate) -> Result<Template, RestError> {
        self.post("chats/templates", "chat_templates", template).await
    }

    /// Changes a template. Idempotent.
    pub async fn update_template(&self, id: u64, change: &TemplateChange) -> Result<(), RestError> {
        self.patch(&format!("chats/templates/{id}"), change).await
    }

    /// Deletes a template.
    ///
    /// # Errors
    /// [`RestError`]; 404 if there is none.
    pub async fn delete_template(&self, id: u64) -> Result<(), RestError> {
        self.delete(&format!("chats/templates/{id}")).await
    }
}
