//! Jobs for the account's REST API.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::Conversation,
    crm::{CrmUpdate, CustomerProfile, LinkTarget},
};

/// What the account is to make of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CrmJob {
    /// A conversation's chat is to become that of a contact.
    Link(Link),
    /// Something about a customer is to be written down.
    #[serde(rename = "enrich")]
    Update(UpdateCrm),
}

/// See [`CrmJob::Link`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub conversation: Conversation,
    #[serde(rename = "guest")]
    pub customer: CustomerProfile,
    /// Whose chat it is to be.
    pub whose: LinkTarget,
}

/// See [`CrmJob::Update`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateCrm {
    pub conversation: Conversation,
    #[serde(rename = "guest")]
    pub customer: CustomerProfile,
    pub note: CrmUpdate,
}
