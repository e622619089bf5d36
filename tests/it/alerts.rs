//! The operator is told of each fault once, and once when it is over.

mod bound;
mod command;
mod faults;
pub(crate) mod inbox;
mod lasting;
mod planted;
mod targets;

use inbox::Inbox;

use crate::support::TestStage;

/// Alerts that take no time.
const QUICK: &str = r#"
alerts.every = "20ms"
alerts.ask_every = "50ms"
alerts.after = "1s"
telegram.poll_timeout = "1s"
kommo.connect_on_start = true
"#;

/// For tests that start a bridge anew, whose first poll may be slow.
const SLOWER: &str = "alerts.after = \"3s\"\n";

/// A bridge that tells this inbox, by an address that nobody else may know.
async fn telling(inbox: &Inbox, more: &str) -> TestStage {
    let mut stage = TestStage::with(&settings(inbox, more)).await;
    stage.allow_failures();
    stage
}

pub(crate) fn settings(inbox: &Inbox, more: &str) -> String {
    let url = format!("http://{}/hook?key=hushpassword", inbox.address);
    // A start beside many others may take its time.
    let quick = if more.contains(SLOWER) { QUICK.replace("alerts.after = \"1s\"", "") } else { QUICK.to_owned() };
    // Wherever a test sets its clock, it is not told of the day unless it asks for that.
    let daily = if more.contains("daily_at") { "" } else { "alerts.daily_at = \"never\"\n" };
    format!("{quick}{daily}alert_targets.inbox.kind = \"webhook\"\nalert_targets.inbox.url = {url:?}\n{more}")
}
