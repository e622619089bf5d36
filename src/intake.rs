//! Where messages come in: stored as they came, and only then confirmed to whoever brought them.

pub mod hook;
pub mod lost;
pub mod poller;
pub mod recipient;
pub mod reminders;
