//! The signals of the process.
//!
//! SIGTERM and SIGINT stop it in order. SIGHUP asks a daemon to reload its configuration, or comes from a terminal that
//! closes; in that case a reload does no harm. A command at a terminal stops in order instead. By default SIGHUP,
//! SIGUSR1 and SIGUSR2 kill the process, so they are caught. Rust ignores SIGPIPE from the start.

use std::fs;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the process in order. Those that arrive during a start take effect after it.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl Signals {
    /// Catches the signals of a daemon. Needs a tokio runtime.
    pub fn of_daemon() -> std::io::Result<(Self, HangUps, Ignored)> {
        let ignored =
            Ignored { user_1: signal(SignalKind::user_defined1())?, user_2: signal(SignalKind::user_defined2())? };
        Ok((Self::new(None)?, HangUps(signal(SignalKind::hangup())?), ignored))
    }

    /// Catches the signals of a command, which stops when its terminal closes, unless it was started with SIGHUP
    /// ignored, as nohup does. Needs a tokio runtime.
    pub fn at_terminal() -> std::io::Result<Self> {
        let hang_up = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Self::new(hang_up)
    }

    fn new(hang_up: Option<Signal>) -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hang_up })
    }

    /// Waits for the next signal to stop.
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

/// Whether this process was started with SIGHUP ignored. Catching the signal would end that.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The first bit is the first signal, which is SIGHUP.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// The signals that ask a daemon to reload its configuration. One that arrives during a start takes effect after it.
#[derive(Debug)]
pub struct HangUps(Signal);

impl HangUps {
    /// Waits for the next one.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// The signals that a daemon ignores.
#[derive(Debug)]
pub struct Ignored {
    user_1: Signal,
    user_2: Signal,
}

impl Ignored {
    /// Logs each of them, as long as the process runs. Needs a tokio runtime.
    pub fn log(mut self) {
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
