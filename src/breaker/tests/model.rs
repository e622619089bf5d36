//! Properties of the breaker for any order of calls and probes.

use proptest::{collection::vec, option, prelude::*};

use super::*;

/// One event.
#[derive(Clone, Debug)]
enum Act {
    /// A call of a message has ended.
    Note {
        message: u8,
        sign: u8,
        retry_after: Option<u16>,
    },
    /// A message has been settled.
    Ended {
        message: u8,
    },
    /// A route asks for its gate.
    Gate,
    /// There was no job for a trial.
    Unused,
    /// No job waits.
    Idle,
    /// Probes have this result from now on.
    Probes {
        sign: u8,
    },
    Wait {
        ms: u32,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let retry_after = option::of(prop_oneof![0..30_u16, any::<u16>()]);
    let wait = prop_oneof![3 => 0..1000_u32, 3 => 0..5000_u32, 1 => 0..600_000_u32, 1 => 0..7_200_000_u32];
    prop_oneof![
        8 => (0..5_u8, 0..5_u8, retry_after).prop_map(|(message, sign, retry_after)| Act::Note { message, sign, retry_after }),
        1 => (0..5_u8).prop_map(|message| Act::Ended { message }),
        6 => Just(Act::Gate),
        1 => Just(Act::Unused),
        1 => Just(Act::Idle),
        2 => (0..4_u8).prop_map(|sign| Act::Probes { sign }),
        6 => wait.prop_map(|ms| Act::Wait { ms }),
    ]
}

/// The failure with a number; `None` for success.
fn failure(sign: u8, retry_after: Option<u16>) -> Option<Failure> {
    let why = "test".to_owned();
    let after = retry_after.map(|seconds| Duration::from_secs(seconds.into()));
    match sign {
        0 => None,
        1 => Some(Failure::unreachable(why)),
        2 => Some(Failure::Transient { why, after }),
        3 => Some(Failure::blocked(why)),
        _ => Some(Failure::Throttled { why, after }),
    }
}

/// The shortest and the longest time between two attempts, with jitter.
const SHORTEST: Duration = Duration::from_millis(2400);
const LONGEST: Duration = Duration::from_secs(18);
/// The least time between a trial without a result and the next one: three failed probes. If probes are answered, it is
/// 15 s.
const TRIAL_RETRY: Duration = Duration::from_millis(7200);

struct World {
    play: Play,
    breaker: Breaker,
    /// The last trial that was given and not given back.
    tried_at: Option<Instant>,
    is_noted_since: bool,
}

impl World {
    async fn act(&mut self, act: Act) {
        match act {
            Act::Note { message, sign, retry_after } => self.note(message, failure(sign, retry_after)).await,
            Act::Ended { message } => self.breaker.ended(&message.to_string()),
            Act::Gate => self.ask(),
            Act::Unused => {
                self.breaker.unused();
                self.tried_at = None;
            }
            Act::Idle => {
                self.breaker.idle();
                self.tried_at = None;
            }
            Act::Probes { sign } => *self.play.answer.lock().unwrap() = failure(sign, None).map_or(Ok(()), Err),
            Act::Wait { ms } => sleep(Duration::from_millis(ms.into())).await,
        }
    }

    /// A message that fails while the gate is shut uses up no attempt, unless it was known to fail alone before.
    async fn note(&mut self, message: u8, failure: Option<Failure>) {
        let message = message.to_string();
        let was_free = self.breaker.is_free(Instant::now());
        let is_alone = self.breaker.with(|evidence| evidence.is_alone(&message));
        let sign = failure.clone().map_or(Sign::Passed, Sign::Failed);
        let blame = self.breaker.note(&message, sign).await;
        let Some(failure) = failure else {
            assert_eq!(
                gate(&self.breaker),
                self.paused().unwrap_or(Gate::Free),
                "a remote that takes a message answers"
            );
            self.tried_at = None;
            return;
        };
        self.is_noted_since = true;
        if !was_free && !is_alone || matches!(failure, Failure::Unreachable { .. }) {
            assert_eq!(blame, Blame::Connection, "an attempt is spent: {failure:?}");
        }
        if blame == Blame::Unknown {
            assert!(self.breaker.is_free(Instant::now()), "nothing is in the way of a message that was tried alone");
        }
    }

    /// The gate while the remote throttles or does not answer.
    fn paused(&self) -> Option<Gate> {
        self.play.remote.with(|way| way.is_shut(Instant::now())).map(Gate::Shut)
    }

    /// Trials have a distance, and no caller has to ask again later than needed.
    fn ask(&mut self) {
        let now = Instant::now();
        let (gate, again_at) = self.breaker.gate(now);
        assert_eq!(gate == Gate::Free, self.breaker.is_free(now), "{gate:?}");
        assert!(again_at.is_none_or(|at| at > now && at <= now + LONGEST_PAUSE), "{again_at:?}");
        if gate != Gate::Trial {
            return;
        }
        if let Some(before) = self.tried_at.replace(now) {
            assert!(self.is_noted_since || now - before >= TRIAL_RETRY, "{:?}", now - before);
            assert!(now - before >= SHORTEST, "a trial {:?} after another", now - before);
        }
        self.is_noted_since = false;
    }

    /// Once the remote works, all messages go on, whatever happened before.
    async fn finish(mut self) {
        *self.play.answer.lock().unwrap() = Ok(());
        let started_at = Instant::now();
        loop {
            match gate(&self.breaker) {
                Gate::Free => break,
                Gate::Trial => self.note(9, None).await,
                Gate::Shut(_) => {}
            }
            assert!(started_at.elapsed() <= LONGEST_PAUSE + LONGEST, "shut for {:?}", started_at.elapsed());
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(self.play.remote.trouble(), None);
        let probes = self.play.probes();
        sleep(Duration::from_mins(10)).await;
        // One may have been due when it became free.
        assert!(self.play.probes() <= probes + 1, "a connection that works is not probed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_breaker_spends_nothing_while_it_is_shut_tries_seldom_and_opens_again(
        may_try in any::<bool>(),
        acts in vec(act(), 1..80),
    ) {
        let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        paused.block_on(async {
            let play = Play::with(may_try);
            let breaker = Breaker::new(Some(play.remote.clone()));
            let mut world = World { play, breaker, tried_at: None, is_noted_since: false };
            for act in acts {
                world.act(act).await;
            }
            world.finish().await;
        });
    }
}
