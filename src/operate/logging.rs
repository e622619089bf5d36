//! Where the log goes and what it may say.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// Libraries that must not become chatty when the operator asks for detail: their debug output holds whole requests,
/// and with them addresses that contain bot tokens.
const CAPPED: &[&str] = &[
    "h2=info",
    "hyper=info",
    "hyper_util=info",
    "reqwest=info",
    "rustls=info",
    "sled=info",
    "teloxide=info",
    "teloxide_core=info",
];

/// Starts logging to stderr. May be called once per process.
pub fn start(log: &Log) {
    let filter = filter(log.level.as_str());
    let registry = tracing_subscriber::registry().with(filter);
    let stderr = fmt::layer().with_writer(std::io::stderr);
    // A second start finds the first one in place, which is just as good.
    let _ = match log.format {
        LogFormat::Text => registry
            .with(stderr.with_target(false).with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())))
            .try_init(),
        LogFormat::Json => registry.with(stderr.json().flatten_event(true)).try_init(),
    };
}

/// The operator's filter with the caps behind it, where they win.
fn filter(level: &str) -> EnvFilter {
    let capped = CAPPED.iter().filter_map(|cap| cap.parse().ok());
    capped.fold(EnvFilter::new(level), EnvFilter::add_directive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caps_win_over_the_operators_wish() {
        let filter = filter("trace,hyper=trace,reqwest=trace").to_string();
        for cap in CAPPED {
            assert!(filter.split(',').any(|directive| directive == *cap), "{filter}");
        }
        assert!(!filter.contains("hyper=trace"), "{filter}");
    }
}
