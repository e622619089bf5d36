//! How fast the bridge is between two remotes that answer at once, beside two relays that promise less.
//!
//! `cargo bench --bench relay` starts the real binary and prints a table. The first of the two others keeps nothing, so
//! it loses what is under way when it ends. The second writes each message to the disk by itself before it goes on.
//!
//! The three take turns, and of each rate the best counts: whatever else the machine does only slows one down.
//! `TELEKOMMO_BENCH_MESSAGES` says how many messages cross in each direction in each round, and
//! `TELEKOMMO_BENCH_ROUNDS` how many rounds there are.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    bridge::Relay,
    common::{Machine, float, memory_line, wished},
    process::{bridge, processor_time, yardstick},
    remotes::{CONVERSATIONS, Remotes},
    table::Figures,
    yardstick::Keeps,
};

#[path = "../common/bridge.rs"]
mod bridge;
#[path = "../common/mod.rs"]
mod common;
mod process;
mod remotes;
mod table;
mod yardstick;

/// How many messages go one by one in each round, to see how long each takes.
const SINGLE: usize = 200;
/// How often the start is measured; the fastest counts.
const STARTS: usize = 5;
/// How many bots the larger bridge has.
const MANY_BOTS: usize = 50;
/// How long a process is left alone before its memory is read.
const SETTLED: Duration = Duration::from_secs(2);

/// Measures one relay once more.
async fn measure(figures: &mut Figures, relay: &Relay, remotes: &Remotes, messages: usize) {
    // Every chat is known from here on, and every connection is open.
    remotes.inbound(CONVERSATIONS).await;
    remotes.outbound(relay.address, CONVERSATIONS).await;
    for _ in 0..SINGLE {
        figures.inbound.push(remotes.inbound(1).await);
        figures.outbound.push(remotes.outbound(relay.address, 1).await);
    }
    let rate = |took: Duration| float(messages) / took.as_secs_f64();
    let each = |work: Duration| work.div_f64(float(messages));
    let least = |former: Option<Duration>, new: Duration| Some(former.map_or(new, |former| former.min(new)));
    let before = processor_time(relay);
    figures.inbound_rate = figures.inbound_rate.max(rate(remotes.inbound(messages).await));
    let between = processor_time(relay);
    figures.outbound_rate = figures.outbound_rate.max(rate(remotes.outbound(relay.address, messages).await));
    figures.inbound_work = least(figures.inbound_work, each(between.saturating_sub(before)));
    figures.outbound_work = least(figures.outbound_work, each(processor_time(relay).saturating_sub(between)));
    figures.memory = figures.memory.max(relay.memory());
}

/// How long the bridge takes until it is up, in an empty data directory.
fn start_time(remotes: &Remotes) -> Duration {
    let start = |_| {
        let before = Instant::now();
        let _relay = bridge(remotes, 1);
        before.elapsed()
    };
    (0..STARTS).map(start).min().unwrap_or_default()
}

/// The memory of a bridge that has nothing to do, in bytes: all of it, and without the pages of files, which the system
/// can read again.
async fn idle_memory(remotes: &Remotes, bots: usize) -> (u64, u64) {
    let relay = bridge(remotes, bots);
    tokio::time::sleep(SETTLED).await;
    (relay.memory(), memory_line(relay.child.id(), "RssAnon:"))
}

async fn run() {
    let machine = Machine::here();
    let (messages, rounds) = (wished("TELEKOMMO_BENCH_MESSAGES", 5000), wished("TELEKOMMO_BENCH_ROUNDS", 3));
    let remotes = Remotes::start().await;
    let start = start_time(&remotes);
    let (idle, many) = (idle_memory(&remotes, 1).await, idle_memory(&remotes, MANY_BOTS).await);
    let [mut telekommo, mut nothing, mut flush] = [Figures::default(), Figures::default(), Figures::default()];
    for _ in 0..rounds {
        measure(&mut telekommo, &bridge(&remotes, 1), &remotes, messages).await;
        measure(&mut nothing, &yardstick(&remotes, Keeps::Nothing), &remotes, messages).await;
        measure(&mut flush, &yardstick(&remotes, Keeps::Flushed), &remotes, messages).await;
    }
    println!("{machine}; {rounds} rounds of {messages} messages each way in {CONVERSATIONS} conversations\n");
    table::print(&telekommo, &nothing, &flush);
    println!("\n| telekommo alone | |\n|---|---:|");
    println!("| start with an empty store | {} ms |", start.as_millis());
    for (bots, (all, own)) in [("1 bot".to_owned(), idle), (format!("{MANY_BOTS} bots"), many)] {
        println!("| memory at rest, {bots} | {} MiB |", all >> 20);
        println!("| of that without pages of the program file, {bots} | {} MiB |", own >> 20);
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    let words: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [keeps, telegram, kommo, file] = &words[..] {
        return runtime.block_on(yardstick::run(Keeps::of(keeps), telegram, kommo, &PathBuf::from(file)));
    }
    runtime.block_on(run());
}
