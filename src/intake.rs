//! Receives messages: Telegram's updates and Kommo's hooks are stored as they arrive, and only then confirmed. Also
//! finds the recipient of an answer, and creates reminders and reports of lost messages.

pub mod closed_talks;
pub mod hook;
pub mod lost;
pub mod poller;
pub mod recipient;
pub mod reminders;
