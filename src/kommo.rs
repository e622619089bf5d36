//! Kommo: its Chats API and its hooks.

pub mod chats;
pub mod failure;
pub mod hook;
pub mod sign;
pub mod wire;
