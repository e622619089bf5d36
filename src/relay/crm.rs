//! Customers in the account's REST API: the contact of a chat, and what is recorded of a customer.
//!
//! Before a first message creates a lead, there are a few seconds to link its chat to an existing contact. If that does
//! not succeed in time, and for everything else, there are jobs on a route of their own: no message waits for them.

mod account;
mod introduction;
mod invitation;
mod link;
mod locks;
mod notes;
mod profile;
pub(super) mod settings;

pub use locks::Locks;
pub use settings::Crm;

pub(super) use introduction::introduce;
pub(super) use invitation::is_invited;
pub(super) use link::step as link;
pub(super) use notes::step as update;
