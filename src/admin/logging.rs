//! Where the log goes, and its level.

use std::sync::OnceLock;

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Registry,
    filter::filter_fn,
    fmt,
    fmt::MakeWriter,
    layer::SubscriberExt,
    reload,
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::{Log, LogFilter, LogFormat};

/// Libraries whose debug output is never logged: it can hold whole requests, and with them URLs that contain bot
/// tokens.
const CAPPED: &[&str] = &["h2", "hyper", "hyper_util", "reqwest", "rustls", "sled", "teloxide", "teloxide_core"];

/// Changes the level, once logging has started.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging to stderr. May be called once per process.
pub fn start(log: &Log) {
    // An error means that logging has started already.
    let _ = start_into(log, std::io::stderr, std::io::IsTerminal::is_terminal(&std::io::stderr()));
}

/// Starts logging to `writer`. `is_colored` concerns the text format alone.
///
/// # Errors
/// If logging has started already.
pub fn start_into<W>(log: &Log, writer: W, is_colored: bool) -> Result<(), TryInitError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(EnvFilter::new(log.level.as_str()));
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(|metadata| is_allowed(metadata.target(), *metadata.level())));
    let lines = fmt::layer().with_writer(writer);
    match log.format {
        LogFormat::Text => registry.with(lines.with_target(false).with_ansi(is_colored)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init(),
    }?;
    // Only the first start gets here.
    let _ = FILTER.set(handle);
    Ok(())
}

/// Changes the level of the running log.
pub fn change_level(level: &LogFilter) {
    let changed = FILTER.get().map(|filter| filter.reload(EnvFilter::new(level.as_str())));
    if let Some(Err(error)) = changed {
        tracing::warn!(%error, "log.level could not be changed");
    }
}

/// Whether a line may be logged, whatever level the operator sets.
fn is_allowed(target: &str, level: Level) -> bool {
    let library = target.split("::").next().unwrap_or_default();
    level <= Level::INFO || !CAPPED.contains(&library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_capped_and_we_are_not() {
        assert!(!is_allowed("hyper_util::client::legacy::pool", Level::DEBUG));
        assert!(!is_allowed("reqwest", Level::TRACE));
        assert!(is_allowed("reqwest::connect", Level::INFO));
        assert!(is_allowed("telekommo::relay", Level::TRACE));
    }
}
