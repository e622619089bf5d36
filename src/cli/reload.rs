//! `telekommo reload`: makes the running bridge reload its configuration, and prints the result.

use std::process::ExitCode;

use reqwest::{Method, StatusCode};

use crate::{
    admin::reload::Reloaded,
    cli::{
        arguments::ConfigPath,
        bridge::{self, CHANGE_TIMEOUT, refused},
        terminal,
    },
};

/// The hint if the configuration cannot be used.
const IN_FORCE: &str = "The running bridge goes on with the configuration that it has.";

/// Asks the running bridge, and prints the result.
///
/// # Errors
/// If none is running with this configuration, or it does not answer.
pub async fn run(path: &ConfigPath, is_json: bool) -> anyhow::Result<ExitCode> {
    let config = match path.load() {
        Ok(config) => config,
        Err(error) => return Ok(broken(&error.to_string())),
    };
    let bridge = bridge::running(&config)?;
    let answer = bridge.send(Method::POST, "/reload", |client| client.timeout(CHANGE_TIMEOUT)).await?;
    let status = answer.status();
    let text = answer.bytes().await.unwrap_or_default();
    match status {
        StatusCode::OK if is_json => terminal::say(&format!("{}\n", String::from_utf8_lossy(&text).trim())),
        StatusCode::OK => {
            let reloaded: Reloaded = serde_json::from_slice(&text)?;
            terminal::say(&(reloaded.lines().join("\n") + "\n"));
        }
        StatusCode::UNPROCESSABLE_ENTITY => return Ok(broken(String::from_utf8_lossy(&text).trim())),
        status => return Err(refused(status, &text)),
    }
    Ok(ExitCode::SUCCESS)
}

/// As for every other command, a wrong configuration has an exit code of its own.
fn broken(why: &str) -> ExitCode {
    terminal::complain(&format!("{why}\n{IN_FORCE}"));
    ExitCode::from(2)
}
