//! The end: a message that really crosses, by the bridge that was set up.

use crate::cli::{
    bridge, check,
    init::{draft::Draft, prompt::Prompt},
};

/// Waits until the bridge runs, and lets a message cross both ways.
///
/// # Errors
/// If the input ends, or the message does not arrive.
pub(super) async fn message(draft: &Draft, prompt: &Prompt) -> anyhow::Result<()> {
    let path = draft.path().display();
    prompt.begin("6. The first message", "");
    let start = if draft.is_of_service() {
        "Start it: sudo systemctl enable --now telekommo".to_owned()
    } else {
        format!("Start it, for instance in another terminal: telekommo run --config {path}")
    };
    if prompt.answers().is_some() {
        prompt.note(&format!(
            "The configuration is complete. {start}\nThen let a message cross: telekommo check --message --config \
             {path}"
        ));
        return Ok(());
    }
    let config = draft.config()?;
    prompt.note(&start);
    while bridge::connect(&config)?.is_none() {
        let next = prompt.wait("Press Enter when it runs, or write s to end here")?;
        if next == "s" {
            prompt.note(&format!("Later: telekommo check --message --config {path}"));
            return Ok(());
        }
    }
    check::cross(&config, &check::TestRecipient::default()).await?;
    prompt.note(
        "telekommo works. `telekommo check` looks after everything at once, and `telekommo help operate` says what to \
         do from now on.",
    );
    Ok(())
}
