//! A bridge of one's own between the fakes of a sandbox, with what the sandbox prints.

use std::fs;

use reqwest::Client;
use rustix::process::Signal;
use serde_json::{Value, json};
use telekommo::sandbox::harness::{ANNA, LINES, unused_address};

use super::process::{Process, telekommo};
use crate::support::eventually;

/// The end of what is printed before anything passes.
const END: &str = "# Below is what passes";

async fn posted(page: &str, path: &str, body: Value) {
    let request = Client::new().post(format!("{page}{path}")).header("Content-Type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{path}: {status} {}", answer.text().await.unwrap());
}

async fn state(page: &str, side: &str) -> String {
    let text = reqwest::get(format!("{page}/api/state")).await.unwrap().text().await.unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[side].to_string()
}

#[tokio::test]
async fn the_printed_configuration_starts_a_bridge_that_relays() {
    let free = unused_address();
    let hooks_to = format!("http://{free}/kommo/SCOPE");
    let sandbox = Process::spawn(telekommo(&["sandbox", "--listen", "127.0.0.1:0", "--hooks-to", &hooks_to]));
    sandbox.printed(END).await;
    let printed = sandbox.stdout();
    let (first, rest) = printed.split_once('\n').unwrap();
    let told: Value = serde_json::from_str(first).unwrap();
    let page = told["page"].as_str().unwrap();

    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    fs::write(&file, rest.split_once(END).unwrap().0).unwrap();
    let bridge = Process::spawn({
        let mut command = telekommo(&["run", "--config", file.to_str().unwrap()]);
        command.env("TELEKOMMO_LOG__FORMAT", "json");
        command
    });
    assert_eq!(bridge.ports().await.hooks, free);
    let customer = json!({ "source": LINES[0].source, "customer": ANNA, "text": "from the customer" });
    posted(page, "/api/telegram/write", customer).await;
    eventually("Kommo has what the customer wrote", async || state(page, "kommo").await.contains("from the customer"))
        .await;
    let chat = format!("tg:{}:{ANNA}", LINES[0].source);
    posted(page, "/api/kommo/reply", json!({ "conversation_id": chat, "author": "Maria", "text": "from the manager" }))
        .await;
    eventually("the customer has the answer", async || state(page, "telegram").await.contains("from the manager"))
        .await;
    assert_eq!(bridge.end(Signal::TERM).await.status.code(), Some(0));
    sandbox.end(Signal::TERM).await;
}

#[tokio::test]
async fn a_page_for_other_machines_promises_nothing_and_is_warned_of() {
    let sandbox = Process::spawn(telekommo(&["sandbox", "--listen", "0.0.0.0:0"]));
    let line = sandbox.printed("in a browser").await;
    let address =
        line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")).unwrap_or_else(|| panic!("{line}"));
    sandbox.logged("it asks for no password").await;
    let text = reqwest::get(address).await.unwrap().text().await.unwrap();
    assert!(
        !text.contains("leaves this machine") && text.contains("Anyone who reaches this address can use this page.")
    );
    sandbox.end(Signal::TERM).await;
    let private = Process::spawn(telekommo(&["sandbox", "--listen", "127.0.0.1:0"]));
    let line = private.printed("in a browser").await;
    let address = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")).unwrap();
    let text = reqwest::get(address).await.unwrap().text().await.unwrap();
    assert!(text.contains("Nothing here leaves this machine."));
    private.end(Signal::TERM).await;
}
