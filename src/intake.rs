//! Takes messages in: Telegram's updates and Kommo's hooks are stored as they came, and only then confirmed. Also finds
//! the recipient of an answer, and makes reminders and reports of lost messages.

pub mod closed_talks;
pub mod hook;
pub mod lost;
pub mod poller;
pub mod recipient;
pub mod reminders;
