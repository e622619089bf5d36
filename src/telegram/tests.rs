//! Tests across the files of this module, and their server.

mod lines;
pub(crate) mod scripted;
mod verdicts;
