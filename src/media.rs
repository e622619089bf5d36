//! Customers' files, from Telegram to whoever has a link.
//!
//! Kommo gets a link and fetches the file when it likes. Telegram's own address of a file contains the bot's token and
//! is valid for an hour, so Kommo gets an address of ours. It contains everything that finds the file, signed, so
//! nothing has to be remembered and nobody can make one up.

mod denied;
pub mod disk;
mod disposition;
mod exact_length;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod imported;
mod limiter;
pub mod link;
mod path_cache;
pub(crate) mod range;
pub mod serve;
mod source_health;
