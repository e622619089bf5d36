//! Jobs for the account's REST API.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::Conversation,
    crm::{CrmUpdate, CustomerProfile, LinkTarget},
};

/// A change of a customer's contact or lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CrmJob {
    /// Links a conversation's chat to a contact.
    Link(Link),
    /// Records something about a customer.
    #[serde(rename = "enrich")]
    Update(UpdateCrm),
}

/// See [`CrmJob::Link`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub conversation: Conversation,
    #[serde(rename = "guest")]
    pub customer: CustomerProfile,
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
