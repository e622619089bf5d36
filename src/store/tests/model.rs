//! Any sequence of uses, held against the simplest queue that could be right ([`queue`]).
//!
//! `PROPTEST_CASES` asks for more of them: 256 is what runs if nothing is said.

use proptest::{collection::vec, option, prelude::*};

use self::{
    pair::Pair,
    queue::{Entry, Model, Seen, arrivals},
};
use super::*;

mod crash;
mod formats;
mod links;
mod pair;
mod queue;

/// How many lanes, and ids of arrivals, there are.
const LANES: u8 = 4;
const IDS: u8 = 6;
const BOT: crate::domain::address::BotId = crate::domain::address::BotId(7);
const MINUTE: Duration = Duration::from_mins(1);

/// One thing that happens. Numbers choose among what is there at the time.
#[derive(Clone, Debug)]
enum Act {
    Push {
        jobs: Vec<(u8, Option<u8>)>,
        moves_offset: bool,
    },
    Claim,
    End {
        lease: u8,
        how: How,
    },
    PutOff {
        lease: u8,
        minutes: u8,
    },
    Drop {
        lease: u8,
    },
    Backfill {
        lane: u8,
        before: Vec<u8>,
    },
    Hold {
        lane: u8,
        is_whole: bool,
    },
    LetGo {
        lane: u8,
    },
    LetGoOfAll,
    MakeDue {
        lane: u8,
    },
    Unpark {
        which: Vec<u8>,
    },
    DropParked {
        which: u8,
    },
    Pass {
        minutes: u8,
    },
    Sweep,
    Reopen,
    /// The power goes while some of these are under way, after so many of them were acknowledged.
    Crash {
        under_way: Vec<Act>,
        acknowledged: u8,
    },
}

/// How a claimed job ends.
#[derive(Clone, Debug)]
enum How {
    Done { then: Option<u8> },
    Replace { parts: u8, answers: u8 },
    Merge { behind: u8, parts: u8 },
    Retry { minutes: u8, counts: bool },
    Repeat,
    Park { needs_person: bool, then: Option<u8> },
}

fn push() -> impl Strategy<Value = Act> {
    (vec((0..LANES, option::of(0..IDS)), 1..4), any::<bool>())
        .prop_map(|(jobs, moves_offset)| Act::Push { jobs, moves_offset })
}

/// An ending that looks at nothing but its own arrival, so that it does not matter what else is under way.
fn end_of_its_own() -> impl Strategy<Value = Act> {
    let to = option::of(0..LANES);
    let how = prop_oneof![
        3 => to.clone().prop_map(|then| How::Done { then }),
        2 => (1..4_u8, 0..3_u8).prop_map(|(parts, answers)| How::Replace { parts, answers }),
        2 => (0..60_u8, any::<bool>()).prop_map(|(minutes, counts)| How::Retry { minutes, counts }),
        1 => Just(How::Repeat),
        2 => (any::<bool>(), to).prop_map(|(needs_person, then)| How::Park { needs_person, then }),
    ];
    (any::<u8>(), how).prop_map(|(lease, how)| Act::End { lease, how })
}

fn act() -> impl Strategy<Value = Act> {
    let unite = (any::<u8>(), 0..4_u8, 0..4_u8)
        .prop_map(|(lease, behind, parts)| Act::End { lease, how: How::Merge { behind, parts } });
    let under_way = vec(prop_oneof![push(), end_of_its_own()], 0..5);
    prop_oneof![
        6 => push(),
        8 => Just(Act::Claim),
        9 => end_of_its_own(),
        2 => unite,
        1 => (any::<u8>(), 0..60_u8).prop_map(|(lease, minutes)| Act::PutOff { lease, minutes }),
        1 => any::<u8>().prop_map(|lease| Act::Drop { lease }),
        2 => (0..LANES, vec(0..6_u8, 0..4)).prop_map(|(lane, before)| Act::Backfill { lane, before }),
        2 => (0..LANES, any::<bool>()).prop_map(|(lane, is_whole)| Act::Hold { lane, is_whole }),
        2 => (0..LANES).prop_map(|lane| Act::LetGo { lane }),
        1 => Just(Act::LetGoOfAll),
        2 => (0..LANES).prop_map(|lane| Act::MakeDue { lane }),
        2 => vec(any::<u8>(), 1..3).prop_map(|which| Act::Unpark { which }),
        1 => any::<u8>().prop_map(|which| Act::DropParked { which }),
        3 => (0..90_u8).prop_map(|minutes| Act::Pass { minutes }),
        3 => Just(Act::Sweep),
        1 => Just(Act::Reopen),
        1 => (under_way, any::<u8>()).prop_map(|(under_way, acknowledged)| Act::Crash { under_way, acknowledged }),
    ]
}

/// How many cases are tried of something of which so many are tried if nothing is said.
pub(super) fn cases(usual: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: (asked.cases * usual).div_ceil(256), failure_persistence: None, ..asked }
}

pub(super) fn block_on<T>(job: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(job)
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn the_queue_is_the_model(acts in vec(act(), 1..80)) {
        block_on(async {
            let mut pair = Pair::new();
            for act in acts {
                pair.act(act).await;
                pair.check();
            }
            pair.finish().await;
        });
    }
}
