//! What all benchmarks use: wishes, the machine, and how much memory a process has.

use std::{fmt, fs, process::Command, thread};

/// A number that whoever runs the benchmark may choose.
#[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the benchmark")]
pub(crate) fn wished(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |wished| wished.parse().expect("it is a number"))
}

/// How much memory the process with this id has, in bytes.
pub(crate) fn memory(process: u32) -> u64 {
    memory_line(process, "VmRSS:")
}

/// A line of `/proc/PID/status` about memory, in bytes (proc(5)).
pub(crate) fn memory_line(process: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|it| it.strip_prefix(line)).expect("this is Linux");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).map_or(0, |kibibytes: u64| kibibytes << 10)
}

pub(crate) fn float(number: usize) -> f64 {
    u32::try_from(number).expect("there are fewer").into()
}

/// What figures were measured on, and how busy that was with something else.
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    commit: String,
    load: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
        let git = Command::new("git").args(["describe", "--always", "--dirty"]).output();
        let commit = git.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cores: thread::available_parallelism().map_or(1, usize::from),
            processor: name.trim_start_matches(['\t', ' ', ':']).to_owned(),
            commit,
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, processor, commit, load } = self;
        write!(f, "{cores} cores of {processor}, load {load} at the start, commit {commit}")
    }
}
