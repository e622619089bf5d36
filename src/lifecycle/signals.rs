//! The signals that reach the process.
//!
//! SIGTERM and SIGINT end it in order. SIGHUP comes from somebody who wants a daemon to read its configuration again,
//! or from a terminal that closes, and a bridge that reads it once more loses nothing. A command that a person watches
//! at a terminal ends in order instead. The system's own answer to SIGHUP, SIGUSR1 and SIGUSR2 is to kill the process,
//! so whoever does not want that has to catch them. Rust ignores SIGPIPE from the start.

use std::fs;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the process in order. Those that come during a start are kept, and acted on after it.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl Signals {
    /// Those of a daemon, from now on. Needs a tokio runtime around it.
    pub fn of_daemon() -> std::io::Result<(Self, HangUps, Ignored)> {
        let ignored =
            Ignored { user_1: signal(SignalKind::user_defined1())?, user_2: signal(SignalKind::user_defined2())? };
        Ok((Self::new(None)?, HangUps(signal(SignalKind::hangup())?), ignored))
    }

    /// Those of a command that lasts only as long as its terminal, unless whoever started it let it ignore SIGHUP, as
    /// nohup does. Needs a tokio runtime around it.
    pub fn at_terminal() -> std::io::Result<Self> {
        let hang_up = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Self::new(hang_up)
    }

    fn new(hang_up: Option<Signal>) -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hang_up })
    }

    /// Waits for the next signal that asks for a stop.
    pub async fn stop(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether this process was started with SIGHUP ignored. To catch it would end that.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The first bit is the first signal, which is SIGHUP.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// The signals by which a daemon is asked to read its configuration again. One that comes during a start is kept.
#[derive(Debug)]
pub struct HangUps(Signal);

impl HangUps {
    /// Waits for the next one.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// The signals that mean nothing to a daemon.
#[derive(Debug)]
pub struct Ignored {
    user_1: Signal,
    user_2: Signal,
}

impl Ignored {
    /// Says in the log when one comes, for as long as the process lives. Needs a tokio runtime around it.
    pub fn tell(mut self) {
        #[expect(clippy::disallowed_methods, reason = "no stop may wait for the task that waits for signals")]
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = self.user_1.recv() => tracing::info!("SIGUSR1: telekommo keeps running; this signal means \
                        nothing to it"),
                    _ = self.user_2.recv() => tracing::info!("SIGUSR2: telekommo keeps running; this signal means \
                        nothing to it"),
                }
            }
        });
    }
}
