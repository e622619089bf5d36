//! After a while of faults: everything that was said arrives.

use tokio::time::{Instant, timeout};

use super::{LOOK_EVERY, Run};
use crate::{WITHIN, checks};

impl Run {
    /// Waits until everything has arrived. How long that may take depends on the machine, so it is standing still that
    /// fails.
    pub(super) async fn drain(&mut self) {
        let began = Instant::now();
        let (mut least, mut since) = (usize::MAX, Instant::now());
        loop {
            self.tend(LOOK_EVERY).await;
            // Presses expire meanwhile.
            let mut left = self.people.read(&self.stage.telegram, |book| checks::left(&self.stage, book));
            left.insert("jobs of the bridge", self.waiting().await);
            let count = left.values().sum();
            if count == 0 {
                break;
            }
            if count < least {
                (least, since) = (count, Instant::now());
            }
            if since.elapsed() > WITHIN {
                let _slow = timeout(WITHIN, self.opened.open(&self.stage)).await;
                let problems = self.judge().await.problems;
                panic!("this does not arrive: {left:?} {problems:#?}\n{}", self.trouble());
            }
        }
        self.slowest = self.slowest.max(began.elapsed());
    }

    /// How many jobs wait.
    async fn waiting(&self) -> usize {
        let Some(metrics) = self.operator("metrics").await else { return 1 };
        let waiting = metrics.lines().filter(|line| line.starts_with("telekommo_waiting_jobs{"));
        waiting.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }
}
