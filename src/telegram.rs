//! The client of Telegram's Bot API. The names of methods are teloxide's; the client itself is ours (`client`).

pub mod access;
pub(crate) mod answer;
mod avatar;
pub mod bot;
mod business;
mod cards;
mod client;
pub mod error;
pub mod failure;
pub mod file;
pub mod me;
mod notice;
pub mod obstacle;
pub mod pass;
mod phone;
mod react;
mod refusals;
mod rival;
pub mod routing;
pub mod sent;
pub mod updates;
pub mod upload;
pub mod webhook;
pub mod wire;

#[cfg(test)]
pub(crate) mod tests;
