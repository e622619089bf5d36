//! Files of customers, from Telegram to whoever has a link.
//!
//! Kommo is told where a file is and fetches it when it likes. Telegram's own address of a file holds the bot's token and
//! is good for an hour, so Kommo gets an address of ours. It carries all that is needed to find the file again, signed,
//! so nothing has to be remembered and nobody can make one up.

mod denied;
pub mod disk;
mod disposition;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod imported;
mod limiter;
pub mod link;
mod path_cache;
pub(crate) mod range;
pub mod serve;
mod standing;
mod whole;
