//! Fakes of both remotes as real HTTP servers on this machine, so that the bridge can be tried without any account.
//!
//! [`telegram`] is a Bot API server, [`kommo`] a Chats API server. Each has a small world (customers who write,
//! managers who answer) in which a person or a test acts. [`page`] shows both worlds side by side in a browser.
//!
//! A fake is never more lenient than the real server. It copies known behaviour, waits and refusals included, and
//! assumes the stricter one where the behaviour is unknown. The fakes share no code with the bridge's clients. In
//! particular they check signatures with their own code, so that both cannot have the same bug. They can record all
//! exchanges (`record`), which other programs check against the documentation of both APIs: `tests/judges/`.

pub(crate) mod calls;
pub mod clock;
mod example_program;
pub mod fault;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod harness;
pub mod kommo;
mod own_bridge;
pub mod page;
mod range;
mod record;
pub mod run;
pub mod script;
mod serve;
mod shared;
pub mod switches;
pub mod telegram;
pub mod traffic;
