//! A relay in small: the real breaker and the real verdicts, conversations of which some fail always, and a remote that
//! is ill for a while. Time is played.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use proptest::{collection::vec, option, prelude::*};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::*;
use crate::breaker::{Breaker, Gate, Remote, Sign};

/// How the remote is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Fine,
    /// Nobody can reach it.
    Away,
    /// It answers neither messages nor probes.
    Ill,
    /// It answers probes, and takes no message.
    Refusing,
    /// It asks everybody for patience.
    Flooded(Option<u16>),
}

impl Weather {
    fn of_message(self) -> Option<Failure> {
        match self {
            Self::Fine => None,
            Self::Away => Some(Failure::unreachable("refused")),
            Self::Ill | Self::Refusing => Some(Failure::transient("500")),
            Self::Flooded(asked) => {
                let after = asked.map(|seconds| Duration::from_secs(seconds.into()));
                Some(Failure::Throttled { why: "429".to_owned(), after })
            }
        }
    }

    fn of_probe(self) -> Result<(), Failure> {
        match self {
            Self::Fine | Self::Refusing => Ok(()),
            Self::Away | Self::Ill | Self::Flooded(_) => self.of_message().map_or(Ok(()), Err),
        }
    }
}

fn weather() -> impl Strategy<Value = Weather> {
    prop_oneof![
        Just(Weather::Away),
        Just(Weather::Ill),
        Just(Weather::Refusing),
        option::of(0..7200_u16).prop_map(Weather::Flooded),
    ]
}

#[derive(Clone, Debug)]
struct Waiting {
    tried_at: Option<Instant>,
    failed: u32,
}

/// A conversation. What is said in one that `fails` is refused by a remote that is well.
#[derive(Debug)]
struct Conversation {
    fails: bool,
    jobs: VecDeque<Waiting>,
    retry_at: Option<Instant>,
}

struct Relay {
    sky: Arc<Mutex<Weather>>,
    breaker: Breaker,
    lanes: BTreeMap<usize, Conversation>,
    /// Who has been served goes to the end.
    line: VecDeque<usize>,
    slots: usize,
    chance: fastrand::Rng,
    /// When messages were sent.
    sent_at: Vec<Instant>,
    /// The most attempts that a message has used up which nothing is wrong with.
    spent: u32,
    parked_well: usize,
    _prober: JoinSet<()>,
}

/// What one round of claims takes.
const CALL: Duration = Duration::from_millis(100);
/// How long until it comes round again where nothing can be claimed.
const REST: Duration = Duration::from_millis(300);

impl Relay {
    fn new(well: usize, failing: usize, jobs: usize, (slots, may_try, seed): (usize, bool, u64)) -> Self {
        let sky = Arc::new(Mutex::new(Weather::Fine));
        let above = Arc::clone(&sky);
        let probe = move || {
            let answer = above.lock().unwrap().of_probe();
            async move { answer }
        };
        let remote = Remote::new("kommo", (Duration::from_mins(1), may_try), probe, |_| {});
        let mut prober = JoinSet::new();
        prober.spawn(remote.clone().attend());
        let jobs = || (0..jobs).map(|_| Waiting { tried_at: None, failed: 0 }).collect();
        let lane = |at| (at, Conversation { fails: at >= well, jobs: jobs(), retry_at: None });
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut line: Vec<_> = (0..well + failing).collect();
        chance.shuffle(&mut line);
        Self {
            sky,
            breaker: Breaker::new(Some(remote)),
            lanes: (0..well + failing).map(lane).collect(),
            line: line.into(),
            slots,
            chance,
            sent_at: Vec::new(),
            spent: 0,
            parked_well: 0,
            _prober: prober,
        }
    }

    fn claim(&mut self) -> Option<usize> {
        let now = Instant::now();
        let is_due = |at: &usize| {
            let lane = &self.lanes[at];
            !lane.jobs.is_empty() && lane.retry_at.is_none_or(|at| at <= now)
        };
        let place = self.line.iter().position(is_due)?;
        self.line.remove(place)
    }

