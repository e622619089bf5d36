//! What goes wrong when. The seed decides all of it.
//!
//! A phase holds everything that decides how it goes, so that it can be played apart from those before it. As JSON it
//! is what `TELEKOMMO_CHAOS_SCHEDULE` takes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    disk::{CUTS, Cut},
    proxy::{Fault, Weather},
};

mod allowed;

pub(crate) use allowed::Allowed;

/// How many ways there are.
pub(crate) const WAYS: usize = 4;
/// How long a round lasts, in milliseconds.
const ROUND_MS: std::ops::Range<u64> = 200..1500;
/// How many rounds of faults there are before everything heals, and is judged.
const ROUNDS: std::ops::RangeInclusive<usize> = 3..=8;
/// How long a round lasts in which nothing goes wrong.
const CALM_MS: u64 = 3000;
/// The same of the round behind a restored backup.
const LAST_MS: u64 = 1000;
/// The same of one that ends with a kill and has nothing else.
const KILL_MS: u64 = 400;
/// How far the clock is set, in milliseconds.
const STEP_MS: std::ops::Range<i64> = -3_600_000..3_600_000;
/// For how long the machine sleeps. What waits is not too old then to be sent.
const ASLEEP_MINUTES: std::ops::Range<u16> = 1..60;

/// A few rounds of faults. After them everything works again, and all that was said has to arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Phase {
    /// What is left to chance while it is played follows from this: who speaks how fast, which requests go wrong, and
    /// what a disk keeps.
    pub(crate) seed: u64,
    /// What is done to its files before, when everything has arrived.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) files: Files,
    pub(crate) rounds: Vec<Round>,
}

/// A while with the same faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Round {
    /// On the way to Telegram, to Kommo, from Kommo to the bridge, and to the account.
    pub(crate) weather: [Option<Weather>; WAYS],
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) trouble: Trouble,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) reload: Reload,
    pub(crate) lasts_ms: u64,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) end: End,
}

/// Whether something goes without saying.
fn is_usual<T: Default + PartialEq>(it: &T) -> bool {
    *it == T::default()
}

/// What is done to the bridge's files while it is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Files {
    /// Nothing. It is not stopped either.
    #[default]
    Left,
    /// A copy that is older is put in their place.
    PutBack,
    /// The store is restored from the oldest dump that is there.
    Restored,
    /// The store is one that an earlier version has written.
    OlderFormat,
    /// A bit of a file of the store is another than it was.
    FlippedBit,
    /// The store is restored from a backup that was made while everybody talked, and another version starts with it.
    FromBackup,
    /// Another version had it last.
    Upgraded,
}

/// What goes wrong beside the ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// The disk is full.
    FullDisk,
    /// The disk fails.
    DiskError,
    /// Nothing can be written any more.
    ReadOnly,
    /// This machine's clock is set, by so many milliseconds.
    Clock(i64),
    /// The channel is not connected to the account.
    Disconnected,
    /// Another program polls with a bot's token.
    SecondPoller,
    /// A bot's token is revoked, and given back.
    Revoked,
    /// The machine sleeps, by its clock for so many minutes.
    Asleep(u16),
}

/// What changes in the configuration, which the running bridge is asked to read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reload {
    /// Nothing, and it is not asked.
    #[default]
    None,
    /// A bot that nobody writes to comes, or goes if it is there.
    Bot,
    /// How long Telegram is waited for: all bots are made anew.
    Telegram,
    /// How long Kommo is waited for: what talks to it is made anew.
    Kommo,
}

/// How a round ends for the bridge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// It runs on.
    #[default]
    RunsOn,
    /// It is stopped and started.
    Stop,
    /// It is killed and started.
    Kill,
    /// The power goes, and this is what the disk makes of it.
    PowerCut(Cut),
}

impl Phase {
    /// One in which nothing goes wrong, for as long as everybody needs to have a turn. The configuration changes
    /// meanwhile, and a backup is made.
    pub(crate) fn calm(seed: u64) -> Self {
        Self::in_calm(seed, Files::Left, (Reload::Kommo, CALM_MS))
    }

    /// One behind it, with the backup that was made in it.
    pub(crate) fn from_backup(seed: u64) -> Self {
        Self::in_calm(seed, Files::FromBackup, (Reload::None, LAST_MS))
    }

    /// One in which the bridge is killed so many times, and nothing else goes wrong.
    pub(crate) fn kills(count: usize) -> Self {
        let phase = Self::in_calm(1, Files::Left, (Reload::None, KILL_MS));
        let round = Round { end: End::Kill, ..phase.rounds[0].clone() };
        Self { rounds: vec![round; count], ..phase }
    }

    fn in_calm(seed: u64, files: Files, (reload, lasts_ms): (Reload, u64)) -> Self {
        let round = Round { weather: [None; WAYS], trouble: Trouble::None, reload, lasts_ms, end: End::RunsOn };
        Self { seed, files, rounds: vec![round] }
    }

