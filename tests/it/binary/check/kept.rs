//! A check starts no service: it does not connect to what systemd may keep for one.

use std::{
    fs, io,
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, chown},
};

use rustix::process::geteuid;
use telekommo::sandbox::harness::unused_address;

use super::{stage_at, text, with_config};
use crate::binary::process::{as_user, finished};

/// Somebody who sees nothing of other people's processes.
const SOMEBODY: u32 = 4242;

/// systemd cannot be here: this process has the listener, as root, and the check may not look into it.
#[tokio::test]
async fn what_root_keeps_is_not_connected_to_while_no_bridge_runs() {
    if !geteuid().is_root() {
        println!("SKIPPED: only root can run the check as somebody else");
        return;
    }
    let hooks = unused_address();
    let stage = stage_at(&format!("http://{hooks}"), hooks, "");
    let kept = TcpListener::bind(hooks).unwrap();
    kept.set_nonblocking(true).unwrap();
    let config = stage.write_config().unwrap();
    fs::set_permissions(stage.dir(), fs::Permissions::from_mode(0o777)).unwrap();
    chown(&config, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let output = finished(as_user(&with_config("check", &config), (SOMEBODY, SOMEBODY))).await;
    let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the check does not connect. Start the bridge, and check again"), "{said}");
    assert!(said.contains("not checked: this check cannot listen on"), "{said}");
    assert!(kept.accept().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock), "somebody has connected");
}
