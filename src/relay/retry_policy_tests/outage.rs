//! A small relay with the real breaker and the real retry policy, conversations of which some always fail, and a remote
//! that fails for a while. Time is simulated.

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

/// The health of the remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RemoteHealth {
    Fine,
    /// It cannot be reached.
    Away,
    /// It answers neither messages nor probes.
    Ill,
    /// It answers probes, and accepts no message.
    Refusing,
    /// It throttles all messages.
    Flooded(Option<u16>),
}

impl RemoteHealth {
    fn of_message(self) -> Option<Failure> {
        match self {
            Self::Fine => None,
            Self::Away => Some(Failure::unreachable("refused")),
            Self::Ill | Self::Refusing => Some(Failure::transient("500")),
            Self::Flooded(retry_after) => {
                let after = retry_after.map(|seconds| Duration::from_secs(seconds.into()));
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

fn health() -> impl Strategy<Value = RemoteHealth> {
    prop_oneof![
        Just(RemoteHealth::Away),
        Just(RemoteHealth::Ill),
        Just(RemoteHealth::Refusing),
        option::of(0..7200_u16).prop_map(RemoteHealth::Flooded),
    ]
}

#[derive(Clone, Debug)]
struct Waiting {
    tried_at: Option<Instant>,
    failed: u32,
}

/// A conversation. A healthy remote refuses the messages of one that `fails`.
#[derive(Debug)]
struct Conversation {
    fails: bool,
    jobs: VecDeque<Waiting>,
    retry_at: Option<Instant>,
}

struct Relay {
    state: Arc<Mutex<RemoteHealth>>,
    breaker: Breaker,
    lanes: BTreeMap<usize, Conversation>,
    /// A lane that has been served goes to the end.
    line: VecDeque<usize>,
    slots: usize,
    chance: fastrand::Rng,
    /// When messages were sent.
    sent_at: Vec<Instant>,
    /// The most attempts that a good message has used up.
    spent: u32,
    parked_well: usize,
    _prober: JoinSet<()>,
}

/// The time of one round of claims.
const CALL: Duration = Duration::from_millis(100);
/// The wait for the next round if nothing can be claimed.
const REST: Duration = Duration::from_millis(300);

impl Relay {
    fn new(well: usize, failing: usize, jobs: usize, (slots, may_try, seed): (usize, bool, u64)) -> Self {
        let state = Arc::new(Mutex::new(RemoteHealth::Fine));
        let shared = Arc::clone(&state);
        let probe = move || {
            let answer = shared.lock().unwrap().of_probe();
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
            state,
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

    /// One round of a relay: it claims as many jobs as it may, and settles them.
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
        let state = *self.state.lock().unwrap();
        let lane = self.lanes.get_mut(&at).unwrap();
        let failure = state.of_message().or_else(|| lane.fails.then(|| Failure::transient("500")));
        self.sent_at.push(Instant::now());
        let sign = failure.clone().map_or(Sign::Passed, Sign::Failed);
        let blame = self.breaker.note(&at.to_string(), sign).await;
        let waiting = lane.jobs.front_mut().unwrap();
        let tried_at = *waiting.tried_at.get_or_insert_with(Instant::now);
        let (job, on) = (update(), Lane::inbound(&conversation()));
        let outcome = failure.map(|failure| {
            let attempt = FailedAttempt {
                failed_before: waiting.failed,
                age: tried_at.elapsed(),
                blame,
                ..attempt(&job, &on, 0)
            };
            let endless = RetryPolicy { patience: None, ..policy() };
            of_failure(&attempt, failure, &endless, NOW, self.chance.f64())
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

    /// How many conversations with good messages have waiting jobs.
    fn waiting_well(&self) -> usize {
        self.lanes.values().filter(|lane| !lane.fails && !lane.jobs.is_empty()).count()
    }

    fn left_well(&self) -> usize {
        self.lanes.values().filter(|lane| !lane.fails).map(|lane| lane.jobs.len()).sum()
    }

    /// Runs rounds for so long, or until no good message is left.
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

/// An eighth of `PROPTEST_CASES`, or of 256: each case is an outage of up to an hour.
fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.div_ceil(8), failure_persistence: None, ..default }
}

/// How long good conversations take behind so many that fail: each of those may take a trial.
fn turns(conversations: usize, jobs: usize) -> Duration {
    Duration::from_secs(20) + Duration::from_secs(4) * u32::try_from(conversations * (jobs + 1)).unwrap()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn failing_conversations_do_not_block_others(
        (well, failing, jobs) in (1..4_usize, 0..5_usize, 1..4_usize),
        how in (1..4_usize, any::<bool>(), any::<u64>()),
    ) {
        played(async || {
            let mut relay = Relay::new(well, failing, jobs, how);
            relay.go_on(turns(well + failing, jobs)).await;
            assert_eq!((relay.left_well(), relay.parked_well), (0, 0), "{:?}", relay.lanes);
            assert_eq!(relay.spent, 0, "an attempt is spent on a good message");
        });
    }

    #[test]
    fn an_outage_costs_only_time(
        (well, failing, jobs) in (2..5_usize, 0..3_usize, 1..4_usize),
        how in (1..4_usize, any::<bool>(), any::<u64>()),
        (before, health, lasts) in (0..500_u64, health(), 1..4000_u64),
    ) {
        played(async || {
            let mut relay = Relay::new(well, failing, jobs, how);
            relay.go_on(Duration::from_millis(before)).await;
            *relay.state.lock().unwrap() = health;
            // A single message does not show whether all are refused.
            if health == RemoteHealth::Refusing && relay.waiting_well() < 2 {
                return;
            }
            let sent = relay.sent_at.len();
            relay.go_on(Duration::from_secs(lasts)).await;
            let tries = relay.sent_at.len() - sent;
            // Those in flight when it started, and the second ones to fail; then one trial after the other. Messages
            // that fail alone have been recognised before, and have six attempts.
            let known = 2 * how.0 + 6 * failing * jobs + well;
            let most = known + usize::try_from(lasts * 10 / 24).unwrap();
            assert!(tries <= most, "{tries} tries in {lasts} s, of at most {most}");
            *relay.state.lock().unwrap() = RemoteHealth::Fine;
            let retry_after = match health {
                RemoteHealth::Flooded(Some(retry_after)) => u64::from(retry_after).min(3600),
                _ => 0,
            };
            let patience = Duration::from_secs(retry_after * 12 / 10 + 300);
            relay.go_on(patience + turns(well + failing, jobs)).await;
            assert_eq!((relay.left_well(), relay.parked_well), (0, 0), "{:?}", relay.lanes);
            // The first one to be refused, and one that fails while the result of a probe is still valid.
            let spent = u32::from(health == RemoteHealth::Refusing || health == RemoteHealth::Ill && failing > 0);
            assert!(relay.spent <= spent, "{} attempts are spent on good messages", relay.spent);
        });
    }

}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_wait_is_as_long_as_requested_and_no_longer_than_promised(
        kind in 0..5_u8,
        retry_after in option::of(any::<u64>()),
        blame in prop_oneof![Just(Blame::Message), Just(Blame::Unknown), Just(Blame::Connection)],
        (failed_before, age, now) in (any::<u32>(), any::<u64>(), any::<i64>()),
        waits in vec(0..100_000_u64, 1..5),
        chance in 0.0..1.0_f64,
    ) {
        let (why, after) = ("test".to_owned(), retry_after.map(Duration::from_millis));
        let failure = match kind {
            0 => Failure::unreachable(why),
            1 => Failure::Transient { why, after },
            2 => Failure::not_yet(why),
            3 => Failure::blocked(why),
            _ => Failure::Throttled { why, after },
        };
        let is_requested = matches!(failure, Failure::Throttled { .. })
            || matches!(failure, Failure::Transient { .. }) && blame != Blame::Connection;
        let mut waits: Vec<_> = waits.into_iter().map(Duration::from_millis).collect();
        waits.sort();
        let last = *waits.last().unwrap();
        let policy = RetryPolicy { patience: None, schedule: Schedule::endless(waits), ..policy() };
        let (job, on, now) = (update(), Lane::inbound(&conversation()), UnixMillis(now));
        let of = |failed_before, chance| {
            let age = Duration::from_millis(age);
            let attempt = FailedAttempt { failed_before, age, blame, ..attempt(&job, &on, 0) };
            match of_failure(&attempt, failure.clone(), &policy, now, chance) {
                Outcome::Retry { at, .. } => Some(now.until(at)),
                _ => None,
            }
        };
        if let Some(wait) = of(failed_before % 6, chance) && now.0 < i64::MAX / 2 {
            let retry_after = after.filter(|_| is_requested).unwrap_or_default().min(Duration::from_hours(1));
            assert!(wait >= retry_after, "{wait:?}, and {retry_after:?} was asked for");
            let longest = retry_after.max(last).max(Duration::from_secs(1)).mul_f64(1.2) + Duration::from_millis(1);
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
