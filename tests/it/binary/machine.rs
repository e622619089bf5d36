//! What `check` finds on this machine.

use std::{fs, net::TcpListener};

use rustix::process::{Signal, geteuid};
use telekommo::sandbox::harness::{Harness, unused_address};
use tokio::process::Command;

use super::process::{Process, as_user, finished, run, text, with_config};
use crate::support::BRISK;

fn check(stage: &Harness) -> Command {
    with_config("check", &stage.write_config().unwrap())
}

async fn checked(command: Command) -> (Option<i32>, String) {
    let output = finished(command).await;
    assert_eq!(text(&output.stderr), "");
    (output.status.code(), text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" "))
}

#[tokio::test]
async fn a_folder_that_is_to_be_made_and_free_ports_are_fine() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let free = unused_address().to_string();
    let mut command = check(&stage);
    command.env("TELEKOMMO_SERVER__LISTEN", &free).env("TELEKOMMO_SERVER__PUBLIC_URL", format!("http://{free}"));
    let (code, said) = checked(command).await;
    assert_eq!(code, Some(0), "{said}");
    let dir = stage.dir().display();
    for part in [
        format!("{dir}/data will be created in {dir}"),
        format!("Hooks {free} is free"),
        "a free port will be taken".into(),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
    assert!(!stage.dir().join("data").exists(), "a check makes nothing");
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_used_is_told() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let file = stage.dir().join("file");
    fs::write(&file, "").unwrap();
    for dir in [file.clone(), file.join("below")] {
        let mut command = check(&stage);
        command.env("TELEKOMMO_DATA_DIR", &dir);
        let (code, said) = checked(command).await;
        assert!(
            code == Some(1) && said.contains("is a file, not a folder") && !said.contains("restore"),
            "{dir:?}: {said}"
        );
    }
    if geteuid().is_root() {
        let config = stage.write_config().unwrap();
        fs::create_dir(stage.dir().join("data")).unwrap();
        for path in [stage.dir(), &config] {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let (code, said) = checked(as_user(&check(&stage), (65534, 65534))).await;
        assert!(code == Some(1) && said.contains("belongs to root (uid 0) with the mode 755"), "{said}");
    }
}

#[tokio::test]
async fn a_port_is_told_by_who_has_it_and_a_running_bridge_by_how_it_stands() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = check(&stage);
    command.env("TELEKOMMO_ADMIN__LISTEN", &address);
    let (code, said) = checked(command).await;
    assert!(code == Some(1) && said.contains(&format!("another program uses {address}")), "{said}");
    assert!(said.contains("admin.listen"), "{said}");

    let process = Process::start(&stage, run(&stage)).await;
    let ports = process.ports().await;
    let beside = || {
        let mut command = check(&stage);
        command.env("TELEKOMMO_SERVER__LISTEN", ports.hooks.to_string());
        command.env("TELEKOMMO_ADMIN__LISTEN", ports.admin.to_string());
        command
    };
    stage.kommo.set_connected(false);
    stage.telegram.write(telekommo::sandbox::harness::LINES[0].token, telekommo::sandbox::harness::ANNA, "hello");
    process.logged("not connected").await;
    let (code, said) = checked(beside()).await;
    assert_eq!(code, Some(1), "{said}");
    for address in [ports.hooks, ports.admin] {
        assert!(said.contains(&format!("a running telekommo uses {address}")), "{said}");
    }
    assert!(said.contains("Running the bridge is not ready: "), "{said}");
    process.end(Signal::TERM).await;
}