    /// What a relay does when it comes round: it claims as much as it may, and settles that.
    async fn round(&mut self) {
        let (gate, _) = self.breaker.gate(Instant::now());
        let may = match gate {
            Gate::Free => self.slots,
            Gate::Trial => 1,
            Gate::Shut(_) => 0,
        };
        let claimed: Vec<_> = (0..may).map_while(|_| self.claim()).collect();
        if gate == Gate::Trial && claimed.is_empty() {
            self.breaker.unused();
        }
        sleep(if claimed.is_empty() { REST } else { CALL }).await;
        for at in claimed {
            self.settle(at).await;
            self.line.push_back(at);
        }
        if self.breaker.is_free(Instant::now()) {
            for freed in self.breaker.freed() {
                self.lanes.get_mut(&freed.parse().unwrap()).unwrap().retry_at = None;
            }
        }
    }

    async fn settle(&mut self, at: usize) {
        let sky = *self.sky.lock().unwrap();
        let lane = self.lanes.get_mut(&at).unwrap();
        let failure = sky.of_message().or_else(|| lane.fails.then(|| Failure::transient("500")));
        self.sent_at.push(Instant::now());
        let sign = failure.clone().map_or(Sign::Passed, Sign::Failed);
        let blame = self.breaker.note(&at.to_string(), sign).await;
        let waiting = lane.jobs.front_mut().unwrap();
        let tried_at = *waiting.tried_at.get_or_insert_with(Instant::now);
        let (job, on) = (update(), Lane::inbound(&conversation()));
        let outcome = failure.map(|failure| {
            let attempt =
                FailedTry { failed_before: waiting.failed, age: tried_at.elapsed(), blame, ..attempt(&job, &on, 0) };
            let patient = RetryPolicy { patience: None, ..policy() };
            of_failure(&attempt, failure, &patient, NOW, self.chance.f64())
        });
        match outcome {
            Some(Outcome::Retry { at, counts, .. }) => {
                waiting.failed += u32::from(counts);
                lane.retry_at = Some(Instant::now() + NOW.until(at));
                self.spent = self.spent.max(if lane.fails { 0 } else { waiting.failed });
                return;
            }
            Some(_) => self.parked_well += usize::from(!lane.fails),
            None => {}
        }
        lane.jobs.pop_front();
        lane.retry_at = None;
        self.breaker.ended(&at.to_string());
    }

    /// How many conversations have something to say that nothing is wrong with.
    fn waiting_well(&self) -> usize {
        self.lanes.values().filter(|lane| !lane.fails && !lane.jobs.is_empty()).count()
    }

    fn left_well(&self) -> usize {
        self.lanes.values().filter(|lane| !lane.fails).map(|lane| lane.jobs.len()).sum()
    }

    /// Comes round for so long, or until nothing is left that nothing is wrong with.
    async fn go_on(&mut self, most: Duration) {
        let until = Instant::now() + most;
        while Instant::now() < until && self.left_well() > 0 {
            self.round().await;
        }
    }
}

fn played(play: impl AsyncFnOnce()) {
    let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    paused.block_on(play());
}

/// An eighth of what `PROPTEST_CASES` asks for, or of 256: each is an outage of up to an hour.
fn cases() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.div_ceil(8), failure_persistence: None, ..asked }
}

