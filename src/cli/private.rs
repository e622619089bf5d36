//! What a process of ours leaves on the machine is for its own user alone.

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
};

/// Keeps the memory, which has secrets in it, from being written to the disk when the process crashes, and other
/// processes of the same user from reading it. To be called before a secret is read.
pub fn no_core_dumps() {
    // Neither can fail on Linux; each does the same alone, but for systems that hand dumps to a program.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Gives files and folders that are made from now on to nobody else, whatever the shell allows: those of libraries,
/// too.
pub fn private_files() {
    umask(Mode::RWXG | Mode::RWXO);
}
