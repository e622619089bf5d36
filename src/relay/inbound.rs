//! Relays Telegram's updates to Kommo.

mod avatar;
mod chats;
mod editing;
mod membership;
mod message;
mod phone_gate;
mod pipeline;
mod programs;
mod questions;
mod quoting;
mod sending;
mod timestamps;

pub(super) use pipeline::{own, step};
