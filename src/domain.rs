//! What the words mean: values and the pure rules between them.
//!
//! Nothing in here does I/O, waits, reads a clock or logs; what a rule needs to know (an instant, a random number) is
//! an argument. Both wire formats are translated into these types and out of them, so that either side can change
//! alone.

pub mod address;
pub mod amount;
pub mod assumed;
pub mod avatar;
pub mod change;
pub mod crm;
pub mod delivery;
pub mod imported;
pub mod job;
pub mod keyboard;
pub mod manager_initiated;
pub mod membership;
pub mod message;
pub mod phone;
pub mod program;
pub mod question;
pub mod retry;
pub mod speaker;
pub mod time;
pub mod timestamps;
pub mod topic;
