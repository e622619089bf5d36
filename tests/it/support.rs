//! What the tests share.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use telekommo::sandbox::stage::Stage;

/// How long anything may take before a test fails. Nothing here takes nearly as long unless it is broken.
pub const WITHIN: Duration = Duration::from_secs(30);

/// Settings for a bridge that does not spend a test's time waiting.
pub const BRISK: &str = r#"
retry.kommo = ["50ms", "100ms", "200ms"]
retry.telegram = ["50ms", "100ms", "200ms", "400ms", "800ms"]
retry.probe_every = "200ms"
kommo.requests_per_second = 1000
telegram.requests_per_second = 1000
"#;

/// A stage that checks, when it is dropped, that nothing was left behind: no job waits and none is parked, unless the
/// test said so.
pub struct TestStage {
    stage: Stage,
    leftovers_allowed: bool,
}

impl TestStage {
    /// Both fakes with a brisk bridge between them.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// The same with more lines of configuration.
    pub async fn with(settings: &str) -> Self {
        let stage = Stage::start(&format!("{BRISK}{settings}")).await.expect("the stage starts");
        Self { stage, leftovers_allowed: false }
    }

    /// This test ends with jobs in the queue or messages set aside, and has looked at them.
    pub const fn allow_leftovers(&mut self) {
        self.leftovers_allowed = true;
    }

    /// Waits until `condition` holds.
    pub async fn until(&self, what: &str, condition: impl Fn(&Stage) -> bool) {
        self.stage.until(what, WITHIN, condition).await.unwrap();
    }
}

impl Deref for TestStage {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl DerefMut for TestStage {
    fn deref_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }
}
