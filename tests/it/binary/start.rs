//! Starting where something is in the way.

use std::net::TcpListener;

use rustix::process::Signal;
use telekommo::sandbox::harness::Harness;

use super::process::{Process, finished, run, text};
use crate::support::BRISK;

#[tokio::test]
async fn a_port_in_use_is_named_with_its_key() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, key) in
        [("TELEKOMMO_SERVER__LISTEN", "`server.listen`"), ("TELEKOMMO_ADMIN__LISTEN", "`admin.listen`")]
    {
        let mut command = run(&stage);
        command.env(variable, &address);
        let output = finished(command).await;
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(key) && message.contains(&address), "{message}");
    }
}

#[tokio::test]
async fn a_store_has_one_bridge_only() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let first = Process::start(&stage, run(&stage)).await;
    let second = finished(run(&stage)).await;
    let message = text(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{message}");
    assert!(message.contains("in use by another telekommo"), "{message}");
    let first = first.end(Signal::TERM).await;
    assert_eq!(first.status.code(), Some(0), "the first one was disturbed: {}", first.stderr);
}

#[tokio::test]
async fn it_is_alive_and_ready_once_its_bots_poll() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let process = Process::start(&stage, run(&stage)).await;
    let admin = process.ports().await.admin;
    let live = reqwest::get(format!("http://{admin}/live")).await.unwrap();
    assert_eq!(live.status(), 200);
    // A bot counts as working once a poll has been answered; an update answers one at once.
    for line in telekommo::sandbox::harness::LINES {
        stage.telegram.write(line.token, telekommo::sandbox::harness::ANNA, "hello");
    }
    for line in telekommo::sandbox::harness::LINES {
        process.logged(&format!("\"source\":\"{}\"", line.source)).await;
    }
    let ready = reqwest::get(format!("http://{admin}/ready")).await.unwrap();
    assert_eq!((ready.status().as_u16(), ready.text().await.unwrap().as_str()), (200, "ready\n"));
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}
