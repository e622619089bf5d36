//! From the wire to the domain and back: pure, synchronous and total.
//!
//! Every function here maps a value to a value. Whatever a wire may hold, there is an answer; nothing is dropped
//! without a [`crate::domain::message::Skip`] or a [`crate::domain::delivery::Refusal`] that says why.

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
