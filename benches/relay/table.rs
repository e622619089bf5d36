//! The figures side by side.

use std::time::Duration;

/// What was measured of one relay.
#[derive(Default)]
pub(crate) struct Figures {
    /// Messages a second from customers, and from managers.
    pub(crate) inbound_rate: f64,
    pub(crate) outbound_rate: f64,
    /// How long single ones took.
    pub(crate) inbound: Vec<Duration>,
    pub(crate) outbound: Vec<Duration>,
    /// How much of the processor a message of a rate took: the least of all rounds.
    pub(crate) inbound_work: Option<Duration>,
    pub(crate) outbound_work: Option<Duration>,
    /// How much memory it had at the end of a round, at most.
    pub(crate) memory: u64,
}

impl Figures {
    fn memory(&self) -> f64 {
        f64::from(u32::try_from(self.memory >> 10).unwrap_or(u32::MAX)) / 1024.0
    }
}

/// The milliseconds that so many of a hundred do not exceed.
fn percentile(times: &[Duration], of_hundred: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * of_hundred / 100).min(sorted.len() - 1)].as_secs_f64() * 1000.0
}

fn micros(time: Option<Duration>) -> f64 {
    time.map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

/// Prints a row for each figure: of telekommo, of the two others, and how many times theirs it is.
pub(crate) fn print(telekommo: &Figures, nothing: &Figures, flush: &Figures) {
    println!("| | telekommo | stores nothing | one flush a message | of the first | of the second |");
    println!("|---|---:|---:|---:|---:|---:|");
    let row = |what: &str, unit: &str, digits: usize, of: &dyn Fn(&Figures) -> f64| {
        let [ours, nothing, flush] = [of(telekommo), of(nothing), of(flush)];
        let show = |value: f64| format!("{value:.digits$} {unit}");
        let times = format!("{:.2} | {:.2}", ours / nothing, ours / flush);
        println!("| {what} | {} | {} | {} | {times} |", show(ours), show(nothing), show(flush));
    };
    row("from customers to Kommo", "/s", 0, &|of| of.inbound_rate);
    row("from managers to Telegram", "/s", 0, &|of| of.outbound_rate);
    for share in [50, 99] {
        row(&format!("one message in, p{share}"), "ms", 1, &|of| percentile(&of.inbound, share));
        row(&format!("one message out, p{share}"), "ms", 1, &|of| percentile(&of.outbound, share));
    }
    row("processor time of a message in", "µs", 0, &|of| micros(of.inbound_work));
    row("processor time of a message out", "µs", 0, &|of| micros(of.outbound_work));
    row("memory after that", "MiB", 0, &Figures::memory);
}
