//! What is tested across the files of this room, and the server that it takes.

mod lines;
pub(crate) mod scripted;
mod verdicts;
