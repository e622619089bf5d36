//! The one place that reads clocks. Waits within a run use the steady clock, which nobody can set.

use std::{
    sync::{
        OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Handle, Id},
    time,
};

use crate::domain::time::UnixMillis;

/// How far the clocks of the tokio runtimes of tests are moved, in milliseconds.
static MOVED: RwLock<Vec<(Id, i64)>> = RwLock::new(Vec::new());
/// Whether any is, so that a bridge at work asks nothing but the system.
static IS_MOVED: AtomicBool = AtomicBool::new(false);

/// The present instant, by this machine's clock.
///
/// A clock set before 1970 reads as the epoch.
#[must_use]
pub fn now() -> UnixMillis {
    let UnixMillis(now) = system();
    UnixMillis(if IS_MOVED.load(Ordering::Acquire) { now.saturating_add(moved()) } else { now })
}

fn system() -> UnixMillis {
    #[expect(clippy::disallowed_methods, reason = "everybody else takes the instant as an argument or asks here")]
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn moved() -> i64 {
    let Ok(runtime) = Handle::try_current().map(|handle| handle.id()) else { return 0 };
    let all = MOVED.read().unwrap_or_else(PoisonError::into_inner);
    all.iter().find(|(id, _)| *id == runtime).map_or(0, |(_, by)| *by)
}

/// Sets the clock of the tokio runtime around the caller so many milliseconds off this machine's. It is for tests,
/// whose bridges each have a runtime of their own: no command and no setting leads here.
///
/// # Panics
/// Without a runtime around it.
pub fn set_off_by(milliseconds: i64) {
    let runtime = Handle::current().id();
    let mut all = MOVED.write().unwrap_or_else(PoisonError::into_inner);
    all.retain(|(id, _)| *id != runtime);
    all.push((runtime, milliseconds));
    IS_MOVED.store(true, Ordering::Release);
}

/// An instant by both clocks: the one on the wall, which people and time servers set, and the one that only counts.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the clock on the wall.
    pub wall: UnixMillis,
    counted: time::Instant,
}

impl Moment {
    #[must_use]
    pub fn now() -> Self {
        Self { wall: now(), counted: time::Instant::now() }
    }

    /// How much time has been counted since. A machine that sleeps does not count.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.counted.elapsed()
    }

    /// How much further the clock on the wall has come since than what was counted: somebody set it, or the machine
    /// slept.
    #[must_use]
    pub fn leapt(&self) -> Duration {
        self.wall.until(now()).saturating_sub(self.elapsed())
    }

    /// How far the clock on the wall has been set back since.
    #[must_use]
    pub fn set_back(&self) -> Duration {
        now().until(self.wall.plus(self.elapsed()))
    }
}

/// The present instant by a clock that nobody sets: it shows the wall clock's time at its first reading, and from then
/// on only what has passed. Waits within one run are measured by it, so that a step of the wall clock neither ends nor
/// prolongs them. It means nothing to another run, and does not go on while the machine is suspended.
#[must_use]
pub fn steady() -> UnixMillis {
    static START: OnceLock<(Instant, UnixMillis)> = OnceLock::new();
    let (started, at) = START.get_or_init(|| (Instant::now(), system()));
    at.plus(started.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn each_runtime_has_a_clock_of_its_own() {
        let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (moved, other) = (runtime(), runtime());
        moved.block_on(async { set_off_by(-HOUR_MS) });
        #[expect(clippy::disallowed_methods, reason = "a worker of the runtime is to look at the clock")]
        let [there, here] =
            [&moved, &other].map(|it| it.block_on(async { tokio::spawn(async { now() }).await.unwrap() }));
        assert!((there.0 + HOUR_MS - here.0).abs() < HOUR_MS / 60, "{there} {here}");
        assert!((here.0 - now().0).abs() < HOUR_MS / 60, "no runtime, no change");
    }

    #[tokio::test]
    async fn a_step_is_told_from_time_that_has_passed() {
        let hour = Duration::from_hours(1);
        let moment = Moment::now();
        assert!(moment.leapt() < hour / 60 && moment.set_back() < hour / 60);
        set_off_by(HOUR_MS);
        assert!(moment.leapt() > hour / 2 && moment.set_back().is_zero());
        set_off_by(-HOUR_MS);
        assert!(moment.set_back() > hour / 2 && moment.leapt().is_zero());
    }
}
