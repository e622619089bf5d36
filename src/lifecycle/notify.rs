//! What systemd is told.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, interval_at};

/// Tells systemd that the bridge works, if systemd started it.
pub fn tell_ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells systemd that the configuration is read again.
pub fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        // One without the other is a failure of the service to systemd.
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "systemd could not be notified"),
    }
}

/// Tells systemd that this has ended, and what is to be known of it; nothing, if all is well.
pub fn tell_reloaded(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&status.replace('\n', " "))]);
}

/// Tells systemd that the bridge stops.
pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

pub(super) fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be notified");
    }
}

/// How often systemd is told that a start goes on, and for how long it waits then.
const STARTING_EVERY: Duration = Duration::from_secs(5);
const STARTING_FOR: Duration = Duration::from_secs(30);

/// Waits for a part of the start that may take long. As long as it does, systemd is asked to wait as well.
pub async fn starting<T>(work: impl Future<Output = T>) -> T {
    let mut every = interval_at(Instant::now() + STARTING_EVERY, STARTING_EVERY);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = every.tick() => {
                let usec = u32::try_from(STARTING_FOR.as_micros()).unwrap_or(u32::MAX);
                tell(&[NotifyState::ExtendTimeoutUsec(usec)]);
            }
        }
    }
}
