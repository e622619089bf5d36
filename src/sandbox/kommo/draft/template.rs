//! Templates: a text with gaps, filled in before the hook is sent.

use serde_json::{Value, json};

/// A template of the account, and what fills its gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Its number in the account.
    pub id: i64,
    /// Its id on the side of the integration that has made it.
    pub external_id: Option<String>,
    /// The text with its gaps: `Order #{{lead.id}}`.
    pub content: String,
    /// The gaps as they are written, and what is in their place.
    pub params: Vec<(String, String)>,
}

impl Template {
    /// The text as the customer reads it.
    pub(super) fn rendered(&self) -> String {
        self.params.iter().fold(self.content.clone(), |text, (gap, value)| text.replace(gap, value))
    }

    /// As the hook has it.
    pub(super) fn shape(&self) -> Value {
        let param = |(key, value): &(String, String)| json!({ "key": key, "value": value });
        let params: Vec<_> = self.params.iter().map(param).collect();
        let mut shape = json!({ "id": self.id, "content": self.content, "params": params });
        if let Some(id) = &self.external_id {
            shape["external_id"] = json!(id);
        }
        shape
    }
}
