//! Kommo: its Chats API and the REST API of the account.

pub mod account;
pub mod chats;
pub mod failure;
pub mod foreign_answer;
mod http;
pub mod media;
pub mod region;
pub mod sign;
pub mod time;
pub mod wire;
