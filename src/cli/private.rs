//! Keeps memory and files of our processes private to their user.

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
};

/// Disables core dumps, which would write secrets to the disk, and keeps other processes of the same user from reading
/// the memory. Call it before a secret is read.
pub fn no_core_dumps() {
    // Neither can fail on Linux. One would suffice, except on systems that pipe dumps to a program.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Makes files and folders that are created from now on private, also those of libraries.
pub fn private_files() {
    umask(Mode::RWXG | Mode::RWXO);
}
