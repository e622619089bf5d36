//! Serves customers' files to everybody who has a link.
//!
//! Kommo gets a link, and downloads the file later. Telegram's own address of a file contains the bot's token and is
//! valid for an hour, so the link leads to the bridge. It contains all that is needed to find the file, and a
//! signature, so nothing has to be stored and nobody can forge a link.

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
