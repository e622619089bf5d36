//! Telegram: the Bot API, through teloxide's request machinery.

pub mod access;
pub mod bot;
mod business;
mod cards;
pub mod failure;
pub mod file;
mod me;
mod phone;
pub mod place;
pub mod poll;
mod portrait;
mod react;
pub mod upload;
pub mod wire;
