use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::store::Class;

fn lane(n: u8) -> Lane {
    Lane { route: Route::Inbound, thread: format!("lane {n}") }
}

fn head(sequence: u64, retry_at: Option<i64>) -> Head {
    let class = Class { is_bulk: sequence.is_multiple_of(3), is_file: sequence.is_multiple_of(5) };
    Head { retry_at: retry_at.map(UnixMillis), sequence, enqueued_at: UnixMillis(0), class }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Join(u8),
    Claim,
    Older,
    Settle { keeps: bool, retry_at: Option<i64> },
    Return(Option<i64>),
    Hold(u8, u64),
    Release(u8),
    Freeze(u8),
    Thaw(u8, bool),
    MakeDue(u8),
    Take(u8),
    Free,
}

fn act() -> impl Strategy<Value = Act> {
    let lane = 0_u8..4;
    let at = proptest::option::of(0_i64..200);
    prop_oneof![
        4 => lane.clone().prop_map(Act::Join),
        4 => Just(Act::Claim),
        1 => Just(Act::Older),
        4 => (any::<bool>(), at.clone()).prop_map(|(keeps, retry_at)| Act::Settle { keeps, retry_at }),
        1 => at.prop_map(Act::Return),
        2 => (lane.clone(), prop_oneof![Just(0), 0_u64..60]).prop_map(|(lane, from)| Act::Hold(lane, from)),
        2 => lane.clone().prop_map(Act::Release),
        1 => lane.clone().prop_map(Act::Freeze),
        1 => (lane.clone(), any::<bool>()).prop_map(|(lane, comes)| Act::Thaw(lane, comes)),
        1 => lane.clone().prop_map(Act::MakeDue),
        1 => lane.prop_map(Act::Take),
        1 => Just(Act::Free),
    ]
}

/// The state that the test tracks besides the index: the jobs of each lane, the claimed lanes, and the frozen ones.
#[derive(Default)]
struct World {
    index: Index,
    next: u64,
    jobs: BTreeMap<String, Vec<u64>>,
    claimed: Vec<Lane>,
    frozen: BTreeSet<String>,
}

impl World {
    fn sequence(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn take(&mut self, claimed: Option<(Lane, Instant)>) {
        let Some((lane, _)) = claimed else { return };
        assert!(self.jobs.get(&lane.thread).is_some_and(|jobs| !jobs.is_empty()), "an empty lane is claimed");
        assert!(!self.claimed.contains(&lane), "claimed twice");
        assert!(!self.frozen.contains(&lane.thread), "a frozen lane is claimed");
        self.claimed.push(lane);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Join(n) => {
                let sequence = self.sequence();
                self.jobs.entry(lane(n).thread).or_default().push(sequence);
                self.index.joined(&lane(n), head(sequence, None));
            }
            Act::Claim => {
                let claimed = self.index.claim(&Route::Inbound, UnixMillis(100), |class| !class.is_file);
                self.take(claimed);
            }
            Act::Older => {
                let claimed = self.index.claim_older(&Route::Inbound, UnixMillis(100), Instant::now());
                self.take(claimed);
            }
            Act::Settle { keeps, retry_at } => {
                let Some(lane) = self.claimed.pop() else { return };
                let jobs = self.jobs.get_mut(&lane.thread).unwrap();
                if !keeps {
                    jobs.remove(0);
                }
                let first = jobs.first().map(|sequence| head(*sequence, retry_at.filter(|_| keeps)));
                self.index.settled(&lane, 1, keeps.into(), first);
            }
            Act::Return(at) => {
                if let Some(lane) = self.claimed.pop() {
                    self.index.returned(&lane, at.map(UnixMillis));
                }
            }
            Act::Hold(n, from) => self.index.hold(&Route::Inbound, [lane(n).thread], from),
            Act::Release(n) => {
                self.index.release_hold(&lane(n));
            }
            Act::Freeze(n) => {
                if self.index.freeze(&lane(n)) {
                    self.frozen.insert(lane(n).thread);
                }
            }
            Act::Thaw(n, comes) => {
                if !self.frozen.remove(&lane(n).thread) {
                    return;
                }
                let sequence = self.sequence();
                let jobs = self.jobs.entry(lane(n).thread).or_default();
                if comes {
                    jobs.insert(0, sequence);
                }
                let first = jobs.first().map(|sequence| head(*sequence, None));
                self.index.thaw(&lane(n), comes.into(), first);
            }
            Act::MakeDue(n) => self.index.make_due(&lane(n)),
            Act::Take(n) => {
                let claimed = self.index.take(&lane(n)).map(|at| (lane(n), at));
                self.take(claimed);
            }
            Act::Free => self.index.sorted(&Route::Inbound, UnixMillis(i64::MAX)),
        }
    }

    /// A lane with jobs is claimed, or in exactly one place, and its jobs are counted.
    fn check(&self) {
        let Some(queue) = self.index.routes.get(&Route::Inbound) else { return };
        for (thread, jobs) in &self.jobs {
            let is_claimed = self.claimed.iter().any(|lane| lane.thread == *thread);
            let places = queue.places(thread);
            let expected = usize::from(!jobs.is_empty() && !is_claimed);
            assert_eq!(places, expected, "{thread} with {jobs:?}, claimed: {is_claimed}");
        }
        let waiting: usize = self.jobs.values().map(Vec::len).sum();
        assert_eq!(queue.count().waiting, waiting);
        assert_eq!(queue.count().oldest_at.is_some(), waiting > 0);
    }
}

proptest! {
    #[test]
    fn a_lane_with_jobs_is_claimed_or_in_exactly_one_place(acts in proptest::collection::vec(act(), 1..80)) {
        let mut world = World::default();
        for act in acts {
            world.act(act);
            world.check();
        }
        // In the end every job can be claimed.
        let frozen: Vec<u8> = (0..4).filter(|n| world.frozen.contains(&lane(*n).thread)).collect();
        for n in frozen {
            world.act(Act::Thaw(n, false));
        }
        for n in 0..4 {
            world.act(Act::Release(n));
        }
        while !world.claimed.is_empty() {
            world.act(Act::Settle { keeps: false, retry_at: None });
        }
        world.act(Act::Free);
        while let Some((lane, at)) = world.index.claim(&Route::Inbound, UnixMillis(0), |_| true) {
            world.take(Some((lane, at)));
            world.act(Act::Settle { keeps: false, retry_at: None });
            world.check();
        }
        prop_assert!(world.jobs.values().all(Vec::is_empty), "{:?}", world.jobs);
    }
}

#[test]
fn a_lane_that_is_held_twice_is_released_as_a_whole() {
    let mut index = Index::default();
    index.joined(&lane(1), head(5, None));
    index.hold(&Route::Inbound, [lane(1).thread], 0);
    index.hold(&Route::Inbound, [lane(1).thread], 9);
    assert!(index.release_hold(&lane(1)), "it was withheld");
    assert!(index.claim(&Route::Inbound, UnixMillis(0), |_| true).is_some());
}