/// How long those take that wait behind so many that fail: each of them may take a trial.
fn turns(conversations: usize, jobs: usize) -> Duration {
    Duration::from_secs(20) + Duration::from_secs(4) * u32::try_from(conversations * (jobs + 1)).unwrap()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whoever_fails_holds_nobody_up(
        (well, failing, jobs) in (1..4_usize, 0..5_usize, 1..4_usize),
        how in (1..4_usize, any::<bool>(), any::<u64>()),
    ) {
        played(async || {
            let mut relay = Relay::new(well, failing, jobs, how);
            relay.go_on(turns(well + failing, jobs)).await;
            assert_eq!((relay.left_well(), relay.parked_well), (0, 0), "{:?}", relay.lanes);
            assert_eq!(relay.spent, 0, "an attempt is spent on what nothing is wrong with");
        });
    }

    #[test]
    fn an_outage_costs_nobody_anything_but_time(
        (well, failing, jobs) in (2..5_usize, 0..3_usize, 1..4_usize),
        how in (1..4_usize, any::<bool>(), any::<u64>()),
        (before, weather, lasts) in (0..500_u64, weather(), 1..4000_u64),
    ) {
        played(async || {
            let mut relay = Relay::new(well, failing, jobs, how);
            relay.go_on(Duration::from_millis(before)).await;
            *relay.sky.lock().unwrap() = weather;
            // Of one that is tried alone nobody knows whether it is refused with all others.
            if weather == Weather::Refusing && relay.waiting_well() < 2 {
                return;
            }
            let sent = relay.sent_at.len();
            relay.go_on(Duration::from_secs(lasts)).await;
            let tries = relay.sent_at.len() - sent;
            // Those under way when it began, and the second ones to fail; then one trial after the other. What fails
            // alone was told apart before, and has its six tries.
            let known = 2 * how.0 + 6 * failing * jobs + well;
            let most = known + usize::try_from(lasts * 10 / 24).unwrap();
            assert!(tries <= most, "{tries} tries in {lasts} s, of at most {most}");
            *relay.sky.lock().unwrap() = Weather::Fine;
            let asked = if let Weather::Flooded(Some(asked)) = weather { u64::from(asked).min(3600) } else { 0 };
            let patience = Duration::from_secs(asked * 12 / 10 + 300);
            relay.go_on(patience + turns(well + failing, jobs)).await;
            assert_eq!((relay.left_well(), relay.parked_well), (0, 0), "{:?}", relay.lanes);
            // The first one to be refused, and one that fails within the moment that the answer to a probe is good for.
            let spent = u32::from(weather == Weather::Refusing || weather == Weather::Ill && failing > 0);
            assert!(relay.spent <= spent, "{} attempts are spent on what nothing is wrong with", relay.spent);
        });
    }

}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_wait_is_as_long_as_was_asked_for_and_no_longer_than_promised(
        kind in 0..5_u8,
        asked in option::of(any::<u64>()),
        blame in prop_oneof![Just(Blame::Message), Just(Blame::Unknown), Just(Blame::Connection)],
        (failed_before, age, now) in (any::<u32>(), any::<u64>(), any::<i64>()),
        waits in vec(0..100_000_u64, 1..5),
        chance in 0.0..1.0_f64,
    ) {
        let (why, after) = ("test".to_owned(), asked.map(Duration::from_millis));
        let failure = match kind {
            0 => Failure::unreachable(why),
            1 => Failure::Transient { why, after },
            2 => Failure::not_yet(why),
            3 => Failure::blocked(why),
            _ => Failure::Throttled { why, after },
        };
        let is_asked = matches!(failure, Failure::Throttled { .. })
            || matches!(failure, Failure::Transient { .. }) && blame != Blame::Connection;
        let mut waits: Vec<_> = waits.into_iter().map(Duration::from_millis).collect();
        waits.sort();
        let last = *waits.last().unwrap();
        let policy = RetryPolicy { patience: None, schedule: Schedule::endless(waits), ..policy() };
        let (job, on, now) = (update(), Lane::inbound(&conversation()), UnixMillis(now));
        let of = |failed_before, chance| {
            let attempt = FailedTry { failed_before, age: Duration::from_millis(age), blame, ..attempt(&job, &on, 0) };
            match of_failure(&attempt, failure.clone(), &policy, now, chance) {
                Outcome::Retry { at, .. } => Some(now.until(at)),
                _ => None,
            }
        };
        if let Some(wait) = of(failed_before % 6, chance) && now.0 < i64::MAX / 2 {
            let asked = after.filter(|_| is_asked).unwrap_or_default().min(Duration::from_hours(1));
            assert!(wait >= asked, "{wait:?}, and {asked:?} was asked for");
            let longest = asked.max(last).max(Duration::from_secs(1)).mul_f64(1.2) + Duration::from_millis(1);
            assert!(wait <= longest, "{wait:?} of at most {longest:?}");
            let (next, is_counted) = (of(failed_before % 6 + 1, chance), blame != Blame::Connection);
            assert!(!is_counted || next.is_none_or(|next| next >= wait), "{next:?} after {wait:?}");
            assert!(failed_before % 6 < 5 || !is_counted || kind == 2 || kind == 3, "a seventh attempt");
        }
        let (low, high) = (of(0, 0.0), of(0, 1.0));
        let spread = low.zip(high).is_none_or(|(low, high)| low <= high);
        assert!(spread, "{low:?} and {high:?}");
    }
}
