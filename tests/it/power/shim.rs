//! Builds `shim.c`, which is preloaded.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The library, built in this folder; `None` if there is no compiler.
pub(super) fn build(folder: &Path) -> Option<PathBuf> {
    let (source, shim) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/power/shim.c"), folder.join("shim.so"));
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(source).args(["-ldl", "-lpthread"]);
    let built = compiler.output().ok()?;
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(shim)
}
