//! The progress of an import, for a person who watches.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use tokio::time::Instant;

/// How many characters the bar itself has.
const WIDTH: usize = 24;
/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(200);

/// A line that is drawn again and again; nothing if nobody watches.
#[derive(Debug)]
pub(super) struct Bar {
    total: usize,
    done: usize,
    /// How many of them were done before this began.
    before: usize,
    started_at: Instant,
    drawn_at: Option<Instant>,
    is_watched: bool,
}

impl Bar {
    /// A bar for `total` messages.
    pub(super) fn new(total: usize) -> Self {
        let is_watched = io::stderr().is_terminal();
        Self { total, done: 0, before: 0, started_at: Instant::now(), drawn_at: None, is_watched }
    }

    /// Another message was done before.
    pub(super) fn skip(&mut self) {
        self.before += 1;
        self.step();
    }

    /// Another message is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        let now = Instant::now();
        let is_due = self.drawn_at.is_none_or(|at| now - at >= EVERY) || self.done == self.total;
        if self.is_watched && is_due {
            self.drawn_at = Some(now);
            eprint!("\r{:<79}", line(self.done, self.total, self.before, now - self.started_at));
            let _ = io::stderr().flush();
        }
    }

    /// Leaves what was drawn behind.
    pub(super) fn end(&self) {
        if self.drawn_at.is_some() {
            eprintln!();
        }
    }
}

fn line(done: usize, total: usize, before: usize, elapsed: Duration) -> String {
    let full = (done * WIDTH).checked_div(total).unwrap_or(WIDTH).min(WIDTH);
    let percent = (done * 100).checked_div(total).unwrap_or(100);
    let bar = format!("[{}{}]", "#".repeat(full), "-".repeat(WIDTH - full));
    let now = done.saturating_sub(before);
    let seconds = elapsed.as_secs_f64();
    let told = format!("{bar} {done}/{total} {percent:>3}%");
    let (Ok(now), Ok(left)) = (u32::try_from(now), u32::try_from(total.saturating_sub(done))) else { return told };
    if now == 0 || seconds <= 0.0 {
        return told;
    }
    let rate = f64::from(now) / seconds;
    let left = Duration::from_secs_f64((f64::from(left) / rate).min(1e9));
    format!("{told}  {rate:.1}/s  {} left", told_in_short(left))
}

fn told_in_short(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_rate_and_time_left_in_79_columns() {
        let half = line(50, 100, 0, Duration::from_secs(25));
        assert_eq!(half, "[############------------] 50/100  50%  2.0/s  25 s left");
        assert_eq!(line(0, 100, 0, Duration::ZERO), "[------------------------] 0/100   0%");
        assert!(
            line(60, 100, 50, Duration::from_secs(10)).contains("1.0/s  40 s left"),
            "what was done before is no rate"
        );
        let long = line(1_234_567, 9_999_999, 0, Duration::from_secs(400_000));
        assert!(long.len() < 80 && long.contains(" h "), "{long}");
        assert_eq!(line(0, 0, 0, Duration::ZERO), format!("[{}] 0/0 100%", "#".repeat(WIDTH)));
    }
}
