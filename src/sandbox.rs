//! Both remotes as real HTTP servers on this machine, so that the bridge can be tried without an account anywhere.
//!
//! [`telegram`] is a Bot API server, [`kommo`] a Chats API server; each keeps a small world (customers who write,
//! managers who answer) that a person or a test acts in. [`page`] shows both worlds side by side in a browser.
//!
//! A fake is never kinder than the real thing: where the real server's behaviour is known it is copied, waits and
//! refusals included; where it is unknown the fake takes the harsher reading. The fakes know nothing of the bridge. In
//! particular they check signatures with code of their own, so that both cannot agree on the same mistake. They can
//! keep a record of what passed (`record`), by which programs of others judge both sides: `tests/judges/`.

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
