//! The whole bridge: in process against the sandbox's fakes, and as the real binary.

mod binary;
mod bridge;
mod layers;
mod page;
mod repeated;
mod support;
