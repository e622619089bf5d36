//! Chat templates ("Chat templates API"): texts that managers choose from. Those that need a messenger's approval are
//! not supported.

use serde::Serialize;

use crate::lenient::lenient;

/// A template to create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewTemplate {
    /// Its name in the managers' list.
    pub name: String,
    /// The text, with Salesbot's placeholders.
    pub content: String,
    /// `amocrm`: one that needs no approval.
    pub r#type: &'static str,
    /// Whether managers may change the text before they send it.
    pub is_editable: bool,
    /// Our id.
    pub external_id: String,
    /// Its buttons, all of one kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<TemplateButton>,
}

/// A change of a template. What is left out stays unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TemplateChange {
    /// As in [`NewTemplate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As in [`NewTemplate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// As in [`NewTemplate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_editable: Option<bool>,
    /// As in [`NewTemplate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// As in [`NewTemplate`]; these replace all existing ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<TemplateButton>>,
}

/// A button of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateButton {
    /// `inline` or `url`.
    pub r#type: &'static str,
    /// Its label.
    pub text: String,
    /// The target, only with `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

lenient! {
    /// A template in Kommo.
    pub struct Template {
        /// Kommo's id.
        pub id: u64,
        /// Its name in the managers' list.
        pub name: String,
        pub content: String,
        /// `amocrm` or `waba`.
        pub r#type: String,
        /// Whether managers may change the text.
        pub is_editable: bool,
        /// Our id.
        pub external_id: String,
        pub buttons: Vec<KnownButton>,
    }

    /// A button of a template in Kommo.
    pub struct KnownButton {
        /// `inline` or `url`.
        pub r#type: String,
        /// Its label.
        pub text: String,
        pub url: String,
    }
}
