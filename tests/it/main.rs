//! The whole bridge: in process against the sandbox's fakes, and as the real binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, wherever it does")]

mod account;
mod alerts;
mod binary;
mod bridge;
mod documents;
mod folder;
mod gateway;
mod hush;
mod kinds;
mod layers;
mod net;
mod page;
mod power;
mod support;
