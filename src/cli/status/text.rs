//! The status as a person reads it. Pure.

use chrono::{DateTime, Local};

use crate::{
    admin::{
        programs::Program,
        status::{Condition, Flow, Flows, Side, Status},
    },
    cli::table::{COLUMNS, paragraph, plain, table, wrapped},
    domain::{
        amount::{age, ago, counted, duration_in_words},
        time::UnixMillis,
    },
    metrics::{FailedLately, Fate},
};

/// How high a column of a chart can be.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How many of the messages that failed last are shown.
const FAILURES: usize = 10;
/// What stands in front of a thing that is wrong: it stops messages, or it does not.
const MARKS: [&str; 2] = ["  !! ", "  !  "];

/// The whole status, for a terminal that is so wide.
pub(super) fn text(status: &Status, columns: Option<usize>) -> String {
    let width = columns.unwrap_or(COLUMNS).min(COLUMNS);
    let parts = [
        head(status),
        wrong(status, width),
        sides(status, width),
        waiting(status, columns, width) + &programs(status, width),
        day(status, columns),
        failures(status, width),
        room(status, width),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(status: &Status) -> String {
    let is_ready = if status.ready { "is ready" } else { "is NOT ready" };
    let up = duration_in_words(status.started_at.until(status.at));
    format!("telekommo {} {is_ready}. It has run for {up}.\n", plain(&status.version))
}

fn wrong(status: &Status, width: usize) -> String {
    let line = |mark: &str, text: &str, since| {
        wrapped(&format!("{} (since {})", plain(text), local(since)), mark, "     ", width)
    };
    let (stopping, others): (Vec<_>, Vec<_>) = status.troubles.iter().partition(|wrong| wrong.stops);
    let lines = stopping.iter().map(|wrong| line(MARKS[0], &wrong.text, wrong.since));
    lines.chain(others.iter().map(|wrong| line(MARKS[1], &wrong.text, wrong.since))).collect()
}

fn sides(status: &Status, width: usize) -> String {
    let line = |label: &str, side: &Side, words: [&str; 4]| {
        let what = words[match side.state {
            Condition::Working => 0,
            Condition::Starting => 1,
            Condition::Failing => 2,
            Condition::Stopped => 3,
        }];
        let time = duration_in_words(side.since.until(status.at));
        paragraph(label, &format!("{what}, since {} ({time})", local(side.since)), width)
    };
    let bots = status.bots.iter().map(|bot| {
        let words = ["is polled", "has not been polled yet", "is not polled", "is not polled, and needs a person"];
        line(&format!("Bot {}", plain(bot.source.as_str())), &bot.side, words)
    });
    let words = ["answers", "has not been asked yet", "does not answer as it should", "needs a person"];
    bots.chain([line("Kommo", &status.kommo, words)]).collect()
}

fn waiting(status: &Status, columns: Option<usize>, width: usize) -> String {
    let used: Vec<_> = status.queues.iter().filter(|queue| queue.waiting > 0).collect();
    let mut text = if used.is_empty() {
        paragraph("Waiting", "nothing", width)
    } else {
        let head = ["WAITING", "JOBS", "OLDEST"].map(str::to_owned);
        let rows = used.iter().map(|queue| {
            let oldest = queue.oldest_at.map_or_else(|| "-".to_owned(), |at| age(at, status.at));
            [plain(&queue.route), queue.waiting.to_string(), oldest]
        });
        table(&[head].into_iter().chain(rows).collect::<Vec<_>>(), 0, columns)
    };
    if status.held.conversations > 0 {
        let conversations = counted(status.held.conversations, "conversation");
        let why = status.held.why.as_ref().map(|why| format!(": {}", plain(why))).unwrap_or_default();
        let held = format!("answers in {conversations}, until older ones that are missing have been looked for{why}");
        text += &paragraph("Held", &held, width);
    }
    let parked = match (status.parked.need_person, status.parked.reported) {
        (0, 0) => "nothing".to_owned(),
        (0, reported) => format!("{}, whose managers know that they failed", counted(reported, "message")),
        (need, reported) => {
            let reported = if reported > 0 { format!("; {reported} more, whose managers know") } else { String::new() };
            format!("{} for a person: `telekommo queue list --parked`{reported}", counted(need, "message"))
        }
    };
    text + &paragraph("Parked", &parked, width)
}

fn programs(status: &Status, width: usize) -> String {
    let line = |program: &Program| {
        let oldest = program.oldest_at.map(|at| format!(", the oldest for {}", duration_in_words(at.until(status.at))));
        let waiting = match program.waiting {
            0 => "has all its updates".to_owned(),
            some => format!("{} to be confirmed{}", counted(some, "update"), oldest.unwrap_or_default()),
        };
        let dropped = if program.dropped > 0 { format!("; {} were deleted", program.dropped) } else { String::new() };
        paragraph(&format!("Program {}", plain(&program.name)), &format!("{waiting}{dropped}"), width)
    };
    status.programs.iter().map(line).collect()
}

fn day(status: &Status, columns: Option<usize>) -> String {
    let head = ["SINCE", "RECEIVED", "DELIVERED", "FAILED", "HALF WITHIN", "99% WITHIN"];
    let since = local(status.counted_since);
    let Flows { inbound, outbound } = status.day;
    let row = |name: &str, flow: Flow| {
        let within = |millis: Option<u64>| millis.map_or_else(|| "-".to_owned(), took);
        let numbers = [flow.received, flow.delivered, flow.failed].map(|number| number.to_string());
        let [received, delivered, failed] = numbers;
        [name.to_owned(), received, delivered, failed, within(flow.p50_ms), within(flow.p99_ms)]
    };
    let mut head = head.map(str::to_owned);
    head[0] = format!("SINCE {since}");
    let figures = table(&[head, row("from customers", inbound), row("from managers", outbound)], 0, columns);
    let of_hours = |name: &str, of: fn(&Flows) -> Flow| {
        let received: Vec<_> = status.hours.iter().map(|hour| of(&hour.flows).received).collect();
        let most = received.iter().max().copied().unwrap_or_default();
        if most == 0 { String::new() } else { format!("{}  by the hour, {most} at most: {name}\n", chart(&received)) }
    };
    figures + &of_hours("customers", inbound_of) + &of_hours("managers", outbound_of)
}

const fn inbound_of(flows: &Flows) -> Flow {
    flows.inbound
}

const fn outbound_of(flows: &Flows) -> Flow {
    flows.outbound
}

/// Numbers as columns beside each other. None is a blank; the smallest that is one can be seen.
fn chart(numbers: &[u64]) -> String {
    let most = numbers.iter().max().copied().unwrap_or_default().max(1);
    let bar = |number: &u64| match number {
        0 => ' ',
        number => {
            usize::try_from((number * 8).div_ceil(most)).ok().and_then(|at| BARS.get(at - 1)).map_or('█', |it| *it)
        }
    };
    numbers.iter().map(bar).collect()
}

/// A time of a message, as precise as it is known.
fn took(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis}ms"),
        1000..10_000 => format!("{}.{}s", millis / 1000, millis % 1000 / 100),
        10_000..120_000 => format!("{}s", millis / 1000),
        120_000..7_200_000 => format!("{}m", millis / 60_000),
        7_200_000.. => format!("{}h", millis / 3_600_000),
    }
}

