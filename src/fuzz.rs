//! What is promised of everything that comes from outside, for any bytes whatever.
//!
//! A [`Target`] is a function that takes bytes and asserts what holds for all of them. libFuzzer calls it; how, tells
//! `fuzz/README.md`. So do the tests of this crate, with the fixtures and with small changes of them. A release has
//! none of this.
//!
//! What needs what is private to a room stands in that room, in a module `fuzz` of its own.

mod config;
mod entities;
mod event;
mod hooks;
pub(crate) mod input;
pub(crate) mod range;
mod rich;
mod start;
mod updates;

#[cfg(test)]
mod tests;

use crate::{cli, media, sandbox, store};

/// Something that reads what comes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called: the name of its binary and of its corpus.
    pub name: &'static str,
    /// Panics if the bytes break what is promised.
    pub check: fn(&[u8]),
}

pub const TARGETS: [Target; 12] = [
    Target { name: "hooks", check: hooks::check },
    Target { name: "updates", check: updates::check },
    Target { name: "entities", check: entities::check },
    Target { name: "rich", check: rich::check },
    Target { name: "start", check: start::check },
    Target { name: "links", check: media::fuzz::links },
    Target { name: "ranges", check: ranges },
    Target { name: "multipart", check: sandbox::telegram::fuzz::multipart },
    Target { name: "config", check: config::check },
    Target { name: "export", check: cli::import::fuzz::check },
    Target { name: "rows", check: store::fuzz::rows },
    Target { name: "dumps", check: store::fuzz::dumps },
];

/// Parts of files, as they are given to Kommo and on the sandbox's page.
fn ranges(bytes: &[u8]) {
    media::fuzz::ranges(bytes);
    sandbox::fuzz::ranges(bytes);
}

/// Gives the bytes to the target of this name.
///
/// # Panics
/// If there is no such target, or the bytes break what is promised.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the name of a target");
    (target.check)(bytes);
}
