//! The operator's side: commands, probes, set-up in Kommo, upkeep, restore.

pub mod admin;
pub mod advice;
pub mod chats;
pub mod check;
pub mod connect;
mod forgetting;
pub mod history;
pub mod identity;
pub mod import;
pub mod invite;
pub mod logging;
pub mod manual;
pub mod parked;
pub mod private;
mod qr;
pub mod reconcile;
pub mod register;
pub mod restore;
pub mod setup;
pub mod sources;
mod table;
pub mod templates;
pub mod terminal;
pub mod upkeep;
pub mod usage;
pub mod values;
