//! Whatever happens to calls and probes, in any order: what the breaker promises of it.

use proptest::{collection::vec, option, prelude::*};

use super::*;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Act {
    /// A call of a message has ended.
    Note {
        message: u8,
        sign: u8,
        asked: Option<u16>,
    },
    /// A message is done with.
    Ended {
        message: u8,
    },
    /// Somebody asks what may be done.
    Gate,
    /// A trial was given, and there was nothing to try.
    Unused,
    /// Nothing waits.
    Idle,
    /// From now on a probe is answered so.
    Probes {
        sign: u8,
    },
    Wait {
        ms: u32,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let asked = option::of(prop_oneof![0..30_u16, any::<u16>()]);
    let wait = prop_oneof![3 => 0..1000_u32, 3 => 0..5000_u32, 1 => 0..600_000_u32, 1 => 0..7_200_000_u32];
    prop_oneof![
        8 => (0..5_u8, 0..5_u8, asked).prop_map(|(message, sign, asked)| Act::Note { message, sign, asked }),
        1 => (0..5_u8).prop_map(|message| Act::Ended { message }),
        6 => Just(Act::Gate),
        1 => Just(Act::Unused),
        1 => Just(Act::Idle),
        2 => (0..4_u8).prop_map(|sign| Act::Probes { sign }),
        6 => wait.prop_map(|ms| Act::Wait { ms }),
    ]
}

/// A way for a call to end that fails; `None` for one that does not.
fn failure(sign: u8, asked: Option<u16>) -> Option<Failure> {
    let why = "test".to_owned();
    let after = asked.map(|seconds| Duration::from_secs(seconds.into()));
    match sign {
        0 => None,
        1 => Some(Failure::unreachable(why)),
        2 => Some(Failure::Transient { why, after }),
        3 => Some(Failure::blocked(why)),
        _ => Some(Failure::Throttled { why, after }),
    }
}

/// The shortest and the longest time between two tries, with all their spread.
const SHORTEST: Duration = Duration::from_millis(2400);
const LONGEST: Duration = Duration::from_secs(18);
/// How long after a trial of which nothing is heard another one is given, at the earliest: after three probes that
/// fail. Where probes are answered, it is 15 s.
const UNHEARD: Duration = Duration::from_millis(7200);

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
            Act::Note { message, sign, asked } => self.note(message, failure(sign, asked)).await,
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

    /// Whoever fails while nothing may be done spends nothing, unless it was known to fail alone before that.
    async fn note(&mut self, message: u8, failure: Option<Failure>) {
        let message = message.to_string();
        let was_free = self.breaker.is_free(Instant::now());
        let is_alone = self.breaker.with(|evidence| evidence.is_alone(&message));
        let sign = failure.clone().map_or(Sign::Passed, Sign::Failed);
        let blame = self.breaker.note(&message, sign).await;
        let Some(failure) = failure else {
            assert_eq!(gate(&self.breaker), self.paused().unwrap_or(Gate::Free), "whoever takes a message answers");
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

    /// How the gate is while the remote wants to be left alone.
    fn paused(&self) -> Option<Gate> {
        self.play.remote.with(|way| way.is_shut(Instant::now())).map(Gate::Shut)
    }

    /// One trial follows the other after a while, and nobody is told to come back later than that.
    fn ask(&mut self) {
        let now = Instant::now();
        let (gate, again_at) = self.breaker.gate(now);
        assert_eq!(gate == Gate::Free, self.breaker.is_free(now), "{gate:?}");
        assert!(again_at.is_none_or(|at| at > now && at <= now + LONGEST_PAUSE), "{again_at:?}");
        if gate != Gate::Trial {
            return;
        }
        if let Some(before) = self.tried_at.replace(now) {
            assert!(self.is_noted_since || now - before >= UNHEARD, "{:?}", now - before);
            assert!(now - before >= SHORTEST, "a trial {:?} after another", now - before);
        }
        self.is_noted_since = false;
    }

    /// Once the remote is well, everybody goes on, whatever was before.
    async fn finish(mut self) {
        *self.play.answer.lock().unwrap() = Ok(());
        let began = Instant::now();
        loop {
            match gate(&self.breaker) {
                Gate::Free => break,
                Gate::Trial => self.note(9, None).await,
                Gate::Shut(_) => {}
            }
            assert!(began.elapsed() <= LONGEST_PAUSE + LONGEST, "shut for {:?}", began.elapsed());
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(self.play.remote.trouble(), None);
        let probes = self.play.probes();
        sleep(Duration::from_mins(10)).await;
        // One may have been due when it became free.
        assert!(self.play.probes() <= probes + 1, "a way that is free is not probed");
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
