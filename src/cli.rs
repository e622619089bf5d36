//! The operator's commands. Each runs as a process of its own, beside the daemon or without one.

pub mod advice;
pub mod alerts;
pub mod arguments;
mod bar;
mod bridge;
pub mod chats;
pub mod check;
pub mod compact;
pub mod connect;
pub mod generated;
pub mod history;
pub mod import;
pub mod invite;
pub mod manual;
pub mod parked;
pub mod private;
mod qr;
pub mod queue;
pub mod reconcile;
pub mod register;
pub mod restore;
pub mod sources;
mod table;
pub mod templates;
pub mod terminal;
pub mod usage;
pub mod values;
