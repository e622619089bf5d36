//! Kommo: its Chats API, its hooks, and the REST API of the account.

pub mod account;
pub mod addressee;
pub mod chats;
pub mod failure;
pub mod hook;
mod http;
pub mod media;
pub mod region;
pub mod sign;
pub mod stray;
pub mod time;
pub mod wire;
