//! What goes wrong when. The seed decides all of it.

use std::time::Duration;

use crate::{
    disk::{CUTS, Cut},
    proxy::{Fault, Weather},
};

/// How long a round lasts, in milliseconds.
const ROUND_MS: std::ops::Range<u64> = 200..1500;
/// How many rounds of faults there are before everything heals, and is judged.
const ROUNDS: std::ops::RangeInclusive<usize> = 3..=8;
/// How far the clock is set, in milliseconds.
const STEP_MS: std::ops::Range<i64> = -3_600_000..3_600_000;

/// A few rounds of faults. After them everything works again, and all that was said has to arrive.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) rounds: Vec<Round>,
}

/// A while with the same faults.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// On the way to Telegram, to Kommo, and from Kommo to the bridge.
    pub(crate) weather: [Option<Weather>; 3],
    pub(crate) trouble: Trouble,
    pub(crate) lasts: Duration,
    pub(crate) end: End,
}

/// What goes wrong beside the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// The disk is full.
    FullDisk,
    /// The disk fails.
    DiskError,
    /// Nothing can be written any more.
    ReadOnly,
    /// This machine's clock is set.
    Clock(i64),
    /// The channel is not connected to the account.
    Disconnected,
    /// Another program polls with a bot's token.
    SecondPoller,
}

/// How a round ends for the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It runs on.
    RunsOn,
    /// It is stopped and started.
    Stop,
    /// It is killed and started.
    Kill,
    /// The power goes, and this is what the disk makes of it.
    PowerCut(Cut),
}

impl Phase {
    /// The next phase.
    pub(crate) fn draw(chance: &mut fastrand::Rng) -> Self {
        let count = chance.usize(ROUNDS);
        Self { rounds: (0..count).map(|_| Round::draw(chance)).collect() }
    }
}

impl Round {
    fn draw(chance: &mut fastrand::Rng) -> Self {
        Self {
            weather: [(); 3].map(|()| weather(chance)),
            trouble: Trouble::draw(chance),
            lasts: Duration::from_millis(chance.u64(ROUND_MS)),
            end: End::draw(chance),
        }
    }
}

/// Half of the time a way is clear; else the next faults are few, many, or all there is.
fn weather(chance: &mut fastrand::Rng) -> Option<Weather> {
    let fault = Fault::ALL[chance.usize(..Fault::ALL.len())];
    let percent = [10, 30, 60, 100][chance.usize(..4)];
    chance.bool().then_some(Weather { fault, percent })
}

impl Trouble {
    fn draw(chance: &mut fastrand::Rng) -> Self {
        let step = chance.i64(STEP_MS);
        match chance.u8(0..16) {
            0 => Self::FullDisk,
            1 => Self::DiskError,
            2 => Self::ReadOnly,
            3 => Self::Clock(step),
            4 => Self::Disconnected,
            5 => Self::SecondPoller,
            6.. => Self::None,
        }
    }

    /// What the table of figures calls it.
    pub(crate) const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::FullDisk => "full disk",
            Self::DiskError => "disk error",
            Self::ReadOnly => "read-only disk",
            Self::Clock(_) => "clock set",
            Self::Disconnected => "channel disconnected",
            Self::SecondPoller => "second poller",
        })
    }
}

impl End {
    fn draw(chance: &mut fastrand::Rng) -> Self {
        let cut = CUTS[chance.usize(..CUTS.len())];
        match chance.u8(0..8) {
            0 | 1 => Self::Kill,
            2 | 3 => Self::PowerCut(cut),
            4 => Self::Stop,
            5.. => Self::RunsOn,
        }
    }
}
