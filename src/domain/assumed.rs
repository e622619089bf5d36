//! Behaviour of an account that Kommo's documentation leaves open, and that the operator has configured. Where they
//! have not, the bridge finds it out.

/// What the operator has configured about the account, as `telekommo check --live` recommends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    /// The field names of a delivery status.
    pub status_names: Option<StatusNames>,
    /// Whether a new message may come with its delivery status.
    pub status_in_messages: Option<bool>,
    /// Whether the text of a customer's message can be edited.
    pub customer_edits: Option<bool>,
}

/// The field names of a delivery status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusNames {
    /// `status_code` beside `delivery_status` and `msgid`.
    Both,
    /// `status_code` alone.
    Newer,
    /// `delivery_status` and `msgid`.
    Older,
}

impl StatusNames {
    /// All, in the order in which they are tried until the account accepts one.
    pub const ALL: [Self; 3] = [Self::Both, Self::Newer, Self::Older];

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Newer => "status_code",
            Self::Older => "delivery_status",
        }
    }
}
