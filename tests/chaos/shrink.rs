//! A schedule that fails, made as small as it can be while it still fails.

use std::collections::BTreeSet;

use crate::{
    options::given,
    plan::{End, Files, Phase, Reload, Round, Trouble},
};

/// What is left of a schedule that fails when nothing more can be taken from it. `fails` plays one; `None` if there is
/// no time left.
pub(crate) fn smallest(mut schedule: Vec<Phase>, mut fails: impl FnMut(&[Phase]) -> Option<bool>) -> Vec<Phase> {
    // What is smaller in two ways comes up twice.
    let mut tried = BTreeSet::new();
    'next: loop {
        for smaller in smaller(&schedule) {
            if !tried.insert(given(&smaller)) {
                continue;
            }
            match fails(&smaller) {
                None => return schedule,
                Some(false) => {}
                Some(true) => {
                    schedule = smaller;
                    continue 'next;
                }
            }
        }
        return schedule;
    }
}

/// Smaller schedules, those first that are much smaller: fewer phases, fewer rounds, fewer faults.
fn smaller(schedule: &[Phase]) -> Vec<Vec<Phase>> {
    let mut all = fewer(schedule);
    for change in [fewer_rounds, fewer_faults] {
        for (at, phase) in schedule.iter().enumerate() {
            all.extend(change(phase).into_iter().map(|smaller| replaced(schedule, at, smaller)));
        }
    }
    all
}

fn replaced<T: Clone>(all: &[T], at: usize, one: T) -> Vec<T> {
    let mut all = all.to_vec();
    all[at] = one;
    all
}

/// The last alone, since it is the one that has failed; a half; all but one. Never nothing.
fn fewer<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    let count = all.len();
    if count < 2 {
        return Vec::new();
    }
    let mut fewer = vec![all[count - 1..].to_vec(), all[count / 2..].to_vec(), all[..count / 2].to_vec()];
    fewer.extend((0..count).map(|at| [&all[..at], &all[at + 1..]].concat()));
    fewer
}

fn fewer_rounds(phase: &Phase) -> Vec<Phase> {
    fewer(&phase.rounds).into_iter().map(|rounds| Phase { rounds, ..phase.clone() }).collect()
}

fn fewer_faults(phase: &Phase) -> Vec<Phase> {
    let mut all = Vec::new();
    if phase.files != Files::Left {
        all.push(Phase { files: Files::Left, ..phase.clone() });
    }
    let rounds = phase
        .rounds
        .iter()
        .enumerate()
        .flat_map(|(at, round)| calmer(round).into_iter().map(move |calmer| replaced(&phase.rounds, at, calmer)));
    all.extend(rounds.map(|rounds| Phase { rounds, ..phase.clone() }));
    all
}

/// The round without one of its faults.
fn calmer(round: &Round) -> Vec<Round> {
    let mut all = Vec::new();
    for way in (0..round.weather.len()).filter(|way| round.weather[*way].is_some()) {
        all.push(Round { weather: replaced(&round.weather, way, None).try_into().unwrap(), ..round.clone() });
    }
    if round.trouble != Trouble::None {
        all.push(Round { trouble: Trouble::None, ..round.clone() });
    }
    if round.reload != Reload::None {
        all.push(Round { reload: Reload::None, ..round.clone() });
    }
    if round.end != End::RunsOn {
        all.push(Round { end: End::RunsOn, ..round.clone() });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Allowed;

    fn drawn(seed: u64) -> Vec<Phase> {
        (0..8).map(|number| Phase::nth(seed, number, &Allowed::default())).collect()
    }

    fn faults(round: &Round) -> usize {
        let beside = [round.trouble != Trouble::None, round.end != End::RunsOn];
        round.weather.iter().flatten().count() + beside.into_iter().filter(|is| *is).count()
    }

    fn is_kill(round: &Round) -> bool {
        round.end == End::Kill
    }

    #[test]
    fn what_has_no_part_in_the_failure_goes() {
        for seed in 0..20 {
            let schedule = drawn(seed);
            let fails = |schedule: &[Phase]| {
                let mut rounds = schedule.iter().flat_map(|phase| &phase.rounds);
                let way = rounds.find(|round| round.weather[1].is_some());
                way.is_some() && rounds.any(is_kill)
            };
            assert!(fails(&schedule), "seed {seed} is of no use here");
            let left = smallest(schedule, |schedule| Some(fails(schedule)));
            assert!(fails(&left));
            let rounds: Vec<_> = left.iter().flat_map(|phase| &phase.rounds).collect();
            assert_eq!(rounds.len(), 2, "{left:#?}");
            assert!(left.iter().all(|phase| phase.files == Files::Left), "{left:#?}");
            assert_eq!(rounds.iter().map(|round| faults(round)).sum::<usize>(), 2, "{left:#?}");
        }
    }

    #[test]
    fn what_fails_whatever_goes_wrong_ends_as_a_single_quiet_round() {
        let left = smallest(drawn(1), |_| Some(true));
        assert_eq!((left.len(), left[0].rounds.len(), faults(&left[0].rounds[0])), (1, 1, 0));
    }

    #[test]
    fn without_time_it_stays_as_small_as_it_has_become() {
        let mut tries = 3;
        let left = smallest(drawn(2), |_| {
            tries -= 1;
            (tries > 0).then_some(true)
        });
        assert_eq!(left.len(), 1, "the first try leaves the last phase alone");
        assert_eq!(tries, 0);
        assert!(!left[0].rounds.is_empty());
    }

    #[test]
    fn nothing_is_tried_twice() {
        let mut tried = BTreeSet::new();
        smallest(drawn(4), |schedule| {
            assert!(!schedule.is_empty() && schedule.iter().all(|phase| !phase.rounds.is_empty()));
            assert!(tried.insert(given(schedule)));
            Some(schedule.iter().flat_map(|phase| &phase.rounds).filter(|round| is_kill(round)).count() > 1)
        });
        assert!(tried.len() > 10);
    }
}
