//! Customers as the account's REST API knows them: whose chat it is, and what is written down about them.
//!
//! Before a first message makes a lead there is one chance, of a few seconds, to give its chat to a contact that is
//! there already. What does not come about by then, and everything else, is a job of a route of its own: no message
//! waits for it.

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
