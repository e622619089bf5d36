//! Notifications to systemd.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, interval_at};

/// Notifies systemd that the bridge is ready, if systemd started it.
pub fn notify_ready() {
    send(&[NotifyState::Ready]);
}

/// Notifies systemd that the configuration is being reloaded.
pub fn notify_reloading() {
    match NotifyState::monotonic_usec_now() {
        // For systemd, one without the other is a failure of the service.
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "systemd could not be notified"),
    }
}

/// Notifies systemd that the reload has ended, with its status, which is empty after a success.
pub fn notify_reloaded(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(&status.replace('\n', " "))]);
}

/// Notifies systemd that the bridge stops.
pub fn notify_stopping() {
    send(&[NotifyState::Stopping]);
}

pub(super) fn send(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be notified");
    }
}

/// How often systemd is notified that a start goes on, and how long it waits then.
const STARTING_EVERY: Duration = Duration::from_secs(5);
const STARTING_FOR: Duration = Duration::from_secs(30);

/// Waits for a part of the start that may take long. Until it ends, systemd is asked to wait as well.
pub async fn starting<T>(work: impl Future<Output = T>) -> T {
    let mut every = interval_at(Instant::now() + STARTING_EVERY, STARTING_EVERY);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = every.tick() => {
                let usec = u32::try_from(STARTING_FOR.as_micros()).unwrap_or(u32::MAX);
                send(&[NotifyState::ExtendTimeoutUsec(usec)]);
            }
        }
    }
}