    /// Phase `number` of a run with this seed. What is not allowed is left out, and the rest is as it would be.
    pub(crate) fn nth(seed: u64, number: u64, allowed: &Allowed) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed.rotate_left(32) ^ number);
        let mut of_account = fastrand::Rng::with_seed(!seed.rotate_left(32) ^ number);
        let mut of_reloads = fastrand::Rng::with_seed(seed.rotate_left(16) ^ number);
        let (seed, count) = (chance.u64(..), chance.usize(ROUNDS));
        let rounds =
            (0..count).map(|_| Round::draw(&mut chance, [&mut of_account, &mut of_reloads]).with(allowed)).collect();
        let files = Files::draw(&mut chance);
        Self {
            seed,
            files: if files.name().is_none_or(|name| allowed.has(name)) { files } else { Files::Left },
            rounds,
        }
    }
}

impl Round {
    fn draw(chance: &mut fastrand::Rng, [of_account, of_reloads]: [&mut fastrand::Rng; 2]) -> Self {
        let [to_telegram, to_kommo, to_bridge] = [(); 3].map(|()| weather(chance));
        // Whom the account shuts out keeps quiet for minutes.
        let to_account = weather(of_account).filter(|weather| weather.fault != Fault::Forbidden);
        Self {
            weather: [to_telegram, to_kommo, to_bridge, to_account],
            trouble: Trouble::draw(chance),
            reload: Reload::draw(of_reloads),
            lasts_ms: chance.u64(ROUND_MS),
            end: End::draw(chance),
        }
    }

    pub(crate) const fn lasts(&self) -> Duration {
        Duration::from_millis(self.lasts_ms)
    }

    fn with(mut self, allowed: &Allowed) -> Self {
        self.weather = self.weather.map(|it| it.filter(|weather| allowed.has(&weather.fault.name())));
        if self.trouble.name().is_some_and(|name| !allowed.has(name)) {
            self.trouble = Trouble::None;
        }
        if self.reload.name().is_some_and(|name| !allowed.has(name)) {
            self.reload = Reload::None;
        }
        if self.end.name().is_some_and(|name| !allowed.has(name)) {
            self.end = End::RunsOn;
        }
        self
    }
}

/// Half of the time a way is clear; else the next faults are few, many, or all there is.
fn weather(chance: &mut fastrand::Rng) -> Option<Weather> {
    let fault = Fault::ALL[chance.usize(..Fault::ALL.len())];
    let percent = [10, 30, 60, 100][chance.usize(..4)];
    chance.bool().then_some(Weather { fault, percent })
}

impl Files {
    /// One of each kind.
    const ALL: [Self; 7] = [
        Self::Left,
        Self::PutBack,
        Self::Restored,
        Self::OlderFormat,
        Self::FlippedBit,
        Self::FromBackup,
        Self::Upgraded,
    ];

    fn draw(chance: &mut fastrand::Rng) -> Self {
        match chance.u8(0..10) {
            0 => Self::PutBack,
            1 => Self::Restored,
            2 => Self::OlderFormat,
            3 => Self::FlippedBit,
            4 => Self::FromBackup,
            5 => Self::Upgraded,
            6.. => Self::Left,
        }
    }

    /// What the table of figures calls it.
    pub(crate) const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Left => return None,
            Self::PutBack => "older copy put back",
            Self::Restored => "restored from a dump",
            Self::OlderFormat => "store of an older format",
            Self::FlippedBit => "flipped bit",
            Self::FromBackup => "restored from a backup",
            Self::Upgraded => "started as another version",
        })
    }
}

impl Trouble {
    /// One of each kind.
    const ALL: [Self; 9] = [
        Self::None,
        Self::FullDisk,
        Self::DiskError,
        Self::ReadOnly,
        Self::Clock(0),
        Self::Disconnected,
        Self::SecondPoller,
        Self::Revoked,
        Self::Asleep(0),
    ];

    fn draw(chance: &mut fastrand::Rng) -> Self {
        let (step, minutes) = (chance.i64(STEP_MS), chance.u16(ASLEEP_MINUTES));
        match chance.u8(0..20) {
            0 => Self::FullDisk,
            1 => Self::DiskError,
            2 => Self::ReadOnly,
            3 => Self::Clock(step),
            4 => Self::Disconnected,
            5 => Self::SecondPoller,
            6 => Self::Revoked,
            7 => Self::Asleep(minutes),
            8.. => Self::None,
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
            Self::Revoked => "token revoked",
            Self::Asleep(_) => "asleep",
        })
    }
}

impl Reload {
    /// One of each kind.
    const ALL: [Self; 4] = [Self::None, Self::Bot, Self::Telegram, Self::Kommo];

    fn draw(chance: &mut fastrand::Rng) -> Self {
        match chance.u8(0..8) {
            0 | 1 => Self::Bot,
            2 => Self::Telegram,
            3 => Self::Kommo,
            4.. => Self::None,
        }
    }

    /// What the table of figures calls it.
    pub(crate) const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Bot => "reload: a bot comes or goes",
            Self::Telegram => "reload: other limits for Telegram",
            Self::Kommo => "reload: other limits for Kommo",
        })
    }
}

impl End {
    /// One of each kind.
    const ALL: [Self; 4] = [Self::RunsOn, Self::Stop, Self::Kill, Self::PowerCut(Cut::AllLost)];

    /// What the table of figures calls it.
    pub(crate) const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::RunsOn => return None,
            Self::Stop => "stopped",
            Self::Kill => "killed",
            Self::PowerCut(_) => "power cut",
        })
    }

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
