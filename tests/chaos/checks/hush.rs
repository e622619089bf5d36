//! What the bridge says of itself: no panic, no secret, and nothing of a customer's set aside.

use super::{Scene, Verdict, leaks};

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    // sled itself gives up in this way where a disk fails. The bridge's own code never does.
    if scene.logs.lines().any(|line| line.contains("panicked at") && !line.contains("/sled-")) {
        verdict.problem("the bridge has panicked");
    }
    if leaks::secrets(scene.stage).iter().any(|secret| scene.logs.contains(secret)) {
        verdict.problem("a secret is in the log");
    }
    if scene.parked.contains("\"route\":\"inbound") {
        verdict.problem(format!("a customer's message was set aside: {}", scene.parked));
    }
}
