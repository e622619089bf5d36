//! What the bridge says of itself: no panic, no secret, and nothing of a customer's set aside.

use super::{Scene, Verdict, leaks};

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    // sled itself gives up in this way where a disk fails. The bridge's own code never does.
    let is_excused = |line: &str| scene.may_have_given_up && line.contains("/sled-");
    if scene.logs.lines().any(|line| line.contains("panicked at") && !is_excused(line)) {
        verdict.problem("the bridge has panicked");
    }
    if leaks::secrets(scene.stage).iter().any(|secret| scene.logs.contains(secret)) {
        verdict.problem("a secret is in the log");
    }
    let [inbound, all] = scene.parked;
    match inbound {
        None => verdict.problem("the bridge does not tell what it has set aside"),
        Some(rows) if rows.contains("\"route\":\"inbound") => {
            verdict.problem(format!("a customer's message was set aside: {rows}"));
        }
        Some(_) => {}
    }
    if all.as_ref().is_none_or(|rows| rows.contains("\"unreadable\":true")) {
        verdict.problem(format!("what was set aside cannot be read: {all:?}"));
    }
}
