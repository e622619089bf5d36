//! The bridge in process, between the fakes.

mod admin;
mod albums_out;
mod blocked;
mod business;
mod buttons;
mod cards;
mod exchange;
mod files_out;
mod files_trouble;
mod groups;
mod hooks;
mod hostile;
mod kommo_trouble;
mod media;
mod pauses;
mod polls;
mod raw;
mod reactions;
mod reconcile;
mod refusals;
mod replies;
mod restart;
pub(crate) mod samples;
mod secrets;
mod setup;
mod telegram_trouble;
mod typing;
