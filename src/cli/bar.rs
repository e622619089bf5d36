//! The progress of a long command: a bar at a terminal, and a line from time to time elsewhere.

use std::{
    fmt::{self, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::terminal;

/// The bar has 24 characters, so that the line fits 80 columns.
const TEMPLATE: &str = "[{bar:24}] {progress}";
/// How often a line is printed without a terminal.
const EVERY: Duration = Duration::from_secs(30);

/// Counts what is done, and shows it on stderr.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    printed_at: Instant,
}

impl Bar {
    /// The progress of `total` things to do.
    pub(super) fn new(total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        // The template is valid: its custom key is added next.
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.with_key("progress", write_progress).progress_chars("#--"));
        Self { bar, printed_at: Instant::now() }
    }

    /// Another item was done earlier. It does not count for the remaining time.
    pub(super) fn skip(&mut self) {
        self.bar.inc(1);
        self.bar.reset_eta();
    }

    /// Another item is done.
    pub(super) fn step(&mut self) {
        self.bar.inc(1);
        if self.bar.is_hidden() && self.printed_at.elapsed() >= EVERY {
            self.printed_at = Instant::now();
            let (total, done) = (self.bar.length().unwrap_or_default(), self.bar.position());
            terminal::eprint(progress_text(done, total, self.bar.per_sec(), self.bar.eta()) + "\n");
        }
    }

    /// Leaves the bar, so that something else can be printed below.
    pub(super) fn end(&self) {
        self.bar.abandon();
        if !self.bar.is_hidden() {
            terminal::eprint("\n");
        }
    }
}

fn write_progress(state: &ProgressState, line: &mut dyn fmt::Write) {
    let text = progress_text(state.pos(), state.len().unwrap_or_default(), state.per_sec(), state.eta());
    // A line that cannot be written is not shown.
    let _ = line.write_str(&text);
}

/// The progress, the rate and the remaining time, as far as they are known.
fn progress_text(done: u64, total: u64, per_second: f64, left: Duration) -> String {
    let percent = (u128::from(done) * 100).checked_div(u128::from(total)).unwrap_or(100);
    let mut text = format!("{done}/{total} {percent:>3}%");
    if per_second > 0.0 {
        // Writing to a text never fails.
        let _ = write!(text, "  {per_second:.1}/s  {} left", in_short(left));
    }
    text
}

fn in_short(time: Duration) -> String {
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
    fn the_line_shows_rate_and_time_left() {
        assert_eq!(progress_text(50, 100, 2.0, Duration::from_secs(25)), "50/100  50%  2.0/s  25 s left");
        assert_eq!(progress_text(0, 100, 0.0, Duration::ZERO), "0/100   0%");
        assert_eq!(progress_text(0, 0, 0.0, Duration::ZERO), "0/0 100%");
        let long = progress_text(1_234_567, 9_999_999, 3.1, Duration::from_secs(400_000));
        assert!(long.ends_with("  3.1/s  111 h 6 min left") && long.len() + 27 <= 80, "{long}");
    }
}
