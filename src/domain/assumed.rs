//! What is taken for granted of an account where Kommo's documentation leaves it open. What is not, is learnt.

/// What the operator says of the account, as `telekommo check --live` has found it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    /// By which names a delivery status tells its number.
    pub status_names: Option<StatusNames>,
    /// Whether a new message may come with its delivery status.
    pub status_in_messages: Option<bool>,
    /// Whether the wording of what a customer wrote may be changed.
    pub customer_edits: Option<bool>,
}

/// The names by which a delivery status tells its number.
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
    /// In the order in which they are tried while the account has taken none.
    pub const ALL: [Self; 3] = [Self::Both, Self::Newer, Self::Older];

    /// As the configuration names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Newer => "status_code",
            Self::Older => "delivery_status",
        }
    }
}
