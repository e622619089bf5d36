//! Sources ("Sources API"): the lines of a channel that Kommo shows and that leads come from.

use serde::Serialize;

use crate::lenient::lenient;

/// A source to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewSource {
    pub name: String,
    /// Our id of it: unique, 1 to 36 printable ASCII characters, never changed.
    pub external_id: String,
    /// The pipeline of its leads; the main one if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<u64>,
    /// Whether leads without a source of ours come from it. At most one is; a new one takes the place of the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// The channel's code, needed where managers write first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_code: Option<String>,
}

/// A source to be changed; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceChange {
    /// Kommo's number of it.
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
    /// A source that Kommo has.
    pub struct KnownSource {
        /// Kommo's number of it.
        pub id: u64,
        pub name: String,
        /// The pipeline of its leads.
        pub pipeline_id: u64,
        /// Our id of it.
        pub external_id: String,
        /// Whether leads without a source of ours come from it.
        pub default: bool,
        pub origin_code: String,
    }
}
