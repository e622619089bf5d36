//! Sources ("Sources API").

use serde::Serialize;

use crate::lenient::lenient;

/// A source to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewSource {
    pub name: String,
    /// Our id: unique, 1 to 36 printable ASCII characters, never changed.
    pub external_id: String,
    /// The pipeline of its leads; the main one by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<u64>,
    /// Whether it is the source of leads without one. Only one source can be; a new one replaces the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// The channel's code, which is needed for managers to write first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_code: Option<String>,
}

/// A change of a source. What is left out stays unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceChange {
    /// Kommo's id.
    pub id: u64,
    /// As in [`NewSource`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As in [`NewSource`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<u64>,
    /// As in [`NewSource`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// As in [`NewSource`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_code: Option<String>,
}

lenient! {
    /// A source in Kommo.
    pub struct KnownSource {
        /// Kommo's id.
        pub id: u64,
        pub name: String,
        /// The pipeline of its leads.
        pub pipeline_id: u64,
        /// Our id.
        pub external_id: String,
        /// Whether it is the source of leads without one.
        pub default: bool,
        pub origin_code: String,
    }
}
