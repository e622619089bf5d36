//! Fuzz targets: properties of every parser of outside input, for any bytes.
//!
//! A [`Target`] is a function that asserts properties for any bytes. libFuzzer calls it (`fuzz/README.md`), and so do
//! the tests of this crate, with the fixtures and with small mutations of them. A release contains none of this.
//!
//! Targets that need private items are in the modules of those items, in a submodule `fuzz`.

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

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its binary and its corpus.
    pub name: &'static str,
    /// Panics if a property does not hold for the bytes.
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

/// Ranges of files, as served to Kommo and on the sandbox's page.
fn ranges(bytes: &[u8]) {
    media::fuzz::ranges(bytes);
    sandbox::fuzz::ranges(bytes);
}

/// Runs the target with this name.
///
/// # Panics
/// If there is no such target, or a property does not hold for the bytes.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the name of a target");
    (target.check)(bytes);
}
