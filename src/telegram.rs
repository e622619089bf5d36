//! Telegram: the Bot API, through teloxide's request machinery.

pub mod bot;
pub mod failure;
pub mod file;
pub mod poll;
pub mod wire;
