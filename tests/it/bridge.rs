//! The bridge in process, between the fakes.

mod admin;
mod blocked;
mod business;
mod buttons;
mod cards;
mod exchange;
mod groups;
mod hooks;
mod hostile;
mod kommo_trouble;
mod media;
mod pauses;
mod polls;
mod raw;
mod reactions;
mod refusals;
mod replies;
mod restart;
mod secrets;
mod setup;
mod telegram_trouble;
mod typing;
