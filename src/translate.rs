//! Converts wire formats to the domain and back: pure, synchronous and total.
//!
//! Every function here maps a value to a value, whatever a remote has sent. Nothing is dropped without a
//! [`crate::domain::message::Skip`] or a [`crate::domain::delivery::Refusal`] that has the reason.

pub mod buttons;
pub mod contacts;
pub mod emoji;
pub mod file_name;
pub mod from_history;
pub mod from_kommo;
pub mod from_telegram;
pub mod known_chat;
pub mod text;
pub mod to_kommo;
pub mod to_telegram;
