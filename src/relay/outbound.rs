//! Relays answers from Kommo to Telegram.

mod album;
mod encode;
mod file;
mod manager_initiated;
mod media_group;
mod sending;
mod text_fallback;
mod unfold;

pub(super) use sending::{mark_read, step};
pub(super) use unfold::unfold;
