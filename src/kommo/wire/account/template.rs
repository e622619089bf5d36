//! Chat templates ("Chat templates API"): texts that managers choose from. Those that a messenger has to approve are
//! left out.

use serde::Serialize;

use crate::lenient::lenient;

/// A template to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewTemplate {
    /// What managers see in the list.
    pub name: String,
    /// The text; Salesbot's markers stand for what is filled in.
    pub content: String,
    /// `amocrm`: one that no messenger has to approve.
    pub r#type: &'static str,
    /// Whether managers may change the text before they send it.
    pub is_editable: bool,
    /// Our id of it.
    pub external_id: String,
    /// Buttons below it, all of one kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<TemplateButton>,
}

/// What a template becomes.
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
    /// As in [`NewTemplate`]; these replace all that were there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<TemplateButton>>,
}

/// A button of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateButton {
    /// `inline` or `url`.
    pub r#type: &'static str,
    /// What stands on it.
    pub text: String,
    /// Where it leads, only with `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

lenient! {
    /// A template that Kommo has.
    pub struct Template {
        /// Kommo's number of it.
        pub id: u64,
        /// What managers see in the list.
        pub name: String,
        pub content: String,
        /// `amocrm` or `waba`.
        pub r#type: String,
        /// Whether managers may change the text.
        pub is_editable: bool,
        /// Our id of it.
        pub external_id: String,
        pub buttons: Vec<KnownButton>,
    }

    /// A button of a template that Kommo has.
    pub struct KnownButton {
        /// `inline` or `url`.
        pub r#type: String,
        /// What stands on it.
        pub text: String,
        pub url: String,
    }
}
