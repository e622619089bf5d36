//! What whoever starts the run wishes for.

use std::{
    fmt,
    fs::File,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
    time::Duration,
};

#[cfg(test)]
use crate::plan::WAYS;
use crate::plan::{Allowed, Phase};

/// How long the faults last if nothing else is wished, in seconds.
const SECONDS: u64 = 8;
/// The seed if nothing else is wished.
const SEED: u64 = 1;
/// How long smaller schedules are tried for, in seconds, when one has failed.
const SHRINK_SECONDS: u64 = 300;

/// What is played, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The seeds, one after the other.
    pub(crate) seeds: RangeInclusive<u64>,
    pub(crate) seconds: u64,
    pub(crate) troubles: Option<String>,
    /// What is played in place of what the seed decides.
    pub(crate) schedule: Option<Vec<Phase>>,
    /// Where the results of seeds are kept.
    pub(crate) record: Option<PathBuf>,
    /// How long smaller schedules are tried for.
    pub(crate) shrink_for: Duration,
}

impl Options {
    /// Those in the environment.
    pub(crate) fn wished() -> Self {
        let seeds = wish("TELEKOMMO_CHAOS_SEEDS").map(|seeds| range(&seeds));
        let is_one = seeds.is_none();
        let seed = number("TELEKOMMO_SEED").unwrap_or(SEED);
        // Whoever plays many seeds wants to know which of them fail first of all.
        let shrink = number("TELEKOMMO_CHAOS_SHRINK_SECONDS").unwrap_or(if is_one { SHRINK_SECONDS } else { 0 });
        Self {
            seeds: seeds.unwrap_or(seed..=seed),
            seconds: number("TELEKOMMO_CHAOS_SECONDS").unwrap_or(SECONDS),
            troubles: wish("TELEKOMMO_CHAOS_TROUBLES"),
            schedule: wish("TELEKOMMO_CHAOS_SCHEDULE").map(|json| serde_json::from_str(&json).unwrap()),
            record: wish("TELEKOMMO_CHAOS_RECORD").map(PathBuf::from),
            shrink_for: Duration::from_secs(shrink),
        }
    }

    /// The troubles that may come.
    pub(crate) fn allowed(&self) -> Allowed {
        self.troubles.as_deref().map_or_else(Allowed::default, Allowed::of)
    }

    /// What is played again by `seed` with these options: words for a shell.
    pub(crate) fn again(&self, seed: u64) -> String {
        let one = Self { seeds: seed..=seed, ..self.clone() };
        one.to_string()
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schedule) = &self.schedule {
            return f.write_str(&given(schedule));
        }
        let (first, last) = (self.seeds.start(), self.seeds.end());
        if first == last {
            write!(f, "TELEKOMMO_SEED={first}")?;
        } else {
            write!(f, "TELEKOMMO_CHAOS_SEEDS={first}..{last}")?;
        }
        write!(f, " TELEKOMMO_CHAOS_SECONDS={}", self.seconds)?;
        self.troubles.iter().try_for_each(|troubles| write!(f, " TELEKOMMO_CHAOS_TROUBLES='{troubles}'"))
    }
}

/// A schedule in the form in which it is taken back.
pub(crate) fn given(schedule: &[Phase]) -> String {
    format!("TELEKOMMO_CHAOS_SCHEDULE='{}'", serde_json::to_string(schedule).unwrap())
}

/// A new file in the folder that keeps what the bridge says, if there is to be one.
pub(crate) fn log() -> Option<File> {
    let folder = wish("TELEKOMMO_CHAOS_LOGS")?;
    let (file, path) =
        tempfile::Builder::new().prefix("bridge-").suffix(".log").tempfile_in(folder).unwrap().keep().unwrap();
    println!("what the bridge says is kept in {}", path.display());
    Some(file)
}

/// The commit that is played, unless something was changed since or there is none.
pub(crate) fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        let output = git.current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let is_clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    git(&["rev-parse", "HEAD"]).filter(|_| is_clean)
}

fn wish(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    wish(name).map(|wished| parsed(&wished, name))
}

fn parsed<T: FromStr>(text: &str, name: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is no number"))
}

/// `1..100`, both included.
fn range(text: &str) -> RangeInclusive<u64> {
    let bound = |text| parsed(text, "TELEKOMMO_CHAOS_SEEDS");
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    bound(first)..=bound(last)
}

#[test]
fn seeds_are_a_number_or_a_range_with_its_end() {
    assert_eq!((range("7"), range("1..100")), (7..=7, 1..=100));
}

#[test]
fn a_schedule_is_taken_back_as_it_was_given() {
    let schedule: Vec<_> = (0..20).map(|number| Phase::nth(3, number, &Allowed::default())).collect();
    let text = given(&schedule);
    let json = text.strip_prefix("TELEKOMMO_CHAOS_SCHEDULE='").unwrap().strip_suffix('\'').unwrap();
    assert_eq!(serde_json::from_str::<Vec<Phase>>(json).unwrap(), schedule);
    assert!(!json.contains('\''), "no shell takes it apart");
}

#[test]
fn a_seed_decides_the_same_phases_each_time_and_what_is_not_allowed_leaves_the_rest() {
    let (all, some) = (Allowed::default(), Allowed::of("killed, full disk"));
    for number in 0..50 {
        let (phase, fewer) = (Phase::nth(9, number, &all), Phase::nth(9, number, &some));
        assert_eq!(phase, Phase::nth(9, number, &all));
        assert_ne!(phase, Phase::nth(10, number, &all));
        assert_eq!((phase.seed, phase.rounds.len()), (fewer.seed, fewer.rounds.len()));
        for (round, left) in phase.rounds.iter().zip(&fewer.rounds) {
            assert_eq!(left.weather, [None; WAYS]);
            assert_eq!(left.lasts_ms, round.lasts_ms);
            assert!(left.trouble.name().is_none_or(|name| name == "full disk"));
            assert_eq!(left.end.name(), round.end.name().filter(|name| *name == "killed"));
        }
    }
}