fn failures(status: &Status, width: usize) -> String {
    if status.failures.is_empty() {
        return String::new();
    }
    let line = |failed: &FailedLately| {
        let fate = match (failed.fate, failed.parked) {
            (Fate::Retried, _) => format!("failed {}, is tried again", times(failed.attempts)),
            (Fate::Parked, Some(id)) => format!("parked as {id}"),
            (Fate::Parked, None) => "parked".to_owned(),
            (Fate::Reported, _) => "reported to its manager as failed".to_owned(),
        };
        let place = [&failed.route, &failed.thread].map(|part| plain(part)).join("  ");
        let first = format!("  {}  {}\n", ago(failed.at, status.at), place.trim_end());
        first + &wrapped(&format!("{fate}: {}", plain(&failed.why)), "        ", "        ", width)
    };
    let shown: String = status.failures.iter().take(FAILURES).map(line).collect();
    format!("Failed lately:\n{shown}")
}

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

fn room(status: &Status, width: usize) -> String {
    let disk = &status.disk;
    let dump = disk.last_dump_at.map_or_else(|| "none yet".to_owned(), |at| ago(at, status.at));
    let mut lines = vec![
        (
            "Disk",
            format!(
                "{} free; the store takes {}, dumps {}",
                megabytes(disk.free_bytes),
                megabytes(disk.store_bytes),
                megabytes(disk.dumps_bytes)
            ),
        ),
        ("Last dump", dump),
    ];
    let ends = |at: UnixMillis| {
        let left = status.at.until(at);
        if left.is_zero() {
            format!("ended {}", local(at))
        } else {
            format!("ends {}, in {}", local(at), duration_in_words(left))
        }
    };
    lines.extend(status.token_ends_at.map(|at| ("Access token", ends(at))));
    lines.extend(status.certificate_ends_at.map(|at| ("Certificate", ends(at))));
    lines.iter().map(|(label, text)| paragraph(label, text, width)).collect()
}

fn megabytes(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} kB", bytes >> 10),
        megabytes @ 1..10_240 => format!("{megabytes} MB"),
        megabytes => format!("{} GB", megabytes >> 10),
    }
}

/// An instant in this machine's time zone.
fn local(at: UnixMillis) -> String {
    let at = DateTime::from_timestamp_millis(at.0).unwrap_or_default().with_timezone(&Local);
    at.format("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests;
